"""Bulk answers on Ray, for those who outgrow one machine."""

import logging
import os
import pickle
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from alzedge.inference.answering import Result, Workload, answerer
from alzedge.inference.inputs import Item
from alzedge.utils.extras import require


def answer_on_ray(chunks: Iterable[list[Item]], workload: Workload) -> Iterator[Result]:
    """Answer for chunks with Ray Data and up to `workload.jobs` actors; results come in the order of the items.

    Uses the cluster that `RAY_ADDRESS` names, else starts Ray on this machine for the time
    being. Names of items, not pixels, travel: every machine must see the files, and the model,
    under the same paths. The list of items is held in memory.

    Raises:
        UserError: Ray is missing.
    """
    require("ray")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing about a user's data leaves unasked
    import ray
    import ray.data

    ours = not ray.is_initialized()
    if ours:
        ray.init(include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
    try:
        _configure(ray.data.DataContext.get_current())
        dataset = ray.data.from_items([{"chunk": pickle.dumps(chunk)} for chunk in chunks])
        answered = dataset.map_batches(
            _Actor,
            fn_constructor_args=(workload,),
            batch_size=1,
            num_cpus=workload.threads,
            compute=ray.data.ActorPoolStrategy(min_size=1, max_size=workload.jobs),
        )
        for row in answered.iter_rows():
            yield from pickle.loads(row["results"])
    finally:
        if ours:
            ray.shutdown()


class _Actor:
    """Lives on the cluster and loads the model once."""

    def __init__(self, workload: Workload) -> None:
        self._answer = answerer(workload)

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        results = [pickle.dumps(self._answer(pickle.loads(chunk))) for chunk in batch["chunk"]]
        return {"results": np.array(results, object)}


def _configure(context: Any) -> None:
    context.execution_options.preserve_order = True
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)
