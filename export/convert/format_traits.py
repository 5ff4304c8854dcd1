"""Properties of every format a student can be exported to, known before anything heavy is imported."""

from dataclasses import dataclass


@dataclass(frozen=True)
class FormatTraits:
    """Promises of a format.

    Attributes:
        suffix: ending of the file's name; '' for a folder.
        weights: type that kernel weights are converted to, 'int8' or 'float16'; None where they stay float32.
        integer_only: whether no tensor inside may be floating-point.
        calibrated: whether ranges of activations are set on training slices.
        trained: whether it is trained further, and so another network than the student.
        tolerance: largest difference of a probability from Keras'; None where quantization noise is allowed instead.
    """

    suffix: str = ".tflite"
    weights: str | None = None
    integer_only: bool = False
    calibrated: bool = False
    trained: bool = False
    tolerance: float | None = None

    @property
    def quantized(self) -> bool:
        """True where weights are int8."""
        return self.weights == "int8"


_EXACT, _HALF = 1e-4, 2e-2
_INT8 = FormatTraits(weights="int8", integer_only=True, calibrated=True)
_TRAINED_INT8 = FormatTraits(weights="int8", integer_only=True, calibrated=True, trained=True)

TRAITS = {
    "float32": FormatTraits(tolerance=_EXACT),
    "float16": FormatTraits(weights="float16", tolerance=_HALF),
    "dynamic": FormatTraits(weights="int8"),
    "int8": _INT8,
    "int8-float-io": _INT8,
    "int16x8": _INT8,
    "qat-int8": _TRAINED_INT8,
    "pruned": _TRAINED_INT8,
    "clustered": _TRAINED_INT8,
    "onnx": FormatTraits(".onnx", tolerance=_EXACT),
    "saved_model": FormatTraits("", tolerance=_EXACT),
    "keras": FormatTraits(".keras", tolerance=_EXACT),
}
