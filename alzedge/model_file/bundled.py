"""The student that comes with the package."""

from pathlib import Path

from alzedge.errors import UserError


def bundled_model() -> Path:
    """Path of the int8 student that comes with the package."""
    return _bundled("student_int8.tflite")


def bundled_heat_map_model() -> Path:
    """Path of its companion, which gives the same probabilities and a heat map."""
    return _bundled("student_int8_heatmap.tflite")


def _bundled(name: str) -> Path:
    path = Path(__file__).parents[1] / "inference" / "bundled" / name
    if not path.is_file():
        raise UserError(
            f"{path}: the bundled model is missing from this installation; reinstall alzedge or give --model."
        )
    return path
