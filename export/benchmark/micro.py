"""Memory of a file in TensorFlow Lite Micro, the interpreter of microcontrollers, from the package `tflite-micro`."""

import importlib.util
import re
import subprocess
import sys

_LARGEST_ARENA = 64 << 20
_RECORD_ALLOCATIONS = """
import sys
from tflite_micro import runtime
runtime.Interpreter.from_bytes(sys.stdin.buffer.read(), arena_size={arena}).print_allocations()
"""


def micro_installed() -> bool:
    """True when `tflite-micro` is installed; it has wheels for Linux on x86-64 only."""
    return importlib.util.find_spec("tflite_micro") is not None


def arena_bytes(flatbuffer: bytes) -> int | None:
    """Measure the part of the tensor arena that TensorFlow Lite Micro fills with a model, from its own record.

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
    total = re.search(rb"Arena allocation total (\d+) bytes", child.stderr)
    return int(total[1]) if total else None
