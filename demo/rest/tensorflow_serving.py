"""TensorFlow Serving's REST protocol: `:predict`, the model's status and its metadata.

https://github.com/tensorflow/serving/blob/master/tensorflow_serving/g3doc/api_rest.md; errors in its form and its words.
"""

from collections.abc import Sequence
from typing import Any

from alzedge.demo.rest.failure import Refusal
from alzedge.demo.rest.model import NAME, VERSION, Served
from alzedge.demo.rest.outputs import INPUTS, OUTPUTS, Tensor, row_of
from alzedge.demo.rest.pixels import Instance, check_count, read_instance
from alzedge.inference.answer import Answer
from alzedge.stages import DISCLAIMER

SIGNATURE = "serving_default"
_DTYPES = {"FP32": "DT_FLOAT", "BOOL": "DT_BOOL", "BYTES": "DT_STRING", "UINT8": "DT_UINT8"}
_IMAGES = INPUTS[0].name
_TOLD = tuple(one.name for one in INPUTS[1:])
_ENTRIES = {"instances", "inputs", "signature_name"}


def status() -> dict[str, Any]:
    """State of the model, which is served as long as the server answers."""
    fine = {"error_code": "OK", "error_message": ""}
    return {"model_version_status": [{"version": VERSION, "state": "AVAILABLE", "status": fine}]}


def metadata(served: Served) -> dict[str, Any]:
    """Signature of the model, and beside it what is known of the file."""
    signature = {
        "inputs": {one.name: _described(one) for one in INPUTS},
        "outputs": {one.name: _described(one) for one in OUTPUTS},
        "method_name": "tensorflow/serving/predict",
    }
    spec = {"name": NAME, "signature_name": "", "version": VERSION}
    known = {"signature_def": {"signature_def": {SIGNATURE: signature}}, NAME: served.about}
    return {"model_spec": spec, "metadata": known}


def read_question(body: Any) -> tuple[list[Instance], bool]:
    """Instances of a question, and whether they came by columns (`inputs`) instead of by rows (`instances`).

    Args:
        body: as JSON has it.

    Raises:
        Refusal: 400 or 413, no such question.
    """
    if not isinstance(body, dict) or ("instances" in body) == ("inputs" in body):
        raise Refusal(400, "Missing 'inputs' or 'instances' key: send an object with one of them")
    unknown = set(body) - _ENTRIES
    if unknown:
        raise Refusal(400, f"Unknown key {min(unknown)[:40]!r}; send 'instances' or 'inputs', and no more")
    if body.get("signature_name", SIGNATURE) not in (SIGNATURE, ""):
        raise Refusal(400, f"Serving signature name not found; the only one is {SIGNATURE!r}")
    by_columns = "inputs" in body
    rows = _rows(body["inputs"]) if by_columns else body["instances"]
    if not isinstance(rows, list):
        raise Refusal(400, "'instances' is not a list; send a list of slices")
    check_count(len(rows))
    return [_instance(row, f"instances[{number}]") for number, row in enumerate(rows)], by_columns


def reply(answers: Sequence[Answer], by_columns: bool) -> dict[str, Any]:
    """Answers in the form of the question."""
    rows = [row_of(answer) for answer in answers]
    if not by_columns:
        return {"predictions": rows, "disclaimer": DISCLAIMER}
    columns = {output.name: [row[output.name] for row in rows] for output in OUTPUTS}
    return {"outputs": columns, "disclaimer": DISCLAIMER}


def _rows(inputs: Any) -> Any:
    """Instances of `inputs`: the images themselves, or columns by name."""
    if not isinstance(inputs, dict) or set(inputs) == {"b64"}:
        return inputs
    images = inputs.get(_IMAGES)
    if not isinstance(images, list):
        raise Refusal(400, f"'inputs' lacks {_IMAGES!r}, a list of slices")
    for name, column in inputs.items():
        if not isinstance(column, list) or len(column) != len(images):
            raise Refusal(400, f"'inputs': {name[:40]!r} is not a list as long as {_IMAGES!r}")
    return [{name: column[row] for name, column in inputs.items()} for row in range(len(images))]


def _instance(value: Any, name: str) -> Instance:
    if not isinstance(value, dict) or set(value) == {"b64"}:
        return read_instance(value, name)
    unknown = set(value) - {_IMAGES, *_TOLD}
    if unknown or _IMAGES not in value:
        wrong = f"an input named {min(unknown)[:40]!r}" if unknown else f"no input {_IMAGES!r}"
        raise Refusal(400, f"{name}: {wrong}; inputs are {', '.join(one.name for one in INPUTS)}")
    return read_instance(value[_IMAGES], name, *(value.get(told) for told in _TOLD))


def _described(tensor: Tensor) -> dict[str, Any]:
    dimensions = [{"size": str(size), "name": ""} for size in (-1, *tensor.shape)]
    shape = {"dim": dimensions, "unknown_rank": False}
    return {"dtype": _DTYPES[tensor.datatype], "tensor_shape": shape, "name": tensor.name}
