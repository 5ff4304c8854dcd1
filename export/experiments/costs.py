"""Costs of the networks that are compared: size, int8 latency and time of a training step.

By `python -m alzedge.export.experiments.costs --out costs.json`. Weights are random: they change neither size nor speed.
What is in the file already is not measured again.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from alzedge.export.experiments.table import load_experiments
from alzedge.runs.recipe import Recipe
from alzedge.utils.files import write_json
from alzedge.utils.fresh_process import in_process
from alzedge.utils.text_table import Rows

_GROUP = "networks"
_BATCH = 64
_STEPS = 3
_CALIBRATION = 20
_SECONDS = 5.0  # of timed calls for each latency
_LEAST_CALLS = 10


@dataclass(frozen=True)
class Cost:
    """Costs of one network, on one thread.

    Attributes:
        name: as the experiments call it.
        parameters: trained and kept by batch norm.
        int8_bytes: size of the quantized file.
        latency_ms: median of one slice in the quantized file.
        step_ms: median of a training step of 64 slices.
    """

    name: str
    parameters: int
    int8_bytes: int
    latency_ms: float
    step_ms: float


def measure_cost(name: str, recipe: Recipe) -> Cost:
    """Measure one network; for a process of its own."""
    import keras

    from alzedge.export.convert.probabilities import with_probabilities
    from alzedge.export.convert.tflite import to_int8
    from alzedge.teacher.finetune import build_teacher
    from alzedge.teacher.training.loop import set_seed
    from alzedge.teacher.training.optimizers import make_optimizer

    set_seed(0)
    shape = recipe.preprocessing.input_shape
    model = build_teacher(recipe, shape)
    images = np.random.default_rng(0).random((_BATCH, *shape), np.float32)
    flatbuffer = to_int8(with_probabilities(model), images[:_CALIBRATION])
    latency = _latency(flatbuffer, images[:1])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(make_optimizer(recipe.finetune, 1e-4), loss, jit_compile=False)
    labels = np.arange(_BATCH) % 4
    model.train_on_batch(images, labels)
    step = statistics.median(_timed(lambda: model.train_on_batch(images, labels)) for _ in range(_STEPS))
    return Cost(name, model.count_params(), len(flatbuffer), round(latency, 4), round(step, 1))


def cost_rows(costs: Sequence[Cost]) -> Rows:
    """Lay out costs: sizes, and speeds as multiples of the last network's, which is the reference."""
    reference = costs[-1]
    rows = [["network", "parameters, millions", "int8 file, MB", "int8 latency, times", "training step, times"]]
    for cost in costs:
        speeds = (cost.latency_ms / reference.latency_ms, cost.step_ms / reference.step_ms)
        sizes = (f"{cost.parameters / 1e6:.2f}", f"{cost.int8_bytes / 1e6:.2f}")
        rows.append([cost.name, *sizes, *(f"{times:.1f}" for times in speeds)])
    return rows


def _latency(flatbuffer: bytes, images: Any) -> float:
    """Median milliseconds of one slice on one thread."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=flatbuffer, num_threads=1)
    interpreter.allocate_tensors()
    entry = interpreter.get_input_details()[0]
    interpreter.set_tensor(entry["index"], images.astype(entry["dtype"]))
    end = time.perf_counter() + _SECONDS
    calls = [_timed(interpreter.invoke)]
    while time.perf_counter() < end or len(calls) < _LEAST_CALLS:
        calls.append(_timed(interpreter.invoke))
    return statistics.median(calls)


def _timed(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return 1000 * (time.perf_counter() - start)


def main() -> None:
    """Measure every network of the table once."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    out: Path = parser.parse_args().out
    costs = {cost["name"]: cost for cost in json.loads(out.read_text("utf-8"))} if out.exists() else {}
    networks = {one.labels[0]: one.recipe for one in load_experiments(None, None, (_GROUP,)) if "Adam" in one.labels}
    for name in [name for name in networks if name not in costs]:
        costs[name] = vars(in_process(1, measure_cost, name, networks[name]))
        write_json(out, [costs[one] for one in networks if one in costs])


if __name__ == "__main__":
    main()
