"""Slices in a question of a program: values of JSON become pixels, and every value is checked.

TensorFlow Serving's form nests a slice as rows of numbers, KServe's may have them flat. `bytes` of a list takes whole
numbers from 0 to 255 only, and is four times as fast as NumPy.
"""

import base64
import binascii
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alzedge.demo.answering.told import NOTHING_TOLD, Told, read_told
from alzedge.demo.rest.failure import Refusal
from alzedge.errors import UserError
from alzedge.imaging.slices import HEIGHT, WIDTH

# Slices of one question; a head has about a hundred at 1 mm.
MOST_INSTANCES = 100
_SHAPE = f"a slice is {HEIGHT} rows of {WIDTH} whole numbers from 0 to 255, or a picture file as {{'b64': ...}}"


@dataclass(frozen=True, eq=False)
class Instance:
    """One slice that is asked about.

    Attributes:
        name: how to call it in messages.
        pixels: uint8 (208, 176); None where a picture file came instead.
        picture: content of that file.
        told: age and sex of the person.
    """

    name: str
    pixels: NDArray[np.uint8] | None
    picture: bytes | None = None
    told: Told = NOTHING_TOLD


def read_instance(value: Any, name: str, age: Any = None, sex: Any = None) -> Instance:
    """Read one instance: nested lists, or a picture file as `{"b64": ...}`.

    Args:
        value: as JSON has it.
        name: how to call it in messages.
        age, sex: of the person; see `alzedge.demo.answering.told`.

    Raises:
        Refusal: 400, another shape or type, or an age or sex that cannot be.
    """
    told = told_of(name, age, sex)
    if isinstance(value, dict) and set(value) == {"b64"}:
        return Instance(name, None, decoded(value["b64"], name), told)
    return Instance(name, nested_pixels(value, name), None, told)


def told_of(name: str, age: Any, sex: Any) -> Told:
    """Age and sex that came with an instance.

    Raises:
        Refusal: 400, they cannot be.
    """
    try:
        return NOTHING_TOLD if age is None and sex is None else read_told(age, sex)
    except UserError as error:
        raise Refusal(400, f"{name}: {error}") from error


def nested_pixels(value: Any, name: str) -> NDArray[np.uint8]:
    """Pixels of a slice, uint8 (208, 176), from nested lists [208][176] or [208][176][1].

    Raises:
        Refusal: 400, another shape, or other values.
    """
    if type(value) is not list or len(value) != HEIGHT:
        raise Refusal(400, f"{name}: {_described(value)}; {_SHAPE}.")
    for row in value:
        if type(row) is not list or len(row) != WIDTH:
            raise Refusal(400, f"{name}: a row that is {_described(row)}; {_SHAPE}.")
    if type(value[0][0]) is list:
        value = [_without_channel(row, name) for row in value]
    pixels: NDArray[np.uint8] = shaped(b"".join([_checked(row, name) for row in value]), name)[0]
    return pixels


def flat_pixels(values: list[Any], name: str) -> NDArray[np.uint8]:
    """Pixels of slices, uint8 (N, 208, 176), from numbers row by row.

    Raises:
        Refusal: 400, no multiple of a slice, or other values than whole numbers from 0 to 255.
    """
    return shaped(_checked(values, name), name)


def shaped(data: bytes, name: str) -> NDArray[np.uint8]:
    """Bytes, row by row, as slices: uint8 (N, 208, 176).

    Raises:
        Refusal: 400, not a whole number of slices.
    """
    if not data or len(data) % (HEIGHT * WIDTH):
        raise Refusal(400, f"{name}: {len(data)} values are not a whole number of slices; {_SHAPE}.")
    return np.frombuffer(data, np.uint8).reshape(-1, HEIGHT, WIDTH)


def decoded(text: Any, name: str) -> bytes:
    """Content of a picture file that came as base64.

    Raises:
        Refusal: 400, not base64, or nothing.
    """
    try:
        data = base64.b64decode(text, validate=True) if isinstance(text, str) else b""
    except (binascii.Error, ValueError):
        data = b""
    if not data:
        raise Refusal(400, f"{name}: not base64 of a picture file.")
    return data


def check_count(count: int) -> None:
    """Refuse no instances, and too many.

    Raises:
        Refusal: 400 for none, 413 for too many.
    """
    if count == 0:
        raise Refusal(400, "No instances; send at least one slice.")
    if count > MOST_INSTANCES:
        raise Refusal(413, f"{count} instances at once are too many, {MOST_INSTANCES} at most; send several requests.")


def _checked(values: list[Any], name: str) -> bytes:
    try:
        return bytes(values)
    except (TypeError, ValueError, OverflowError) as error:
        raise Refusal(400, f"{name}: a value that is not a whole number from 0 to 255; {_SHAPE}.") from error


def _without_channel(row: list[Any], name: str) -> list[Any]:
    if not all(type(pixel) is list and len(pixel) == 1 for pixel in row):
        raise Refusal(400, f"{name}: more than one channel; {_SHAPE}.")
    return [pixel[0] for pixel in row]


def _described(value: Any) -> str:
    if isinstance(value, list):
        return f"a list of {len(value)}"
    return {"dict": "an object", "str": "a text", "NoneType": "null"}.get(type(value).__name__, "a number")
