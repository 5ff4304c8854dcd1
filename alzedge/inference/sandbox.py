"""The sandbox: a model file is loaded so that a bad one cannot take this process down.

Interpreters trust their models: a damaged one can make them read memory that is not theirs, and the process dies. A
hash finds damage done after export, but anybody can seal a bad model. So a file that this machine has not seen yet is
first loaded and asked in a child process, with little memory and time. Success is remembered in the user's cache, by
the model's hash and the runtime's version.

The sandbox proves nothing: a model made to crash on one certain image only would pass it.
"""

import contextlib
import hashlib
import os
import sys
from pathlib import Path

import numpy as np

from alzedge.errors import UserError
from alzedge.imaging.preprocessing import Preprocessing
from alzedge.inference.interpreters import Interpreter, OnnxInterpreter, TFLiteInterpreter, runtime_of
from alzedge.model_file.read_write import Record, read_onnx, read_tflite
from alzedge.stages import STAGES
from alzedge.utils.files import write_bytes

TIME_LIMIT = 60.0
_MEMORY_LIMIT = 2**30  # on top of what Python and the runtime take
_STARTED, _PASSED = "started", "passed"
_CHILD = (
    "import sys; sys.path[:] = sys.argv[4:]; from alzedge.inference.sandbox import run_model; run_model(*sys.argv[1:4])"
)


def load_interpreter(path: Path, threads: int = 1, *, trusted: bool = False) -> tuple[Interpreter, Record]:
    """Load a `.tflite` or `.onnx` file of ours.

    Args:
        path: made by `alzedge export`.
        threads: of the runtime.
        trusted: without the sandbox; for the file that comes with the package.

    Returns:
        The interpreter and its record.

    Raises:
        UserError: no such file, not ours, damaged, of no use to the runtime, or the runtime is not installed.
    """
    suffix = ".onnx" if path.suffix.lower() == ".onnx" else ".tflite"
    model, record = (read_onnx if suffix == ".onnx" else read_tflite)(path)
    rows, columns, _ = Preprocessing.from_dict(record["preprocessing"]).input_shape
    if not trusted:
        _check(path, model, (suffix, str(rows), str(columns)))
    try:
        return _interpreter(suffix, model, threads), record
    except UserError as error:
        raise UserError(f"{path}: {error}") from error


def run_model(suffix: str, rows: str, columns: str) -> None:
    """The child's part: model on stdin; on stdout a line when Python is ready and one with the result."""
    runtime_of(suffix)  # imports it, before memory is counted
    model = sys.stdin.buffer.read()
    _limit()
    print(_STARTED, flush=True)
    noise = np.random.default_rng(0).random((1, int(rows), int(columns), 1), np.float32)
    try:
        interpreter = _interpreter(suffix, model, 1)
        for images in (np.zeros_like(noise), np.ones_like(noise), noise):
            probabilities = interpreter(images)["probabilities"]
            if probabilities.shape != (1, len(STAGES)) or not np.isfinite(probabilities).all():
                raise UserError("its answers are not the probabilities of four stages; export it again.")
    except UserError as error:
        print(error)
    except Exception as error:  # noqa: BLE001
        reason = (str(error).splitlines() or [""])[0] or type(error).__name__
        print(f"it cannot be run ({reason.rstrip('.')}); export it again.")
    else:
        print(_PASSED)


def _interpreter(suffix: str, model: bytes, threads: int) -> Interpreter:
    return OnnxInterpreter(model, threads) if suffix == ".onnx" else TFLiteInterpreter(model, threads)


def _check(path: Path, model: bytes, arguments: tuple[str, str, str]) -> None:
    suffix, rows, columns = arguments
    runtime = runtime_of(suffix)
    mark = _cache() / f"{hashlib.sha256(model).hexdigest()}-{rows}x{columns}-{runtime.replace(' ', '-')}"
    if not mark.exists():
        _run_in_child(path, model, arguments, runtime)
        with contextlib.suppress(OSError, UserError):  # where nothing can be remembered, the sandbox runs each time
            write_bytes(mark, b"")


def _run_in_child(path: Path, model: bytes, arguments: tuple[str, ...], runtime: str) -> None:
    if getattr(sys, "frozen", False):
        return  # an application in one file has no Python to start; its maker answers for its models
    import subprocess

    # `multiprocessing.set_executable` changes it, where Python is embedded.
    from multiprocessing.spawn import get_executable

    command = [os.fsdecode(get_executable()), "-P", "-c", _CHILD, *arguments, *sys.path]
    window = getattr(subprocess, "CREATE_NO_WINDOW", 0)
    try:
        done = subprocess.run(
            command,
            input=model,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            check=False,
            timeout=TIME_LIMIT,
            creationflags=window,
        )
    except subprocess.TimeoutExpired as error:
        raise UserError(
            f"{path}: {runtime} did not answer within {TIME_LIMIT:.0f} s; export the model again."
        ) from error
    first, _, result = done.stdout.decode(errors="replace").strip().partition(os.linesep)
    if first != _STARTED:
        raise UserError(
            f"{command[0]} could not be started to check {path}; name a Python with `multiprocessing.set_executable`."
        )
    if not result:
        raise UserError(f"{path} crashes {runtime} (exit code {done.returncode}); export the model again.")
    if result != _PASSED:
        raise UserError(f"{path}: {result}")


def _limit() -> None:
    """Bound this process's memory and time, where the operating system can."""
    try:
        import resource

        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except (ImportError, OSError):  # Windows and macOS: the parent's clock is the only bound
        return
    limits = {
        resource.RLIMIT_AS: pages * resource.getpagesize() + _MEMORY_LIMIT,
        resource.RLIMIT_CPU: int(TIME_LIMIT),
        resource.RLIMIT_CORE: 0,
    }
    for kind, wanted in limits.items():
        hard = resource.getrlimit(kind)[1]
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(kind, (soft, hard))


def _cache() -> Path:
    try:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    except RuntimeError:  # no home
        base = Path(os.devnull)
    return base / "alzedge" / "tried"
