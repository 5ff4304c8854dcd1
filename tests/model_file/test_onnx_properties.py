"""ONNX files: the record among the properties, read without the onnx package, answers from onnxruntime."""

import json
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from helpers.commands import assert_refused, run_cli, run_code

from alzedge.data.dataset import DataSet
from alzedge.errors import UserError
from alzedge.imaging.preprocessing import Preprocessing
from alzedge.inference.classifier import Classifier
from alzedge.inference.interpreters import OnnxInterpreter
from alzedge.model_file.onnx_properties import add_properties, split_properties
from alzedge.model_file.read_write import ModelKind, make_record, read_onnx, read_record, write_onnx
from alzedge.stages import STAGES

METRICS = {"subject": {"description": "made up", "unseen_people": True}}
RECORD = make_record(ModelKind.parse("student-onnx"), Preprocessing(4), metrics=METRICS)
WEIGHTS = np.array([[4, -2, 1, 0]], np.float32)


def small_model(batch: int | str = "N") -> bytes:
    """Softmax of the mean grey times four weights: (batch, 52, 44, 1) to (batch, 4)."""
    from onnx import TensorProto, helper, numpy_helper

    nodes = [
        helper.make_node("ReduceMean", ["image"], ["mean"], axes=[1, 2], keepdims=0),
        helper.make_node("MatMul", ["mean", "weights"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
    ]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [batch, 52, 44, 1])
    probabilities = helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [batch, 4])
    weights = numpy_helper.from_array(WEIGHTS, "weights")
    graph = helper.make_graph(nodes, "small", [image], [probabilities], [weights])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8)
    made.metadata_props.add(key="made by", value="somebody else")
    return bytes(made.SerializeToString())


@pytest.fixture
def model(tmp_path: Path) -> Path:
    write_onnx(tmp_path / "student.onnx", small_model(), RECORD)
    return tmp_path / "student.onnx"


def test_the_onnx_package_reads_labels_and_record(model: Path) -> None:
    loaded = onnx.load(model)
    onnx.checker.check_model(loaded, full_check=True)
    properties = {entry.key: entry.value for entry in loaded.metadata_props}
    assert properties["labels.txt"].split() == list(STAGES) and properties["made by"] == "somebody else"
    assert json.loads(properties["alzedge.json"])["licence"] == "Apache-2.0"


def test_what_is_written_is_read_back_and_bytes_are_repeatable(model: Path, tmp_path: Path) -> None:
    written, record = read_onnx(model)
    assert written == small_model() and record == RECORD | {"sha256": record["sha256"]} == read_record(model)
    write_onnx(tmp_path / "again.onnx", written, record)
    assert (tmp_path / "again.onnx").read_bytes() == model.read_bytes()


@pytest.mark.parametrize("batch", [1, "N"])
def test_the_classifier_answers(batch: int | str, tmp_path: Path, phantoms: DataSet) -> None:
    write_onnx(tmp_path / "m.onnx", small_model(batch), RECORD)
    logits = Preprocessing(4)(phantoms.images[:5]).mean(axis=(1, 2)) @ WEIGHTS
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    classifier = Classifier.load(tmp_path / "m.onnx", threads=2)
    np.testing.assert_allclose(classifier.probabilities(phantoms.images[:5]), expected, atol=1e-6)
    assert classifier.probabilities(phantoms.images[:0]).shape == (0, 4)


@pytest.mark.slow
def test_every_changed_byte_and_every_cut_is_noticed(model: Path) -> None:
    data = model.read_bytes()
    for position in range(len(data)):
        model.write_bytes(data[:position] + bytes([data[position] ^ 0x10]) + data[position + 1 :])
        with pytest.raises(UserError, match=r"student\.onnx"):
            read_onnx(model)
    for length in range(0, len(data), 7):
        model.write_bytes(data[:length])
        with pytest.raises(UserError, match=r"student\.onnx"):
            read_onnx(model)
    model.write_bytes(data + add_properties(b"", {"labels.txt": b"Cat\nDog\n"}))
    with pytest.raises(UserError, match=r"student\.onnx"):
        read_onnx(model)


def test_our_few_lines_of_protobuf_agree_with_protobuf() -> None:
    properties = {"a": b"", "key": "Größe\n".encode() * 100, "long": b"x" * 70_000}
    both = onnx.ModelProto.FromString(add_properties(small_model(), properties))
    assert {e.key: e.value.encode() for e in both.metadata_props} == {"made by": b"somebody else"} | properties
    assert split_properties(add_properties(small_model(), properties), properties) == (small_model(), properties)


@pytest.mark.parametrize(
    "data",
    [b"\x72", b"\x72\xff\xff\xff\xff\x0f", b"\x0b", b"\x80" * 11, b"\x09\x00", b"\x72\x02\x0a\x05", b"\xff" * 100],
    ids=["cut", "too long", "group", "endless number", "short double", "inner too long", "noise"],
)
def test_malformed_messages_are_value_errors(data: bytes) -> None:
    with pytest.raises(ValueError):
        split_properties(data, ["alzedge.json"])


def test_foreign_and_damaged_models_are_refused_by_the_command(model: Path, tmp_path: Path, phantoms: DataSet) -> None:
    from PIL import Image

    Image.fromarray(phantoms.images[0]).save(tmp_path / "slice.png")
    (tmp_path / "bare.onnx").write_bytes(small_model())
    assert_refused(run_cli("inspect", tmp_path / "bare.onnx"), "bare.onnx", "AlzEdge record")
    write_onnx(tmp_path / "nonsense.onnx", b"\x08\x08" + b"\x12\x04nope", RECORD)
    refused = run_cli("predict", tmp_path / "slice.png", "--model", tmp_path / "nonsense.onnx")
    assert_refused(refused, "nonsense.onnx", "onnxruntime", "export it again")
    assert json.loads(run_cli("inspect", model, "--json").stdout)["kind"] == "student-onnx"


def test_without_onnxruntime_the_sentence_says_what_to_install(model: Path) -> None:
    code = (
        "import sys; sys.modules['onnxruntime'] = sys.modules['onnx'] = None\n"
        f"sys.argv = ['alzedge', 'predict', 'x.png', '--model', {str(model)!r}]\n"
        "from alzedge.cli import main; main()"
    )
    assert_refused(run_code(code), "pip install onnxruntime")


def test_the_device_room_reads_the_record_without_the_onnx_package(model: Path) -> None:
    code = f"import sys, pathlib; sys.modules['onnx'] = sys.modules['onnxruntime'] = None\nfrom alzedge.model_file.read_write import read_onnx\nprint(read_onnx(pathlib.Path({str(model)!r}))[1]['kind'])"
    assert run_code(code).stdout.strip() == "student-onnx"


def test_a_runtime_loads_the_file_as_it_is(model: Path) -> None:
    image = np.full((1, 52, 44, 1), 0.5, np.float32)
    ours, whole = (OnnxInterpreter(one)(image)["probabilities"] for one in (read_onnx(model)[0], model.read_bytes()))
    np.testing.assert_array_equal(ours, whole)
    assert "onnxruntime" in sys.modules
