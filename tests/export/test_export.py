"""Conversion: every format what its name says, close to Keras, the same bytes every time."""

import resource
import shutil
import signal
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from helpers.commands import assert_refused, run_cli

from alzedge.data.dataset import DataSet, Split, split_dataset
from alzedge.data.phantom_set import make_phantoms
from alzedge.errors import UserError
from alzedge.export.convert.formats import FORMATS, Order
from alzedge.export.convert.heat_map import with_heat_map
from alzedge.export.convert.onnx import to_onnx
from alzedge.export.convert.saved_model import to_saved_model, write_saved_model
from alzedge.export.convert.tflite import answers, calibration_images, to_float32, to_int8, with_probabilities
from alzedge.export.evaluate.scoring import load_scorer
from alzedge.export.export_student import export_student, find_teacher
from alzedge.imaging.preprocessing import Preprocessing
from alzedge.inference.interpreters import OnnxNetwork, TFLiteNetwork, make_interpreter
from alzedge.model_file.read_write import read_keras_record, read_record, read_tflite
from alzedge.runs.recipe import CompressRecipe, Recipe, load_recipe
from alzedge.teacher.keras_file import load_model, save_model
from alzedge.utils.progress import quiet


@pytest.fixture(scope="module")
def test_slices() -> DataSet:
    data = make_phantoms(20, 5)
    return data.take(split_dataset(data, "subject").test)


def tensors(path: Path) -> list[dict]:
    return make_interpreter(read_tflite(path)[0], 1).get_tensor_details()


def test_int8_holds_whole_numbers_only(tiny_run: Path) -> None:
    kinds = {np.dtype(t["dtype"]) for t in tensors(tiny_run / "student_int8.tflite")}
    assert kinds == {np.dtype(np.int8), np.dtype(np.int32)}
    weights = [t for t in tensors(tiny_run / "student_int8.tflite") if len(t["shape"]) == 4 and t["shape"][0] > 1]
    assert len(weights) == 3 and all(t["dtype"] == np.int8 for t in weights)


def test_float32_agrees_with_keras(tiny_run: Path, test_slices: DataSet) -> None:
    keras_scores = load_scorer(tiny_run / "subject/student.keras")(test_slices.images)
    file_scores = load_scorer(tiny_run / "student_float32.tflite")(test_slices.images)
    np.testing.assert_allclose(file_scores, keras_scores, atol=1e-5)


def test_int8_agrees_with_keras_within_a_few_steps(tiny_run: Path, test_slices: DataSet) -> None:
    """Steps of the output are 1/256; three layers of rounding before the softmax move it by a few."""
    keras_scores = load_scorer(tiny_run / "subject/student.keras")(test_slices.images)
    file_scores = load_scorer(tiny_run / "student_int8.tflite")(test_slices.images)
    assert np.abs(file_scores - keras_scores).max() < 8 / 256
    assert len(np.unique(file_scores[:, 0])) > 1  # it looks at the slice


def test_the_same_export_twice_gives_the_same_bytes(tiny_run: Path, tiny_recipe: Path, tmp_path: Path) -> None:
    student = tiny_run / "subject/student.keras"
    out = tmp_path / "again.tflite"
    result = run_cli("export", student, "phantoms", "--recipe", tiny_recipe, "--out", out)
    assert result.returncode == 0, result.stderr
    assert out.read_bytes() == (tiny_run / "subject/student_int8.tflite").read_bytes()


def test_a_teacher_becomes_a_file_that_answers_as_it_does(tiny_run: Path, tiny_recipe: Path, tmp_path: Path) -> None:
    out = tmp_path / "teacher.tflite"
    words = ("export", tiny_run / "subject/teacher.keras", "phantoms", "--recipe", tiny_recipe, "--format", "float32")
    result = run_cli(*words, "--out", out)
    assert result.returncode == 0, result.stderr
    record = read_record(out)
    assert record["kind"] == "teacher-float32" and record["verdict"]["max_difference"] < 1e-4


def test_export_refuses_other_data_and_other_names(tiny_run: Path, tiny_recipe: Path, tmp_path: Path) -> None:
    student = tiny_run / "subject/student.keras"
    out = tmp_path / "x.tflite"
    assert_refused(run_cli("export", student, "--recipe", tiny_recipe, "--seed", 4, "--out", out), "other data")
    assert not out.exists()
    result = run_cli("export", student, "--out", tmp_path / "x.onnx")
    assert result.returncode == 2 and "must end in .tflite" in result.stderr
    assert_refused(run_cli("export", tmp_path / "absent.keras", "--out", out), "no such model file")
    teacher = tiny_run / "subject/teacher.keras"
    for more in (("--format", "pruned"), ("--heat-map",)):
        assert_refused(run_cli("export", teacher, *more, "--out", out), "is a teacher, not a student")
    assert_refused(run_cli("distill", student, "--out", tmp_path / "out"), "is a student, not a teacher")


@pytest.mark.slow
def test_a_full_temporary_disk_is_one_sentence(tiny_run: Path, tiny_recipe: Path, tmp_path: Path) -> None:
    """A limit on the size of files that lets Keras unpack the student but not TensorFlow write its graph."""
    student, out = tiny_run / "subject/student.keras", tmp_path / "x.tflite"
    with zipfile.ZipFile(student) as archive:
        limit = archive.getinfo("model.weights.h5").file_size + 2000

    def limited() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    result = run_cli("export", student, "--recipe", tiny_recipe, "--out", out, preexec_fn=limited)
    assert_refused(result, "cannot be written", "File too large")
    assert not out.exists()


def test_calibration_is_even_over_stages_and_from_training_alone(phantoms: DataSet) -> None:
    split = split_dataset(phantoms, "subject")
    chosen = calibration_images(phantoms, split, 40, seed=0)
    assert set(chosen) <= set(split.train)
    assert np.bincount(phantoms.labels[chosen]).tolist() == [10, 10, 10, 10]
    assert not np.array_equal(chosen, calibration_images(phantoms, split, 40, seed=1))
    assert len(calibration_images(phantoms, split, 10_000, seed=0)) == len(split.train)


@pytest.mark.slow
def test_the_parts_of_a_run_are_commands(tiny_recipe: Path, tiny_run: Path, tmp_path: Path) -> None:
    """train, distill, export and benchmark by hand give the files that `run` gives."""
    recipe = ("--recipe", tiny_recipe)
    teacher, student = tmp_path / "t/teacher.keras", tmp_path / "s/student.keras"
    for command in (
        ("train", "phantoms", "--out", tmp_path / "t", *recipe),
        ("distill", teacher, "phantoms", "--out", tmp_path / "s", *recipe),
        ("export", student, "phantoms", "--out", tmp_path / "int8.tflite", *recipe),
        ("benchmark", teacher, tmp_path / "int8.tflite", "--out", tmp_path / "b", *recipe),
    ):
        result = run_cli(*command)
        assert result.returncode == 0, result.stderr
    assert teacher.read_bytes() == (tiny_run / "subject/teacher.keras").read_bytes()
    assert student.read_bytes() == (tiny_run / "subject/student.keras").read_bytes()
    assert "int8.tflite" in result.stdout and "1.0x" in result.stdout
    assert (tmp_path / "b/accuracy_latency.png").exists()


@pytest.fixture(scope="module")
def recipe(tiny_recipe: Path) -> Recipe:
    return replace(load_recipe(str(tiny_recipe)), compress=CompressRecipe(batch_size=16, epochs=3))


def files_of(path: Path) -> dict[str, bytes]:
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return {file.relative_to(path.parent).as_posix().replace(path.name, "", 1): file.read_bytes() for file in files}


# What only its own format holds among the tensors that interpreters see.
KINDS = {
    "float32": {"float32"},
    "float16": {"float16", "float32"},
    "dynamic": {"int8", "float32"},
    "int8": {"int8"},
    "int8-float-io": {"int8", "float32"},
    "int16x8": {"int8", "int16", "float32"},
    "qat-int8": {"int8"},
    "pruned": {"int8"},
    "clustered": {"int8"},
}


def check_file(path: Path, fmt: str) -> None:
    record = read_record(path)
    assert record["kind"] == ("student" if fmt == "keras" else f"student-{fmt}")
    assert record["verdict"]["format"] == fmt and record["verdict"]["slices"] == 20
    if fmt in KINDS:
        kinds = {np.dtype(t["dtype"]).name for t in tensors(path)} - {"int32", "int64"}
        assert kinds == KINDS[fmt]
        inside = make_interpreter(read_tflite(path)[0], 1)
        outside = {d["dtype"] for d in (*inside.get_input_details(), *inside.get_output_details())}
        assert outside == {np.int8 if KINDS[fmt] == {"int8"} else np.float32}


@pytest.mark.parametrize("fmt", [name for name, found in FORMATS.items() if not found.trained])
def test_every_format_is_what_it_says_and_the_same_twice(
    fmt: str, trained_student: Path, phantoms: DataSet, recipe: Recipe, tmp_path: Path
) -> None:
    split, path = split_dataset(phantoms, "subject"), tmp_path / f"student{FORMATS[fmt].container.suffix}"
    verdict = export_student(trained_student, path, fmt, phantoms, split, recipe)
    check_file(path, fmt)
    assert verdict.contents.gzip_bytes < verdict.contents.bytes and verdict.agreement >= 0.8
    student, _ = load_model(trained_student)
    chosen = calibration_images(phantoms, split, recipe.export.calibration_images, recipe.seed)
    inputs = recipe.preprocessing(phantoms.images[chosen])
    order = Order(trained_student, student, with_probabilities(student), inputs, lambda: (), recipe, quiet)
    again = tmp_path / f"again{path.suffix}"
    FORMATS[fmt].container.write(again, FORMATS[fmt].make(order), read_record(path))
    assert files_of(again) == files_of(path)


@pytest.mark.parametrize("fmt", ["qat-int8", "pruned", "clustered"])
def test_students_are_trained_to_be_smaller(
    fmt: str, trained_student: Path, phantoms: DataSet, recipe: Recipe, tmp_path: Path
) -> None:
    path, split = tmp_path / "student.tflite", split_dataset(phantoms, "subject")
    quick = replace(recipe, compress=replace(recipe.compress, epochs=1, clusters=8))
    found = export_student(trained_student, path, fmt, phantoms, split, quick).contents
    check_file(path, fmt)
    made = read_record(path)
    assert made["compression"]["teacher"]["sha256"] == read_record(trained_student)["sha256"]
    assert made["compression"]["teacher"]["kind"] == "student" and made["recipe"]["compress"]["epochs"] == 1
    assert fmt != "pruned" or found.sparsity >= 0.5
    assert fmt != "clustered" or found.values <= 8


@pytest.mark.slow
@pytest.mark.parametrize("fmt", ["qat-int8", "pruned", "clustered"])
def test_training_is_repeated_byte_for_byte(
    fmt: str, trained_student: Path, phantoms: DataSet, recipe: Recipe, tmp_path: Path
) -> None:
    first, second = tmp_path / "first.tflite", tmp_path / "second.tflite"
    split = split_dataset(phantoms, "subject")
    for path in (first, second):
        export_student(trained_student, path, fmt, phantoms, split, recipe)
    assert first.read_bytes() == second.read_bytes()


def test_float_input_and_output_are_the_command_s_option(
    trained_student: Path, tiny_recipe: Path, tmp_path: Path
) -> None:
    out = tmp_path / "student.tflite"
    command = ("export", trained_student, "--recipe", tiny_recipe, "--out", out)
    result = run_cli(*command, "--float-io", "--calibration", 24)
    assert result.returncode == 0, result.stderr
    assert "verdict on int8-float-io, 20 held-out slices of 4 people" in result.stdout
    record = read_record(out)
    assert record["kind"] == "student-int8-float-io" and len(record["calibration"]["slices"]) == 24
    assert record["recipe"]["export"]["calibration_images"] == 24
    refused = run_cli(*command, "--float-io", "--format", "onnx")
    assert refused.returncode == 2 and "--float-io goes with --format int8" in refused.stderr
    refused = run_cli(*command, "--format", "saved_model")
    assert refused.returncode == 2 and "is a folder's" in refused.stderr


def test_calibration_refuses_test_slices_test_people_and_nothing(phantoms: DataSet) -> None:
    good = split_dataset(phantoms, "subject")
    both = np.sort(np.concatenate([good.train, good.test[:3]]))
    with pytest.raises(UserError, match="3 of 83 calibration slices belong to the test side"):
        calibration_images(phantoms, replace(good, train=both), 100, seed=0)
    apart = replace(good, test=good.test[3:], train=both)  # other slices, but of people who test
    with pytest.raises(UserError, match="training people"):
        calibration_images(phantoms, apart, 100, seed=0)
    empty = Split("subject", good.train[:0], good.test, True, "", 0)
    with pytest.raises(UserError, match="no training slices to calibrate on"):
        calibration_images(phantoms, empty, 100, seed=0)


@pytest.mark.slow
def test_pruned_students_compress_better(
    trained_student: Path, phantoms: DataSet, recipe: Recipe, tmp_path: Path
) -> None:
    split = split_dataset(phantoms, "subject")
    found = {
        fmt: export_student(trained_student, tmp_path / f"{fmt}.tflite", fmt, phantoms, split, recipe).contents
        for fmt in ("int8", "pruned")
    }
    assert found["int8"].sparsity < 0.1
    assert found["pruned"].gzip_bytes < found["int8"].gzip_bytes
    assert found["pruned"].bytes == pytest.approx(found["int8"].bytes, rel=0.02)


def test_the_teacher_beside_the_student_is_the_default(trained_student: Path, tmp_path: Path) -> None:
    student = Path(shutil.copy(trained_student, tmp_path / "student.keras"))
    record = read_keras_record(student)
    assert find_teacher(student, record, None) is None
    model, _ = load_model(student)
    beside = tmp_path / "teacher.keras"
    save_model(model, beside, record | {"kind": "teacher"})
    assert find_teacher(student, record, None) == beside
    assert find_teacher(student, record, beside) == beside
    with pytest.raises(UserError, match="is a student, not a teacher"):
        find_teacher(student, record, student)
    save_model(model, beside, record | {"kind": "teacher", "split": record["split"] | {"fold": 1}})
    with pytest.raises(UserError, match="made with another split"):
        find_teacher(student, record, None)


def test_a_saved_model_serves_and_replaces_only_its_own(
    trained_student: Path, phantoms: DataSet, recipe: Recipe, tmp_path: Path
) -> None:
    split, out = split_dataset(phantoms, "subject"), tmp_path / "served"
    out.mkdir()
    (out / "thesis.txt").write_text("precious")
    with pytest.raises(UserError, match="no SavedModel"):
        export_student(trained_student, out, "saved_model", phantoms, split, recipe)
    assert [path.name for path in tmp_path.iterdir()] == ["served"]
    shutil.rmtree(out)
    export_student(trained_student, out, "saved_model", phantoms, split, recipe)
    before = files_of(out)
    write_saved_model(out, (out / "saved_model.pb").read_bytes(), read_record(out))
    assert files_of(out) == before and [path.name for path in tmp_path.iterdir()] == ["served"]
    serve = tf.saved_model.load(str(out)).signatures["serving_default"]
    images = phantoms.images[:7]
    found = serve(images=tf.constant(recipe.preprocessing(images)))
    assert list(found) == ["probabilities"]
    np.testing.assert_allclose(found["probabilities"], load_scorer(trained_student)(images), atol=1e-5)


def test_a_heat_map_is_a_second_output_of_every_container(trained_student: Path, phantoms: DataSet) -> None:
    inputs = Preprocessing(4)(phantoms.images[:20])
    plain, _ = load_model(trained_student)
    model = with_probabilities(with_heat_map(plain))
    wanted, heat = map(np.asarray, model.predict_on_batch(inputs))
    np.testing.assert_array_equal(answers(model, inputs), wanted)
    for network in (TFLiteNetwork(to_float32(model)), OnnxNetwork(to_onnx(model))):
        found = network(inputs)
        np.testing.assert_allclose(found["probabilities"], wanted, atol=1e-5)
        np.testing.assert_allclose(found["heat_map"], heat, atol=1e-3)
    assert TFLiteNetwork(to_int8(model, inputs))(inputs)["heat_map"].shape == heat.shape
    assert b"heat_map" in to_saved_model(model)
