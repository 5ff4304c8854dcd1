"""Figures of a running server for Prometheus: counts and histograms, and nothing of anybody.

No label and no value comes from a visitor: not a name, not an address, not an age. Features of images are those of
`alzedge.monitoring.features`, of a sample.
"""

import math
import time
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from alzedge import __version__
from alzedge.inference.answer import Answer
from alzedge.model_file.read_write import Record
from alzedge.monitoring.features import FEATURES, image_features
from alzedge.stages import STAGES

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 90)
_UNLIKENESS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.5, 2, 5, 10, 100)
_SHARES = tuple(round(0.05 * step, 2) for step in range(1, 21))
_BUCKETS = {
    "brightness": tuple(range(16, 256, 16)),
    "contrast": tuple(range(8, 128, 8)),
    "sharpness": (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1, 1.5, 2, 4),
    "noise": (0.5, 1, 1.5, 2, 3, 4, 6, 8, 12, 16, 32),
    "centre_row": tuple(range(60, 150, 6)),
    "centre_column": tuple(range(50, 130, 6)),
}
# One slice of all is measured this often, which takes a millisecond.
_FEATURES_EVERY = 0.5


class Metrics:
    """All figures of one server.

    Args:
        record: of the model.
        waiting: tells how many questions wait for their turn.

    Raises:
        ImportError: prometheus-client is not installed.
    """

    def __init__(self, record: Record, waiting: Callable[[], int]) -> None:
        from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, ProcessCollector

        self._registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self._requests = Counter("alzedge_requests", "Requests.", ["route", "status"], registry=registry)
        self._seconds = Histogram(
            "alzedge_request_seconds", "Time to the end of an answer.", ["route"], registry=registry, buckets=_SECONDS
        )
        answers = Counter(
            "alzedge_answers", "Slices answered, by the most probable stage.", ["stage"], registry=registry
        )
        self._answers = {stage: answers.labels(stage) for stage in STAGES}
        self._refusals = Counter("alzedge_refusals", "Slices that the guard refused.", registry=registry)
        self._unlikeness = Histogram(
            "alzedge_unlikeness", "The guard's unlikeness, above 1 is refused.", registry=registry, buckets=_UNLIKENESS
        )
        self._dementia = Histogram(
            "alzedge_any_dementia", "Score for any dementia of a slice.", registry=registry, buckets=_SHARES
        )
        self._features = {
            name: Histogram(
                f"alzedge_image_{name}",
                f"Feature {name} of a sample of slices.",
                registry=registry,
                buckets=_BUCKETS.get(name, _SHARES),
            )
            for name in FEATURES
        }
        Gauge("alzedge_questions_waiting", "Questions that wait for their turn.", registry=registry).set_function(
            waiting
        )
        about = {"version": __version__, "kind": str(record["kind"]), "sha256": str(record["sha256"])}
        Info("alzedge_model", "The model that answers.", registry=registry).info(about)
        self._next_features = 0.0

    def count_request(self, route: str, status: int, seconds: float | None) -> None:
        """Count a request.

        Args:
            route: one of a few names.
            status: of HTTP.
            seconds: it took; None for one that stays open.
        """
        self._requests.labels(route, str(status)).inc()
        if seconds is not None:
            self._seconds.labels(route).observe(seconds)

    def count_answers(self, images: NDArray[np.uint8], answers: Sequence[Answer]) -> None:
        """Count answers for slices, uint8 (N, 208, 176), and measure one of the slices now and then."""
        for answer in answers:
            if answer.unlikeness is not None:
                self._unlikeness.observe(answer.unlikeness)
            if answer.stage is None or answer.any_dementia is None:
                self._refusals.inc()
            else:
                self._answers[answer.stage].inc()
                self._dementia.observe(answer.any_dementia.value)
        now = time.monotonic()
        if len(images) and now >= self._next_features:
            self._next_features = now + _FEATURES_EVERY
            for name, value in zip(FEATURES, image_features(images[:1]).values[0].tolist(), strict=True):
                if math.isfinite(value):  # an empty slice has no such value
                    self._features[name].observe(value)

    def text(self) -> bytes:
        """All figures in Prometheus' text format."""
        from prometheus_client import generate_latest

        return generate_latest(self._registry)
