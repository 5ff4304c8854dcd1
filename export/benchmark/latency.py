"""Latency of models, measured side by side, and the needs of each when it is alone."""

import contextlib
import gzip
import importlib
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from alzedge.data.phantom_set import make_phantoms
from alzedge.export.benchmark.macs import count_cost
from alzedge.export.benchmark.micro import arena_bytes
from alzedge.export.benchmark.results import Footprint, Latency, MeasuredModel, Memory
from alzedge.export.benchmark.speedup import speed_ratio
from alzedge.export.evaluate.scoring import load_scorer
from alzedge.inference.sandbox import load_interpreter
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

# Milliseconds of each call, by round.
Rounds = list[list[float]]


def measure_models(models: Mapping[str, Path], calls: int, on_step: OnStep = quiet) -> dict[str, MeasuredModel]:
    """Measure everything but accuracy: each model alone, then all side by side.

    Args:
        models: files by name, the reference of all speeds first.
        calls: timed calls per model and number of threads, rounded up to tens; a tenth as many
            warm it up.
        on_step: called after every model and every number of threads.

    Raises:
        UserError: a file that the runtime cannot run.
    """
    steps = len(models) + len(THREADS)
    footprints: dict[str, Footprint] = {}
    for name, path in models.items():
        if path.suffix.lower() != ".keras":
            load_interpreter(path)  # an unknown file is tried first, which must not be timed as loading
        footprints[name] = in_process(1, measure_alone, path)
        on_step(Step(len(footprints), steps, len(footprints), steps))
    latencies: dict[int, dict[str, Latency]] = {}
    for done, threads in enumerate(THREADS, start=len(models) + 1):
        latencies[threads] = _latencies(in_process(threads, time_models, models, calls, threads))
        on_step(Step(done, steps, done, steps))
    return {
        name: MeasuredModel(footprint, {threads: by_name[name] for threads, by_name in latencies.items()})
        for name, footprint in footprints.items()
    }


def measure_alone(path: Path) -> Footprint:
    """Measure what one model needs; for a process of its own.

    The runtime (LiteRT, TensorFlow, onnxruntime) is imported first and is not counted in the times, nor is the sandbox
    in which an unknown file is tried (see `alzedge.inference.sandbox`).
    """
    with contextlib.suppress(ImportError):  # loading says what is missing
        for module in _RUNTIMES.get(path.suffix.lower(), ()):
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
    return Footprint(
        file=path.name,
        kind=read_record(path)["kind"],
        bytes=path.stat().st_size,
        gzip_bytes=len(gzip.compress(path.read_bytes(), 9, mtime=0)),
        multiply_adds=cost.multiply_adds,
        parameters=cost.parameters,
        arena_bytes=arena_bytes(read_tflite(path)[0]) if path.suffix.lower() == ".tflite" else None,
        load_ms=1000 * (loaded - start),
        first_call_ms=1000 * (answered - loaded),
        memory_bytes=Memory(peak, None if peak is None or before is None else peak - before),
    )


def time_models(models: Mapping[str, Path], calls: int, threads: int) -> dict[str, Rounds]:
    """Time calls from a uint8 slice in memory to its probabilities, preprocessing included.

    For a process of its own. The models take turns in rounds, so that whatever else the machine
    does hits all alike.

    Returns:
        Milliseconds by name of the model.
    """
    if any(path.suffix.lower() == ".keras" for path in models.values()):
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)
    slices = make_phantoms(4, 1).images
    scorers = {name: load_scorer(path, threads) for name, path in models.items()}
    times: dict[str, Rounds] = {name: [] for name in models}
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


def _latencies(rounds: Mapping[str, Rounds]) -> dict[str, Latency]:
    """Percentiles of each model, and its speed relative to the first."""
    medians = {name: tuple(float(np.median(one)) for one in of_model) for name, of_model in rounds.items()}
    reference = next(iter(medians.values()))
    return {
        name: Latency(*_percentiles(rounds[name]), of_rounds, speed_ratio(reference, of_rounds))
        for name, of_rounds in medians.items()
    }


def _percentiles(rounds: Rounds) -> tuple[float, float, float]:
    p50, p90, p95 = np.percentile(np.concatenate(rounds), [50, 90, 95])
    return float(p50), float(p90), float(p95)


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
    entries = dict(line.split(":", 1) for line in lines)
    return 1024 * int(entries[field].split()[0]) if field in entries else None
