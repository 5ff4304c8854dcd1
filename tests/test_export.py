"""Conversion: whole numbers throughout, close to Keras, the same bytes every time."""

import resource
import signal
import zipfile
from pathlib import Path

import numpy as np
import pytest
from conftest import assert_refused, run_cli

from alzedge.dataset import DataSet, split_dataset
from alzedge.export.convert import calibration_images
from alzedge.export.scoring import load_scorer
from alzedge.modelfile import read_tflite
from alzedge.networks import make_interpreter
from alzedge.phantoms import make_phantoms


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


def test_export_refuses_other_data_and_other_names(tiny_run: Path, tiny_recipe: Path, tmp_path: Path) -> None:
    student = tiny_run / "subject/student.keras"
    out = tmp_path / "x.tflite"
    assert_refused(run_cli("export", student, "--recipe", tiny_recipe, "--seed", 4, "--out", out), "other data")
    assert not out.exists()
    result = run_cli("export", student, "--out", tmp_path / "x.onnx")
    assert result.returncode == 2 and "must end in .tflite" in result.stderr
    assert_refused(run_cli("export", tmp_path / "absent.keras", "--out", out), "no such model file")
    teacher = tiny_run / "subject/teacher.keras"
    assert_refused(run_cli("export", teacher, "--out", out), "is a teacher, not a student")
    assert_refused(run_cli("distill", student, "--out", tmp_path / "out"), "is a student, not a teacher")


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
