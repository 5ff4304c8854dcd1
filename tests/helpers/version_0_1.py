"""The bundled student as a file of version 0.1: probabilities are its only output, and its record measures nothing."""

from ai_edge_litert.tools import flatbuffer_utils

from alzedge.export.convert.write_tflite_metadata import pack
from alzedge.inference.classifier import Classifier
from alzedge.inference.interpreters import TFLiteInterpreter
from alzedge.model_file.bundled import bundled_model
from alzedge.model_file.read_write import Record, read_tflite


def stages_alone() -> tuple[bytes, Record]:
    """Flatbuffer without the layers behind the other outputs, and record without the rule and the levels."""
    flatbuffer, record = read_tflite(bundled_model())
    kept = {name: entry for name, entry in record.items() if name not in ("measures", "levels", "sha256")}
    return _with_output(flatbuffer, b"probabilities"), kept


def _with_output(flatbuffer: bytes, name: bytes) -> bytes:
    model = flatbuffer_utils.read_model_from_bytearray(bytearray(flatbuffer))
    graph = model.subgraphs[0]
    (signature,) = model.signatureDefs
    graph.outputs = [entry.tensorIndex for entry in signature.outputs if entry.name == name]
    needed, kept = set(graph.outputs), []
    for operator in reversed(graph.operators):
        if needed.intersection(operator.outputs):
            needed.update(operator.inputs)
            kept.insert(0, operator)
    graph.operators, model.signatureDefs = kept, None
    return pack(model)


def classifier_0_1(guarded: bool = True) -> Classifier:
    """The same, ready to answer."""
    flatbuffer, record = stages_alone()
    return Classifier(TFLiteInterpreter(flatbuffer), record | {"sha256": "0" * 64}, guarded)
