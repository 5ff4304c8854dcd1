"""How long one answer takes, measured side by side; and what a model needs when it is alone."""

import contextlib
import gzip
import importlib
import time
from pathlib import Path
from typing import Any

import numpy as np

from alzedge.data.phantom_set import make_phantoms
from alzedge.export.benchmark.macs import count_cost
from alzedge.export.benchmark.micro import arena_bytes
from alzedge.export.evaluate.scoring import load_scorer
from alzedge.inference.sandbox import load_network
from alzedge.model_file.read_write import read_record, read_tflite
from alzedge.utils.fresh_process import in_process
from alzedge.utils.progress import OnStep, Step, quiet

THREADS = (1, 2)
_ROUNDS = 10
_CALLS_FOR_MEMORY = 10
_RUNTIMES = {
    ".tflite": ("ai_edge_litert.interpreter",),
    ".onnx": ("onnxruntime",),
    ".keras": ("tensorflow", "alzedge.teacher.keras_file"),
}

Figures = dict[str, Any]


def measure_models(models: dict[str, Path], calls: int, on_step: OnStep = quiet) -> dict[str, Figures]:
    """Everything but accuracy: each model alone, then all side by side.

    Args:
        models: files by name.
        calls: timed calls per model and number of threads, rounded up to tens; a tenth as many
            warm it up.
        on_step: told about every model and every number of threads.

    Returns:
        By name the result of `measure_alone` and `latency_ms`: `threads_1` and `threads_2`, each with
        `p50`, `p90` and `p95` of all calls and `rounds`, the median of each round, in milliseconds.

    Raises:
        UserError: a file that the runtime cannot run.
    """
    steps = len(models) + len(THREADS)
    figures: dict[str, Figures] = {}
    for name, path in models.items():
        if path.suffix != ".keras":
            load_network(path)  # an unknown file is tried first, which must not be timed as loading
        figures[name] = in_process(1, measure_alone, path)
        on_step(Step(len(figures), steps, len(figures), steps))
    for entry in figures.values():
        entry["latency_ms"] = {}
    for done, threads in enumerate(THREADS, start=len(models) + 1):
        for name, rounds in in_process(threads, time_models, models, calls, threads).items():
            figures[name]["latency_ms"][f"threads_{threads}"] = _summary(rounds)
        on_step(Step(done, steps, done, steps))
    return figures


def measure_alone(path: Path) -> Figures:
    """What one model needs; for a process of its own.

    The runtime (LiteRT, TensorFlow, onnxruntime) is imported first and is not counted in the times.

    Returns:
        `kind` of the record; `bytes` of the file and `gzip_bytes` (level 9); `multiply_adds` and
        `parameters` (see `alzedge.export.benchmark.macs`); `arena_bytes` in TensorFlow Lite Micro, or None;
        `load_ms`, from the path to a model that can answer, its hash checked, if it needs no trial
        any more (see `alzedge.inference.sandbox`); `first_call_ms`;
        and `memory_bytes`: `process`, the highest resident memory of the whole process while it
        loads and answers, and `model`, by how much that exceeds the memory before loading; each
        None where the system has no `/proc`.

    """
    with contextlib.suppress(ImportError):  # loading says what is missing
        for module in _RUNTIMES.get(path.suffix, ()):
            importlib.import_module(module)
    slices = make_phantoms(4, 1).images
    before = _start_of_peak()
    start = time.perf_counter()
    score = load_scorer(path, 1)
    loaded = time.perf_counter()
    score(slices[:1])
    answered = time.perf_counter()
    for call in range(_CALLS_FOR_MEMORY):
        score(slices[call % len(slices)][np.newaxis])
    peak = _status("VmHWM")
    cost = count_cost(path)
    return {
        "file": path.name,
        "kind": read_record(path)["kind"],
        "bytes": path.stat().st_size,
        "gzip_bytes": len(gzip.compress(path.read_bytes(), 9, mtime=0)),
        "multiply_adds": cost.multiply_adds,
        "parameters": cost.parameters,
        "arena_bytes": arena_bytes(read_tflite(path)[0]) if path.suffix == ".tflite" else None,
        "load_ms": 1000 * (loaded - start),
        "first_call_ms": 1000 * (answered - loaded),
        "memory_bytes": {"process": peak, "model": None if peak is None or before is None else peak - before},
    }


def time_models(models: dict[str, Path], calls: int, threads: int) -> dict[str, list[list[float]]]:
    """Milliseconds of each call from a uint8 slice in memory to its probabilities, preprocessing included.

    For a process of its own. The models take turns in rounds, so that whatever else the machine
    does hits all alike.

    Returns:
        By name a list per round.
    """
    if any(path.suffix == ".keras" for path in models.values()):
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)
    slices = make_phantoms(4, 1).images
    scorers = {name: load_scorer(path, threads) for name, path in models.items()}
    times: dict[str, list[list[float]]] = {name: [] for name in models}
    per_round = -(-calls // _ROUNDS)
    for _ in range(_ROUNDS):
        for name, score in scorers.items():
            times[name].append([])
            for call in range(-max(1, per_round // 10), per_round):  # the calls below 0 warm up
                image = slices[call % len(slices)][np.newaxis]
                start = time.perf_counter()
                score(image)
                if call >= 0:
                    times[name][-1].append(1000 * (time.perf_counter() - start))
    return times


def _summary(rounds: list[list[float]]) -> Figures:
    p50, p90, p95 = np.percentile(np.concatenate(rounds), [50, 90, 95])
    medians = [float(np.median(one)) for one in rounds]
    return {"p50": float(p50), "p90": float(p90), "p95": float(p95), "rounds": medians}


def _start_of_peak() -> int | None:
    """Resident memory now, from which the peak is counted anew where Linux allows it."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
    return _status("VmRSS")


def _status(field: str) -> int | None:
    """A field of `/proc/self/status` in bytes; `resource` would hand down the parent's peak."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return None
    found = dict(line.split(":", 1) for line in lines)
    return 1024 * int(found[field].split()[0]) if field in found else None
