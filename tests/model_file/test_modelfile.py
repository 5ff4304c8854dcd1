"""Model files: readable by anything, repeatable, and refused when damaged or foreign."""

import io
import json
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
from helpers.commands import assert_refused, call_cli, run_code

from alzedge.data.dataset import DataSet
from alzedge.errors import UserError
from alzedge.imaging.preprocessing import Preprocessing
from alzedge.inference.classifier import Classifier
from alzedge.model_file.bundled import bundled_model
from alzedge.model_file.read_write import (
    ModelKind,
    Role,
    make_record,
    read_keras_record,
    read_record,
    read_tflite,
    seal_folder,
    write_keras,
    write_tflite,
)
from alzedge.stages import STAGES


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A copy of the bundled student, which is not known to be harmless."""
    return Path(shutil.copy(bundled_model(), tmp_path / "model.tflite"))


def test_any_unzip_shows_labels_and_record(model: Path) -> None:
    with zipfile.ZipFile(model) as archive:
        assert archive.read("labels.txt").decode().split() == list(STAGES)
        assert json.loads(archive.read("alzedge.json"))["kind"] == "student-int8"


def white_matter_at_170(image: np.ndarray) -> np.ndarray:
    """The step `white` as the document says it: the grey of 85 % of the tissue's pixels becomes 170."""
    tissue = np.sort(image[image >= 6])
    white = max(int(tissue[len(tissue) * 85 // 100]), 20)
    scaled = np.minimum(255, (170 * image.astype(int) + white // 2) // white)
    return np.where(image < 4, 0, scaled).astype(np.uint8)


def test_the_interpreter_reads_the_whole_file_as_it_is(model: Path, phantoms: DataSet) -> None:
    """What a phone does: the file as it is, its quantization, and the documented preprocessing."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(model))
    interpreter.allocate_tensors()
    (given,) = interpreter.get_input_details()
    asked = interpreter.get_signature_runner().get_output_details()["probabilities"]
    assert given["dtype"] == asked["dtype"] == np.int8
    scale, zero_point = given["quantization"]
    preprocessing = read_record(model)["preprocessing"]
    assert preprocessing["steps"] == ["white"]
    real = Preprocessing(preprocessing["shrink"])(white_matter_at_170(phantoms.images[:1]))
    interpreter.set_tensor(given["index"], np.clip(np.rint(real / scale) + zero_point, -128, 127).astype(np.int8))
    interpreter.invoke()
    scale, zero_point = asked["quantization"]
    answer = (interpreter.get_tensor(asked["index"]).astype(np.float32) - zero_point) * scale
    np.testing.assert_allclose(
        Classifier.load(model).probabilities(phantoms.images[:1]), answer / answer.sum(), atol=1e-6
    )


def test_writing_what_was_read_gives_the_same_bytes(model: Path, tmp_path: Path) -> None:
    flatbuffer, record = read_tflite(model)
    write_tflite(tmp_path / "again.tflite", flatbuffer, record)
    assert (tmp_path / "again.tflite").read_bytes() == model.read_bytes()


def test_one_changed_byte_anywhere_is_noticed(tmp_path: Path) -> None:
    """A short flatbuffer and record, so that every byte of the file has its turn."""
    model, flatbuffer = tmp_path / "model.tflite", b"\x1c\0\0\0TFL3" + bytes(range(32))
    write_tflite(model, flatbuffer, make_record(ModelKind(Role.STUDENT, "int8"), Preprocessing(2)))
    data = model.read_bytes()
    assert read_tflite(model)[0] == flatbuffer
    for position in range(len(data)):
        changed = bytearray(data)
        changed[position] ^= 0x10
        model.write_bytes(changed)
        try:
            _, record = read_tflite(model)
        except UserError as error:
            assert str(model) in str(error)
        else:  # a byte of the zip's own book-keeping: what is inside is as it was
            assert record == json.loads(zipfile.ZipFile(model).read("alzedge.json"))


@pytest.mark.parametrize("length", [0, 3, 100, 5000, -1])
def test_a_cut_file_is_refused(model: Path, length: int) -> None:
    model.write_bytes(model.read_bytes()[:length])
    with pytest.raises(UserError, match="alzedge export"):
        Classifier.load(model)


def test_foreign_files_are_refused_by_the_command(model: Path, tmp_path: Path, phantoms: DataSet) -> None:
    from PIL import Image

    image = tmp_path / "slice.png"
    Image.fromarray(phantoms.images[0]).save(image)
    flatbuffer, _ = read_tflite(model)
    bare = tmp_path / "bare.tflite"
    bare.write_bytes(flatbuffer)
    assert_refused(call_cli("predict", image, "--model", bare), "bare.tflite", "no AlzEdge record")
    assert_refused(call_cli("predict", image, "--model", image), "not a TensorFlow Lite model")
    assert_refused(call_cli("predict", image, "--model", tmp_path / "absent.tflite"), "no such model file")
    assert_refused(call_cli("predict", image, "--model", tmp_path), "is a folder")
    assert_refused(call_cli("inspect", bare), "no AlzEdge record")
    assert_refused(call_cli("distill", image, "--out", tmp_path / "out"), "not a Keras model of ours")
    assert not (tmp_path / "out").exists()


def test_a_newer_format_is_refused(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flatbuffer, record = read_tflite(model)
    write_tflite(model, flatbuffer, record | {"format": 2})
    with pytest.raises(UserError, match="update alzedge"):
        read_tflite(model)


def test_keras_files_carry_the_record_too(tmp_path: Path) -> None:
    """Keras' archive: its date and addresses, which differ in each run, are taken out; its weights are sealed."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as entries:
        entries.writestr("metadata.json", '{"keras_version": "3.15.1", "date_saved": "2026-01-01@00:00:00"}')
        entries.writestr("config.json", '{"shared_object_id": 140053, "layers": [{"shared_object_id": 140053}]}')
        entries.writestr("model.weights.h5", np.random.default_rng(0).bytes(5000))
    path = tmp_path / "teacher.keras"
    write_keras(path, archive.getvalue(), make_record(ModelKind(Role.TEACHER), Preprocessing(2)))
    record = read_keras_record(path, Role.TEACHER)
    assert record == read_record(path) and record["kind"] == "teacher" and record["labels"] == list(STAGES)
    with zipfile.ZipFile(path) as entries:
        assert json.loads(entries.read("metadata.json")) == {"keras_version": "3.15.1"}
        assert json.loads(entries.read("config.json"))["layers"] == [{"shared_object_id": 0}]
    with pytest.raises(UserError, match=r"teacher\.keras is a teacher, not a student; name the student's \.keras file"):
        read_keras_record(path, Role.STUDENT)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(UserError, match=r"teacher\.keras"):
        read_record(path)


def test_without_an_interpreter_the_sentence_says_what_to_install(model: Path) -> None:
    code = (
        "import sys; sys.modules['ai_edge_litert'] = sys.modules['tflite_runtime'] = None\n"
        f"sys.argv = ['alzedge', 'predict', 'x.png', '--model', {str(model)!r}]\n"
        "from alzedge.cli import main; main()"
    )
    result = run_code(code)
    assert_refused(result, "pip install ai-edge-litert")


@pytest.mark.parametrize("numpy_version", ["1.26.4", "2.4.6"])
def test_the_older_runtime_is_used_when_it_is_the_only_one(model: Path, numpy_version: str) -> None:
    """A stand-in for tflite-runtime, which needs an environment of its own: Python 3.11 and NumPy 1."""
    code = (
        "import sys, types, numpy, ai_edge_litert.interpreter as litert\n"
        "old = types.ModuleType('tflite_runtime.interpreter'); old.Interpreter = litert.Interpreter\n"
        "sys.modules['tflite_runtime'] = types.ModuleType('tflite_runtime'); sys.modules[old.__name__] = old\n"
        "sys.modules['ai_edge_litert'] = None; sys.modules['ai_edge_litert.interpreter'] = None\n"
        f"numpy.__version__ = {numpy_version!r}\n"
        "import pathlib; from alzedge.inference.classifier import Classifier\n"
        f"print(Classifier.load(pathlib.Path({str(model)!r})).probabilities(numpy.zeros((1, 208, 176), 'uint8')).shape)"
    )
    result = run_code(code)
    if numpy_version.startswith("1."):
        assert result.stdout.strip() == "(1, 4)", result.stderr
    else:
        assert "tflite-runtime does not work with NumPy 2; run `pip install ai-edge-litert`" in result.stderr


def test_records_have_what_every_file_must_say() -> None:
    record = make_record(ModelKind(Role.STUDENT, "int8"), Preprocessing(2), metrics={})
    assert set(record) >= {"format", "alzedge", "kind", "labels", "preprocessing", "licence", "disclaimer", "metrics"}


def test_a_saved_models_folder_is_sealed_as_a_whole(tmp_path: Path) -> None:
    folder = tmp_path / "student"
    (folder / "variables").mkdir(parents=True)
    (folder / "saved_model.pb").write_bytes(b"graph")
    (folder / "variables" / "variables.index").write_bytes(b"weights")
    with pytest.raises(UserError, match="no AlzEdge record"):
        read_record(folder)
    seal_folder(folder, make_record(ModelKind(Role.STUDENT, "saved_model"), Preprocessing(2)))
    assert (folder / "assets.extra" / "labels.txt").read_text().split() == list(STAGES)
    assert json.loads(call_cli("inspect", folder, "--json").stdout)["kind"] == "student-saved_model"
    (folder / "variables" / "variables.index").write_bytes(b"weighty")
    with pytest.raises(UserError, match="changed or damaged"):
        read_record(folder)
    seal_folder(folder, make_record(ModelKind(Role.STUDENT, "saved_model"), Preprocessing(2)))
    read_record(folder)
    (folder / "more").write_bytes(b"")
    with pytest.raises(UserError, match="changed or damaged"):
        read_record(folder)


def test_labels_beside_the_record_must_be_the_records(model: Path) -> None:
    """Other apps read labels.txt alone."""
    flatbuffer, _ = read_tflite(model)
    with zipfile.ZipFile(model) as archive:
        record = archive.read("alzedge.json")
    model.write_bytes(flatbuffer)
    with zipfile.ZipFile(model, "a") as archive:
        archive.writestr("labels.txt", "\n".join(reversed(STAGES)) + "\n")
        archive.writestr("alzedge.json", record)
    with pytest.raises(UserError, match="not the four stages"):
        read_tflite(model)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("teacher", ModelKind(Role.TEACHER)),
        ("student-int8", ModelKind(Role.STUDENT, "int8")),
        ("student-qat-int8-rgb", ModelKind(Role.STUDENT, "qat-int8", rgb=True)),
        ("student-int8-float-io-heat-map-rgb", ModelKind(Role.STUDENT, "int8-float-io", True, True)),
    ],
)
def test_a_kind_is_the_text_that_records_hold(text: str, kind: ModelKind) -> None:
    assert ModelKind.parse(text) == kind and str(kind) == text


def test_kinds_of_other_versions_are_refused() -> None:
    with pytest.raises(UserError, match="'grandparent'; update alzedge"):
        ModelKind.parse("grandparent-int8")
