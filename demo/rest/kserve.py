"""KServe's open inference protocol, version 2: health, metadata and `infer`, with the binary form of tensors.

https://github.com/kserve/open-inference-protocol, and https://github.com/triton-inference-server/server/blob/main/docs/protocol/
extension_binary_data.md for slices as they lie in memory.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from alzedge import __version__
from alzedge.demo.rest.failure import Refusal
from alzedge.demo.rest.model import NAME, VERSION, Served
from alzedge.demo.rest.outputs import INPUTS, OUTPUTS, Tensor, flat_values, row_of
from alzedge.demo.rest.pixels import Instance, check_count, flat_pixels, read_instance, shaped, told_of
from alzedge.imaging.slices import HEIGHT, WIDTH
from alzedge.inference.answer import Answer

Json = dict[str, Any]
_BINARY = "binary_data_size"
_IMAGES = INPUTS[0].name


def server_metadata() -> Json:
    """Name and version of the server."""
    return {"name": NAME, "version": __version__, "extensions": ["binary_tensor_data"]}


def metadata(served: Served) -> Json:
    """Inputs and outputs of the model, and what is known of the file."""
    return {
        "name": NAME,
        "versions": [VERSION],
        "platform": served.platform,
        "inputs": [_described(one) for one in INPUTS],
        "outputs": [_described(one) for one in OUTPUTS],
        "parameters": served.about,
    }


def read_question(body: Any, raw: bytes) -> list[Instance]:
    """Instances of a question.

    Args:
        body: as JSON has it.
        raw: what follows the JSON: tensors in binary form, one after the other.

    Raises:
        Refusal: 400 or 413, no such question.
    """
    given = body.get("inputs") if isinstance(body, dict) else None
    if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
        raise Refusal(400, "No 'inputs'; send an object with a list of tensors")
    tensors: dict[str, Json] = {str(one.get("name"))[:40]: one for one in given}
    unknown = set(tensors) - {one.name for one in INPUTS}
    if unknown or _IMAGES not in tensors or len(tensors) != len(given):
        raise Refusal(
            400, f"'inputs' are {', '.join(map(repr, tensors)) or 'none'}; wanted: 'images', once, 'age', 'sex'"
        )
    images = tensors[_IMAGES]
    if any(_size(one) is not None for name, one in tensors.items() if name != _IMAGES):
        raise Refusal(400, "Only 'images' may come in binary form")
    instances = _images(images, raw)
    ages, sexes = (_column(tensors.get(name), name, len(instances)) for name in ("age", "sex"))
    rows = zip(instances, ages, sexes, strict=True)
    return [replace(one, told=told_of(one.name, age, sex)) for one, age, sex in rows]


def reply(body: Json, answers: Sequence[Answer], served: Served) -> Json:
    """Answers as tensors, those that were asked for, in order.

    Raises:
        Refusal: 400, an output that is not there.
    """
    rows = [row_of(answer) for answer in answers]
    tensors = [
        {
            "name": output.name,
            "shape": [len(rows), *output.shape],
            "datatype": output.datatype,
            "data": flat_values(output, rows),
        }
        for output in wanted_outputs(body)
    ]
    about = {name: served.about[name] for name in ("sha256", "disclaimer")}
    named = {"id": body["id"]} if isinstance(body.get("id"), str) else {}
    return {"model_name": NAME, "model_version": VERSION, **named, "parameters": about, "outputs": tensors}


def wanted_outputs(body: Json) -> list[Tensor]:
    """Outputs that a question asks for; all where it names none.

    Raises:
        Refusal: 400, one that is not there.
    """
    asked = body.get("outputs") or []
    names = (
        [str(one.get("name")) if isinstance(one, dict) else "" for one in asked] if isinstance(asked, list) else [""]
    )
    known = {output.name: output for output in OUTPUTS}
    if not all(name in known for name in names):
        raise Refusal(400, f"'outputs' names one that is not there; there are {', '.join(known)}")
    return [known[name] for name in names] if names else list(OUTPUTS)


def _images(tensor: Json, raw: bytes) -> list[Instance]:
    count = _count(tensor.get("shape"), tensor.get("datatype"))
    check_count(count)
    if tensor["datatype"] == "BYTES":
        pictures = tensor.get("data")
        if not isinstance(pictures, list) or len(pictures) != count:
            raise Refusal(400, f"'images': 'data' is not a list of {count} base64 texts")
        return [read_instance({"b64": one}, f"images[{row}]") for row, one in enumerate(pictures)]
    size = _size(tensor)
    if size is not None:
        if size != len(raw):
            raise Refusal(400, f"'images': {_BINARY} is {size}, but {len(raw)} bytes follow the JSON")
        pixels = shaped(raw, "'images'")
    else:
        pixels = flat_pixels(_flattened(tensor.get("data")), "'images'")
    if len(pixels) != count:
        raise Refusal(400, f"'images': {len(pixels)} slices of data, but a shape of {count}")
    return [Instance(f"images[{row}]", one) for row, one in enumerate(pixels)]


def _count(shape: Any, datatype: Any) -> int:
    """Instances of the tensor `images` by its shape."""
    if datatype not in ("UINT8", "BYTES"):
        raise Refusal(400, "'images': the datatype is UINT8 for slices, or BYTES for picture files as base64")
    sizes = shape if isinstance(shape, list) else []
    slices = [HEIGHT, WIDTH] if datatype == "UINT8" else []
    whole = bool(sizes) and all(type(size) is int and size >= 0 for size in sizes)
    if not whole or sizes[1:] not in (slices, [*slices, 1]):
        raise Refusal(400, f"'images': a shape other than [N, {HEIGHT}, {WIDTH}] for UINT8 or [N] for BYTES")
    count: int = sizes[0]
    return count


def _size(tensor: Json) -> int | None:
    """Bytes of a tensor in binary form; None for one in JSON."""
    parameters = tensor.get("parameters")
    size = parameters.get(_BINARY) if isinstance(parameters, dict) else None
    if size is not None and (type(size) is not int or size < 0):
        raise Refusal(400, f"{_BINARY} is not a number of bytes")
    return size


def _flattened(data: Any) -> list[Any]:
    """Values one after the other; they may come nested as deep as the shape."""
    values = data if isinstance(data, list) else []
    for _ in range(3):
        if not values or type(values[0]) is not list:
            break
        if not all(type(one) is list for one in values):
            raise Refusal(400, "'images': 'data' is nested unevenly")
        values = [value for one in values for value in one]
    return values


def _column(tensor: Json | None, name: str, count: int) -> list[Any]:
    data = [None] * count if tensor is None else tensor.get("data")
    if not isinstance(data, list) or len(data) != count:
        raise Refusal(400, f"{name!r}: 'data' is not a list of {count} values")
    return data


def _described(tensor: Tensor) -> Json:
    return {"name": tensor.name, "datatype": tensor.datatype, "shape": [-1, *tensor.shape]}
