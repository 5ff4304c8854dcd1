"""All parsers under test, by name, each made where it is asked for."""

from collections.abc import Callable
from functools import cache

from fuzzing.campaign import Parser

_NAMES = {
    "fuzzing.pictures": ("png", "jpeg", "tiff", "bmp", "webp", "zip"),
    "fuzzing.volumes": ("nifti", "nifti_gz", "analyze", "dicom", "dicom_elements", "dicom_series"),
    "fuzzing.tables": (
        *("recipe", "run_json", "subjects_csv", "subjects_set", "predictions_csv", "people_csv", "labels_csv"),
        "quality_json",
    ),
    "fuzzing.models": ("tflite", "tflite_record", "tflite_flatbuffer", "tflite_metadata", "keras", "onnx"),
    "fuzzing.service": ("rest",),
}
NAMES = tuple(name for names in _NAMES.values() for name in names)


def parser_of(name: str) -> Parser:
    """The parser of a name out of `NAMES`."""
    return _parsers(next(module for module, names in _NAMES.items() if name in names))[name]


@cache
def _parsers(module: str) -> dict[str, Parser]:
    from importlib import import_module

    parsers: Callable[[], dict[str, Parser]] = import_module(module).parsers
    return parsers()
