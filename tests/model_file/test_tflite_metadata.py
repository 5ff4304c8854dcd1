"""The standard metadata: written, read back, and no burden to any interpreter."""

import json
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers.commands import run_cli, run_code
from helpers.version_0_1 import stages_alone

from alzedge.data.dataset import DataSet
from alzedge.errors import UserError
from alzedge.export.convert.rgb import to_rgb
from alzedge.export.convert.write_tflite_metadata import add_metadata
from alzedge.imaging.preprocessing import Preprocessing
from alzedge.imaging.steps import lookup_of
from alzedge.inference.interpreters import TFLiteInterpreter, make_interpreter
from alzedge.model_file.bundled import bundled_model
from alzedge.model_file.read_tflite_metadata import standard_metadata
from alzedge.model_file.read_write import Record, read_tflite, write_tflite


@pytest.fixture(scope="module")
def bundled() -> tuple[bytes, Record]:
    return read_tflite(bundled_model())


@pytest.fixture(scope="module")
def preprocessing(bundled: tuple[bytes, Record]) -> Preprocessing:
    return Preprocessing.from_dict(bundled[1]["preprocessing"])


@pytest.fixture(scope="module")
def described(bundled: tuple[bytes, Record], preprocessing: Preprocessing) -> bytes:
    return add_metadata(bundled[0], "student-int8", preprocessing)


@pytest.fixture(scope="module")
def stages_only() -> tuple[bytes, Record]:
    """With one output, as apps for colour images want it, and a step that looks at one pixel at a time."""
    flatbuffer, record = stages_alone()
    return flatbuffer, record | {"preprocessing": Preprocessing(2, ("fluid",)).to_dict()}


def in_colour(flatbuffer: bytes, preprocessing: Preprocessing) -> bytes:
    return to_rgb(flatbuffer, preprocessing.shrink, lookup_of(preprocessing.steps))


def test_what_is_written_is_read_back(described: bytes, preprocessing: Preprocessing) -> None:
    found = standard_metadata(described)
    assert found is not None
    assert found["name"] == "AlzEdge student-int8" and found["license"] == "Apache-2.0"
    assert found["min_parser_version"] == "1.0.0" and "not a medical device" in found["description"]
    (image,) = found["inputs"]
    scores, *measures = sorted(found["outputs"], key=lambda output: output["name"] != "probability")
    assert {output["name"] for output in measures} == {"brain_volume", "age"}
    assert all("files" not in output for output in measures)
    rows, columns, _ = preprocessing.input_shape
    assert (image["width"], image["height"], image["color_space"]) == (columns, rows, "GRAYSCALE")
    assert (image["mean"], image["std"], image["min"], image["max"]) == ([0], [255], [-128], [127])
    assert scores["files"] == ["labels.txt"] and "mean" not in scores


def test_the_schema_compiler_of_flatbuffers_reads_the_same(described: bytes) -> None:
    """Positions in the buffer by the library's own reader, field numbers by the public schema."""
    from ai_edge_litert import schema_py_generated as schema
    from flatbuffers import encode, number_types, packer
    from flatbuffers.table import Table

    model = schema.Model.GetRootAs(described, 0)
    (entry,) = [m for m in map(model.Metadata, range(model.MetadataLength())) if m.Name() == b"TFLITE_METADATA"]
    data = model.Buffers(entry.Buffer()).DataAsNumpy().tobytes()
    assert data[4:8] == b"M001"
    root = Table(data, encode.Get(packer.uoffset, data, 0))
    assert root.String(root.Pos + root.Offset(4)) == b"AlzEdge student-int8"
    assert root.String(root.Pos + root.Offset(4 + 2 * 7)) == b"1.0.0"
    assert root.VectorLen(number_types.UOffsetTFlags.py_type(root.Offset(4 + 2 * 3))) == 1


def test_equal_input_gives_equal_bytes_and_writing_twice_changes_nothing(
    bundled: tuple[bytes, Record], described: bytes, preprocessing: Preprocessing
) -> None:
    assert add_metadata(bundled[0], "student-int8", preprocessing) == described
    assert add_metadata(described, "student-int8", preprocessing) == described
    renamed = standard_metadata(add_metadata(described, "student-qat-int8", preprocessing))
    assert renamed is not None and renamed["name"] == "AlzEdge student-qat-int8"


def test_weights_stay_aligned(described: bytes) -> None:
    from ai_edge_litert import schema_py_generated as schema

    model = schema.Model.GetRootAs(described, 0)
    for buffer in map(model.Buffers, range(model.BuffersLength())):
        if buffer.DataLength():
            at = buffer._tab.Vector(buffer._tab.Offset(4))
            assert at % 16 == 0


def test_the_network_answers_as_before(
    bundled: tuple[bytes, Record], described: bytes, preprocessing: Preprocessing, phantoms: DataSet
) -> None:
    inputs = preprocessing(phantoms.images[:8])
    before, after = (TFLiteInterpreter(one)(inputs)["probabilities"] for one in (bundled[0], described))
    np.testing.assert_array_equal(before, after)


def test_the_whole_file_fits_a_phone_and_is_inspected(
    bundled: tuple[bytes, Record], described: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "student_int8.tflite"
    write_tflite(path, described, bundled[1])
    assert path.stat().st_size <= 64 * 1024
    shown = json.loads(run_cli("inspect", path, "--json").stdout)
    assert shown["tflite_metadata"] == standard_metadata(described) and shown["labels"] == bundled[1]["labels"]


def test_tensorflows_own_interpreter_loads_it(bundled: tuple[bytes, Record], described: bytes, tmp_path: Path) -> None:
    path = tmp_path / "student_int8.tflite"
    write_tflite(path, described, bundled[1])
    import tensorflow as tf

    interpreter = tf.lite.Interpreter(model_path=str(path))
    interpreter.allocate_tensors()
    interpreter.invoke()
    shapes = {
        name: one["shape"].tolist() for name, one in interpreter.get_signature_runner().get_output_details().items()
    }
    assert shapes == {"probabilities": [1, 4], "brain_volume": [1, 1], "age": [1, 1]}


def test_a_model_without_metadata_says_so(bundled: tuple[bytes, Record]) -> None:
    bare = run_code(
        "import flatbuffers\nfrom ai_edge_litert import schema_py_generated as schema\n"
        "b = flatbuffers.Builder(); b.Finish(schema.ModelT(subgraphs=[]).Pack(b), b'TFL3'); print(bytes(b.Output()).hex())"
    )
    assert standard_metadata(bytes.fromhex(bare.stdout.strip())) is None


@pytest.mark.slow
def test_damaged_metadata_is_a_sentence_or_text_never_anything_else(described: bytes) -> None:
    at = described.index(b"M001") - 4
    refused = 0
    for place in range(at, len(described) - 4, 4):
        for number in (2**31, 2**16, 1):
            damaged = described[:place] + struct.pack("<I", number) + described[place + 4 :]
            try:
                standard_metadata(damaged)
            except UserError:
                refused += 1
    assert refused > 100


@pytest.mark.parametrize("steps", [(), ("fluid",), ("invert",)])
def test_colour_in_front_changes_no_number(
    stages_only: tuple[bytes, Record], preprocessing: Preprocessing, phantoms: DataSet, steps: tuple[str, ...]
) -> None:
    """Whole uint8 RGB images into the variant, against our preprocessing and the grey model."""
    stepping = replace(preprocessing, steps=steps)
    grey, coloured = (make_interpreter(one, 1) for one in (stages_only[0], in_colour(stages_only[0], stepping)))
    (given,), (asked,) = coloured.get_input_details(), coloured.get_output_details()
    assert given["dtype"] == asked["dtype"] == np.uint8 and given["shape"].tolist() == [1, 208, 176, 3]
    network = TFLiteInterpreter(stages_only[0])
    for image in phantoms.images[:10]:
        coloured.set_tensor(given["index"], np.repeat(image[None, ..., None], 3, axis=3))
        coloured.invoke()
        counts = coloured.get_tensor(asked["index"])[0].astype(np.float32)
        theirs = network(stepping(image[None]))["probabilities"][0]
        np.testing.assert_allclose(counts / counts.sum(), theirs, atol=1e-6)
    assert grey.get_input_details()[0]["shape"].tolist() == [1, *preprocessing.input_shape]
    with pytest.raises(UserError, match="grey images"):
        to_rgb(in_colour(stages_only[0], preprocessing), 1)


def test_the_colour_variant_is_a_file_of_ours_too(
    stages_only: tuple[bytes, Record], tmp_path: Path, phantoms: DataSet
) -> None:
    from alzedge.inference.classifier import Classifier

    grey, known = stages_only
    write_tflite(tmp_path / "grey.tflite", grey, known)
    whole, preprocessing = Preprocessing(1), Preprocessing.from_dict(known["preprocessing"])
    flatbuffer = add_metadata(in_colour(grey, preprocessing), "student-int8-rgb", whole)
    record = known | {"kind": "student-int8-rgb", "preprocessing": whole.to_dict()}
    write_tflite(tmp_path / "rgb.tflite", flatbuffer, record)
    found = standard_metadata(flatbuffer)
    assert found is not None and found["inputs"][0]["color_space"] == "RGB"
    ours, theirs = (
        Classifier.load(tmp_path / f"{name}.tflite").probabilities(phantoms.images[:4]) for name in ("rgb", "grey")
    )
    np.testing.assert_allclose(ours, theirs, atol=1e-6)
