"""The same file in TensorFlow Lite Micro, the interpreter of microcontrollers, from the package `tflite-micro`."""

import importlib
import importlib.util
import re
import subprocess
import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alzedge.errors import UserError

_LARGEST_ARENA = 64 << 20
_RECORD_ALLOCATIONS = """
import sys
from tflite_micro import runtime
runtime.Interpreter.from_bytes(sys.stdin.buffer.read(), arena_size={arena}).print_allocations()
"""


def micro_installed() -> bool:
    """Whether `tflite-micro` is installed; it has wheels for Linux on x86-64 only."""
    return importlib.util.find_spec("tflite_micro") is not None


def arena_bytes(flatbuffer: bytes) -> int | None:
    """The part of the tensor arena that TensorFlow Lite Micro fills with a model, from its own record.

    The arena is the one block of memory that holds all activations, the interpreter's tables
    and scratch buffers; the weights stay in the file. It is measured in a process of its own: the
    record goes to the standard error only, and some kernels crash where the arena is too small.

    Args:
        flatbuffer: without the record behind it, as `alzedge.model_file.read_write.read_tflite` returns it.

    Returns:
        Bytes; None where `tflite-micro` is not installed or cannot run the model: it has no kernel
        for an operator, crashes, or would need more than 64 MiB.
    """
    if not micro_installed():
        return None
    command = [sys.executable, "-c", _RECORD_ALLOCATIONS.format(arena=_LARGEST_ARENA)]
    child = subprocess.run(command, check=False, input=flatbuffer, capture_output=True)
    found = re.search(rb"Arena allocation total (\d+) bytes", child.stderr)
    return int(found[1]) if found else None


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


def _interpreter(flatbuffer: bytes, arena: int) -> Any:
    """An interpreter with its tensors allocated in an arena of that size."""
    runtime: Any = importlib.import_module("tflite_micro").runtime
    return runtime.Interpreter.from_bytes(flatbuffer, arena_size=arena)


def _output_count(flatbuffer: bytes) -> int:
    from alzedge.inference.interpreters import make_interpreter

    return len(make_interpreter(flatbuffer, 1).get_output_details())
