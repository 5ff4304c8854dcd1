"""The same file in TensorFlow Lite Micro, the interpreter of microcontrollers, from the package `tflite-micro`."""

import importlib.util
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alzedge.errors import UserError

_LARGEST_ARENA = 64 << 20
_ALIGNMENT = 16


def micro_installed() -> bool:
    """Whether `tflite-micro` is installed; it has wheels for Linux on x86-64 only."""
    return importlib.util.find_spec("tflite_micro") is not None


def arena_bytes(flatbuffer: bytes) -> int | None:
    """The smallest tensor arena in which TensorFlow Lite Micro runs a model, by bisection.

    The arena is the one block of memory that holds all activations, the interpreter's tables
    and scratch buffers; the weights stay in the file.

    Args:
        flatbuffer: without the record behind it, as `alzedge.modelfile.read_tflite` returns it.

    Returns:
        Bytes, a multiple of 16; None where `tflite-micro` is not installed, has no kernel for one
        of the model's operators, or would need more than 64 MiB.
    """
    if not micro_installed():
        return None
    fits = 64 << 10
    while not _runs(flatbuffer, fits):
        fits *= 2
        if fits > _LARGEST_ARENA:
            return None
    too_small = 0
    while fits - too_small > _ALIGNMENT:
        middle = (fits + too_small) // 2 // _ALIGNMENT * _ALIGNMENT
        if _runs(flatbuffer, middle):
            fits = middle
        else:
            too_small = middle
    return fits


def micro_outputs(flatbuffer: bytes, inputs: NDArray[Any]) -> list[NDArray[Any]]:
    """Answers of TensorFlow Lite Micro, in the file's own numbers.

    Args:
        flatbuffer: see `arena_bytes`.
        inputs: (N, rows, columns, 1) of the model's input type: quantized already for int8 inputs.

    Returns:
        Each output of the model, (N, ...) of its own type.

    Raises:
        UserError: `tflite-micro` is not installed or has no kernel for one of the operators.
    """
    if not micro_installed():
        raise UserError("TensorFlow Lite Micro is not installed; run `pip install tflite-micro`.")
    try:
        interpreter = _interpreter(flatbuffer, _LARGEST_ARENA)
    except RuntimeError as error:
        raise UserError(f"TensorFlow Lite Micro cannot run this model ({error}); export it as int8.") from error
    answers = []
    for image in inputs:
        interpreter.set_input(image[np.newaxis], 0)
        interpreter.invoke()
        answers.append([interpreter.get_output(i).copy() for i in range(_output_count(flatbuffer))])
    return [np.concatenate(output) for output in zip(*answers, strict=True)]


def _runs(flatbuffer: bytes, arena: int) -> bool:
    try:
        _interpreter(flatbuffer, arena)
    except RuntimeError:  # too small, or an operator without a kernel
        return False
    return True


def _interpreter(flatbuffer: bytes, arena: int) -> Any:
    """An interpreter with its tensors allocated in an arena of that size."""
    from tflite_micro import runtime

    return runtime.Interpreter.from_bytes(flatbuffer, arena_size=arena)


def _output_count(flatbuffer: bytes) -> int:
    from alzedge.networks import make_interpreter

    return len(make_interpreter(flatbuffer, 1).get_output_details())
