"""Conversion: every format is what its name says, close to Keras, and the same bytes every time."""

import resource
import shutil
import signal
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
import tensorflow as tf
from helpers.commands import assert_refused, call_cli, run_cli
from helpers.images import write_cohort
from tensorflow_serving.apis.predict_pb2 import PredictRequest, PredictResponse
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog
from tensorflow_serving.apis.prediction_service_pb2_grpc import (
    PredictionServiceServicer,
    PredictionServiceStub,
    add_PredictionServiceServicer_to_server,
)

from alzedge.data.dataset import DataSet, Split, split_dataset
from alzedge.data.phantom_set import make_phantoms
from alzedge.errors import UserError
from alzedge.export.convert.calibration_set import calibration_images
from alzedge.export.convert.format_traits import TRAITS
from alzedge.export.convert.formats import FORMATS
from alzedge.export.convert.heat_map import with_heat_map
from alzedge.export.convert.onnx import to_onnx
from alzedge.export.convert.probabilities import keras_outputs, keras_probabilities, with_probabilities
from alzedge.export.convert.saved_model import WARM_UP, to_saved_model, write_saved_model
from alzedge.export.convert.tflite import to_float32, to_int8
from alzedge.export.evaluate import external
from alzedge.export.evaluate.scoring import load_scorer
from alzedge.export.export_student import conversion_input, export_student, find_teacher
from alzedge.export.prepared_student import PreparedStudent
from alzedge.export.target import Target
from alzedge.export.verify.verdict import Verdict
from alzedge.inference.interpreters import OnnxInterpreter, TFLiteInterpreter, make_interpreter
from alzedge.model_file.read_write import read_keras_record, read_record, read_tflite
from alzedge.runs.recipe import CompressRecipe
from alzedge.teacher.keras_file import load_model, save_model

UNTRAINED = [name for name, traits in TRAITS.items() if not traits.trained]
TRAINED = [name for name, traits in TRAITS.items() if traits.trained]
EACH_CONVERTER = ("keras", "saved_model", "float32", "int8", "onnx")
# Types that only this format holds among the tensors that interpreters see.
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

Exported = Callable[[str], tuple[Path, Verdict]]


@pytest.fixture(scope="module")
def prepared(prepared_student: PreparedStudent) -> PreparedStudent:
    """The shared student, for training further in seconds."""
    compress = CompressRecipe(batch_size=16, epochs=1, clusters=8)
    return replace(prepared_student, recipe=replace(prepared_student.recipe, compress=compress))


@pytest.fixture(scope="module")
def exported(prepared: PreparedStudent, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """Each format's file and verdict, exported when first asked for."""
    folder = tmp_path_factory.mktemp("exported")
    made: dict[str, tuple[Path, Verdict]] = {}

    def export(fmt: str) -> tuple[Path, Verdict]:
        if fmt not in made:
            path = folder / f"{fmt}{TRAITS[fmt].suffix}"
            made[fmt] = path, export_student(prepared, path, Target(fmt))
        return made[fmt]

    return export


def tensors(path: Path) -> list[dict]:
    return make_interpreter(read_tflite(path)[0], 1).get_tensor_details()


def files_of(path: Path) -> dict[str, bytes]:
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return {file.relative_to(path.parent).as_posix().replace(path.name, "", 1): file.read_bytes() for file in files}


def check_file(path: Path, fmt: str) -> None:
    record = read_record(path)
    assert record["kind"] == ("student" if fmt == "keras" else f"student-{fmt}")
    assert record["verdict"]["format"] == fmt and record["verdict"]["slices"] == 20
    assert bool(record["calibration"]) == TRAITS[fmt].calibrated
    if fmt in KINDS:
        kinds = {np.dtype(t["dtype"]).name for t in tensors(path)} - {"int32", "int64"}
        assert kinds == KINDS[fmt]
        inside = make_interpreter(read_tflite(path)[0], 1)
        outside = {d["dtype"] for d in (*inside.get_input_details(), *inside.get_output_details())}
        assert outside == {np.int8 if KINDS[fmt] == {"int8"} else np.float32}


@pytest.mark.parametrize("fmt", UNTRAINED)
def test_every_format_is_what_it_says(fmt: str, exported: Exported) -> None:
    path, verdict = exported(fmt)
    check_file(path, fmt)
    assert verdict.contents.gzip_bytes < verdict.contents.bytes and verdict.agreement >= 0.8


# One of each converter; the others differ from int8 in the settings of TensorFlow's.
@pytest.mark.parametrize(
    "fmt", [fmt if fmt in EACH_CONVERTER else pytest.param(fmt, marks=pytest.mark.slow) for fmt in UNTRAINED]
)
def test_every_format_is_the_same_twice(
    fmt: str, exported: Exported, prepared: PreparedStudent, tmp_path: Path
) -> None:
    path, _ = exported(fmt)
    float32 = to_float32(prepared.model) if fmt == "float32" else prepared.float32
    data = FORMATS[fmt].convert(conversion_input(prepared, prepared.model, float32))
    again = tmp_path / path.name
    FORMATS[fmt].container.write(again, data, read_record(path))
    assert files_of(again) == files_of(path)


@pytest.mark.slow
@pytest.mark.parametrize("fmt", TRAINED)
def test_students_are_trained_to_be_smaller(fmt: str, exported: Exported, trained_student: Path) -> None:
    path, verdict = exported(fmt)
    check_file(path, fmt)
    record = read_record(path)
    assert record["compression"]["teacher"]["sha256"] == read_record(trained_student)["sha256"]
    assert record["compression"]["teacher"]["kind"] == "student" and record["recipe"]["compress"]["epochs"] == 1
    assert fmt != "pruned" or verdict.contents.sparsity >= 0.5
    assert fmt != "clustered" or verdict.contents.values <= 8


def test_files_agree_with_keras_as_far_as_their_numbers_go(tiny_run: Path, prepared: PreparedStudent) -> None:
    """Steps of the int8 output are 1/256; three layers of rounding before the softmax move it by a few."""
    images = prepared.dataset.images[prepared.split.test]
    wanted = load_scorer(tiny_run / "subject/student.keras")(images)
    for file, tolerance in (("student_float32.tflite", 1e-5), ("student_int8.tflite", 8 / 256)):
        found = load_scorer(tiny_run / file)(images)
        assert np.abs(found - wanted).max() < tolerance
        assert len(np.unique(found[:, 0])) > 1  # it looks at the slice


def test_int8_kernels_are_int8(exported: Exported) -> None:
    kernels = [t for t in tensors(exported("int8")[0]) if len(t["shape"]) == 4 and t["shape"][0] > 1]
    assert len(kernels) == 3 and all(t["dtype"] == np.int8 for t in kernels)


def test_the_command_gives_the_bytes_that_a_run_gives(tiny_run: Path, tiny_recipe: Path, tmp_path: Path) -> None:
    """Made in this process, the run in another."""
    out = tmp_path / "again.tflite"
    result = call_cli("export", tiny_run / "subject/student.keras", "--recipe", tiny_recipe, "--out", out)
    assert result.returncode == 0, result.stderr
    assert "verdict on int8, 20 held-out slices of 4 people" in result.stdout
    assert out.read_bytes() == (tiny_run / "subject/student_int8.tflite").read_bytes()


@pytest.mark.slow
def test_a_teacher_becomes_a_file_that_answers_as_it_does(tiny_run: Path, tiny_recipe: Path, tmp_path: Path) -> None:
    out = tmp_path / "teacher.tflite"
    words = ("export", tiny_run / "subject/teacher.keras", "phantoms", "--recipe", tiny_recipe, "--format", "float32")
    result = call_cli(*words, "--out", out)
    assert result.returncode == 0, result.stderr
    record = read_record(out)
    assert record["kind"] == "teacher-float32" and record["verdict"]["max_difference"] < 1e-4


def test_export_refuses_other_data_and_other_names(trained_student: Path, tiny_recipe: Path, tmp_path: Path) -> None:
    out = tmp_path / "x.tflite"
    recipe = ("--recipe", tiny_recipe)
    assert_refused(call_cli("export", trained_student, *recipe, "--seed", 4, "--out", out), "other data")
    assert_refused(call_cli("export", tmp_path / "absent.keras", "--out", out), "no such model file")
    assert_refused(call_cli("distill", trained_student, "--out", tmp_path / "out"), "is a student, not a teacher")
    for words, sentence in (
        (("--out", tmp_path / "x.onnx"), "must end in .tflite"),
        (("--format", "saved_model", "--out", out), "is a folder's"),
        (("--float-io", "--format", "onnx", "--out", out), "--float-io goes with --format int8"),
    ):
        result = call_cli("export", trained_student, *words)
        assert result.returncode == 2 and sentence in result.stderr
    for words, sentence in (
        (("--heat-map", "--format", "pruned", "--out", out), "No heat map with pruned"),
        (("--rgb", "--format", "onnx", "--out", tmp_path / "x.onnx"), "No colour input with onnx"),
    ):
        assert_refused(call_cli("export", trained_student, *words), sentence)
    assert not out.exists() and not (tmp_path / "x.onnx").exists()


def test_a_teacher_is_neither_trained_further_nor_given_a_second_output(trained_student: Path, tmp_path: Path) -> None:
    model, record = load_model(trained_student)
    teacher, out = tmp_path / "teacher.keras", tmp_path / "x.tflite"
    save_model(model, teacher, record | {"kind": "teacher"})
    for more in (("--format", "pruned"), ("--heat-map",), ("--rgb",)):
        assert_refused(call_cli("export", teacher, *more, "--out", out), "is a teacher, not a student")
    assert not out.exists()


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


@pytest.mark.slow
@pytest.mark.parametrize("fmt", TRAINED)
def test_training_is_repeated_byte_for_byte(fmt: str, prepared: PreparedStudent, tmp_path: Path) -> None:
    recipe = replace(prepared.recipe, compress=CompressRecipe(batch_size=16, epochs=3))
    longer = replace(prepared, recipe=recipe)
    first, second = tmp_path / "first.tflite", tmp_path / "second.tflite"
    for path in (first, second):
        export_student(longer, path, Target(fmt))
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.slow
def test_pruned_students_compress_better(exported: Exported, prepared: PreparedStudent, tmp_path: Path) -> None:
    recipe = replace(prepared.recipe, compress=CompressRecipe(batch_size=16, epochs=3))
    pruned = export_student(replace(prepared, recipe=recipe), tmp_path / "pruned.tflite", Target("pruned")).contents
    int8 = exported("int8")[1].contents
    assert int8.sparsity < 0.1
    assert pruned.gzip_bytes < int8.gzip_bytes
    assert pruned.bytes == pytest.approx(int8.bytes, rel=0.02)


def test_float_input_and_output_are_the_command_s_option(
    trained_student: Path, tiny_recipe: Path, tmp_path: Path
) -> None:
    out = tmp_path / "student.tflite"
    words = ("export", trained_student, "--recipe", tiny_recipe, "--out", out, "--float-io", "--calibration-slices", 24)
    result = call_cli(*words)
    assert result.returncode == 0, result.stderr
    assert "verdict on int8-float-io, 20 held-out slices of 4 people" in result.stdout
    record = read_record(out)
    assert record["kind"] == "student-int8-float-io" and len(record["calibration"]["slices"]) == 24
    assert record["recipe"]["export"]["calibration_images"] == 24


def test_calibration_is_even_over_stages_and_from_training_alone(phantoms: DataSet) -> None:
    split = split_dataset(phantoms, "subject")
    chosen = calibration_images(phantoms, split, 40, seed=0)
    assert set(chosen) <= set(split.train)
    assert np.bincount(phantoms.labels[chosen]).tolist() == [10, 10, 10, 10]
    assert not np.array_equal(chosen, calibration_images(phantoms, split, 40, seed=1))
    assert len(calibration_images(phantoms, split, 10_000, seed=0)) == len(split.train)


@pytest.mark.slow
def test_calibration_and_test_slices_may_come_from_elsewhere(
    trained_student: Path, tiny_recipe: Path, tmp_path: Path
) -> None:
    others = {"calibrating": make_phantoms(12, 4, seed=7), "testing": make_phantoms(12, 3, seed=8)}
    for name, data in others.items():
        write_cohort(tmp_path / name, data)
    out = tmp_path / "student.tflite"
    options = ("--calibration", tmp_path / "calibrating", "--test", tmp_path / "testing")
    result = call_cli("export", trained_student, "--recipe", tiny_recipe, "--out", out, *options)
    assert result.returncode == 0, result.stderr
    assert f"verdict on int8, {len(others['testing'])} held-out slices of 12 people" in result.stdout
    record = read_record(out)
    assert record["calibration"]["dataset"]["name"] == "calibrating" and len(record["calibration"]["slices"]) == 16
    assert record["verdict"]["tested_on"] == "testing"


def test_slices_from_elsewhere_are_neither_the_students_nor_those_that_test(phantoms: DataSet) -> None:
    other = make_phantoms(12, 4, seed=7)
    assert len(external.test_slices(other, phantoms)) == len(other)
    with pytest.raises(UserError, match="no slice is left to test on"):
        external.test_slices(phantoms, phantoms)
    three = np.flatnonzero(np.isin(other.subject, np.unique(other.subject)[:3]))
    left = external.calibration_split(other, other.take(three)).train
    assert set(left) == set(range(len(other))) - set(three)
    with pytest.raises(UserError, match="all slices are found among those that test"):
        external.calibration_split(other, other)


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
    exported: Exported, prepared: PreparedStudent, tmp_path: Path
) -> None:
    out = tmp_path / "served"
    out.mkdir()
    (out / "thesis.txt").write_text("precious")
    with pytest.raises(UserError, match="not a SavedModel"):
        export_student(prepared, out, Target("saved_model"))
    assert [path.name for path in tmp_path.iterdir()] == ["served"]
    shutil.rmtree(out)
    shutil.copytree(exported("saved_model")[0], out)
    before = files_of(out)
    write_saved_model(out, (out / "saved_model.pb").read_bytes(), read_record(out))
    assert files_of(out) == before and [path.name for path in tmp_path.iterdir()] == ["served"]
    serve = tf.saved_model.load(str(out)).signatures["serving_default"]
    found = serve(images=tf.constant(prepared.held_out.inputs[:7]))
    assert list(found) == ["probabilities"]
    np.testing.assert_allclose(found["probabilities"], prepared.held_out.keras[:7], atol=1e-5)


class OneModel(PredictionServiceServicer):
    """TensorFlow Serving's service for one SavedModel, which is loaded as the binary loads it: into a session."""

    def __init__(self, folder: Path) -> None:
        self.session = tf.compat.v1.Session(graph=tf.Graph())
        self.signatures = tf.compat.v1.saved_model.load(self.session, ["serve"], str(folder)).signature_def

    def Predict(self, request: PredictRequest, context: Any) -> PredictResponse:
        signature = self.signatures[request.model_spec.signature_name]
        given = {signature.inputs[name].name: tf.make_ndarray(tensor) for name, tensor in request.inputs.items()}
        wanted = {name: info.name for name, info in signature.outputs.items()}
        response = PredictResponse(model_spec=request.model_spec)
        for name, values in self.session.run(wanted, given).items():
            response.outputs[name].CopyFrom(tf.make_tensor_proto(values))
        return response


def test_a_saved_model_answers_clients_with_tensorflow_serving_s_stubs(
    exported: Exported, prepared: PreparedStudent
) -> None:
    """The published messages and stubs over a real channel, first with the warm-up record that came with the model."""
    folder = exported("saved_model")[0]
    (raw,) = tf.data.TFRecordDataset(str(folder / WARM_UP)).as_numpy_iterator()
    warm_up = PredictionLog.FromString(raw).predict_log.request
    assert warm_up.model_spec.name == "alzedge" and warm_up.model_spec.signature_name == "serving_default"
    assert PredictionLog.FromString(raw).SerializeToString(deterministic=True) == raw, (
        "no field is unknown or left over"
    )
    inputs = prepared.held_out.inputs[:3]
    question = PredictRequest(model_spec=warm_up.model_spec)
    question.inputs["images"].CopyFrom(tf.make_tensor_proto(inputs))
    server = grpc.server(ThreadPoolExecutor(1))
    add_PredictionServiceServicer_to_server(OneModel(folder), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        ask = PredictionServiceStub(channel).Predict
        assert tf.make_ndarray(ask(warm_up, timeout=60).outputs["probabilities"]).shape == (1, 4)
        found = tf.make_ndarray(ask(question, timeout=60).outputs["probabilities"])
    server.stop(0)
    np.testing.assert_allclose(found, prepared.held_out.keras[:3], atol=1e-5)


def test_a_heat_map_is_a_second_output_of_every_container(prepared: PreparedStudent) -> None:
    inputs = prepared.held_out.inputs
    model = with_probabilities(with_heat_map(prepared.student))
    outputs = keras_outputs(model, inputs)
    assert list(outputs) == ["probabilities", "heat_map"]
    wanted, heat = outputs.values()
    np.testing.assert_array_equal(keras_probabilities(model, inputs), wanted)
    np.testing.assert_array_equal(prepared.held_out.keras, wanted)
    for network in (TFLiteInterpreter(to_float32(model)), OnnxInterpreter(to_onnx(model))):
        found = network(inputs)
        np.testing.assert_allclose(found["probabilities"], wanted, atol=1e-5)
        np.testing.assert_allclose(found["heat_map"], heat, atol=1e-3)
    assert TFLiteInterpreter(to_int8(model, inputs))(inputs)["heat_map"].shape == heat.shape
    assert b"heat_map" in to_saved_model(model)
