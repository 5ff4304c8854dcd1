"""How long one answer takes, measured side by side in fresh processes."""

import contextlib
import multiprocessing
import os
import time
from pathlib import Path
from typing import Any

import numpy as np

from alzedge.export.scoring import load_scorer
from alzedge.phantoms import make_phantoms
from alzedge.progress import OnStep, Step, quiet

THREADS = (1, 2)
_ROUNDS = 10


def measure_latency(models: dict[str, Path], calls: int, on_step: OnStep = quiet) -> dict[str, dict[str, Any]]:
    """Time calls from a uint8 slice in memory to its probabilities, preprocessing included.

    Thread pools can be set only once per process, so each number of threads has a process
    of its own. Within it the models take turns in rounds, so that whatever else the machine
    does hits all alike.

    Args:
        models: files by name.
        calls: timed calls per model and number of threads, rounded up to tens; a tenth as many
            warm it up.
        on_step: told about every number of threads.

    Returns:
        By name: `threads_1` and `threads_2`, each with `p50` and `p95` in milliseconds.
    """
    context = multiprocessing.get_context("spawn")
    result: dict[str, dict[str, Any]] = {name: {} for name in models}
    for done, threads in enumerate(THREADS, start=1):
        with _environment(threads), context.Pool(1) as pool:
            times = pool.apply(time_models, (models, calls, threads))
        for name, milliseconds in times.items():
            p50, p95 = np.percentile(milliseconds, [50, 95])
            result[name][f"threads_{threads}"] = {"p50": float(p50), "p95": float(p95)}
        on_step(Step(done, len(THREADS), done, len(THREADS)))
    return result


def time_models(models: dict[str, Path], calls: int, threads: int) -> dict[str, list[float]]:
    """Milliseconds of each call by model; runs in a process of its own."""
    if any(path.suffix == ".keras" for path in models.values()):
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)
    scorers = {name: load_scorer(path, threads) for name, path in models.items()}
    slices = make_phantoms(4, 1).images
    times: dict[str, list[float]] = {name: [] for name in models}
    per_round = -(-calls // _ROUNDS)
    for _ in range(_ROUNDS):
        for name, score in scorers.items():
            for call in range(-max(1, per_round // 10), per_round):  # the calls below 0 warm up
                image = slices[call % len(slices)][np.newaxis]
                start = time.perf_counter()
                score(image)
                if call >= 0:
                    times[name].append(1000 * (time.perf_counter() - start))
    return times


@contextlib.contextmanager
def _environment(threads: int) -> Any:
    """Thread pools that are read from the environment when a library is loaded."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, str(threads)))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
