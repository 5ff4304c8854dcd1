"""Ratios of speed with intervals, and the project's goals for the student on the device."""

from collections.abc import Mapping, Sequence

import numpy as np

from alzedge.export.benchmark.results import Goal, MeasuredModel
from alzedge.metrics.estimate import Estimate

_REPLICATES = 2000
_MAX_BYTES = 64 << 10
_MAX_ARENA = 256 << 10


def speed_ratio(slower: Sequence[float], faster: Sequence[float]) -> Estimate:
    """Ratio of the speeds of two models, from the medians of the rounds they took turns in.

    Args:
        slower, faster: milliseconds by round, of the same rounds.

    Returns:
        The median over rounds of the ratio within a round, with its 95 % percentile interval when rounds are drawn with
        replacement.
    """
    ratios = np.asarray(slower) / np.asarray(faster)
    drawn = np.random.default_rng(0).integers(0, len(ratios), (_REPLICATES, len(ratios)))
    low, high = np.percentile(np.median(ratios[drawn], axis=1), [2.5, 97.5])
    return Estimate(float(np.median(ratios)), float(low), float(high))


def check_goals(models: Mapping[str, MeasuredModel]) -> tuple[Goal, ...]:
    """Hold the int8 student against its goals, as far as the models they name were measured."""
    student = next((model for model in models.values() if model.footprint.kind == "student-int8"), None)
    if student is None:
        return ()
    goals = [_at_most("bytes of the file with its record", student.footprint.bytes, _MAX_BYTES)]
    if student.footprint.arena_bytes is not None:
        goals.append(_at_most("bytes of arena in TensorFlow Lite Micro", student.footprint.arena_bytes, _MAX_ARENA))
    for name, model in models.items():
        if model.times_faster_goal is not None:
            goals.append(_faster_than(name, model, student, model.times_faster_goal))
    return tuple(goals)


def _at_most(what: str, measured: int, goal: int) -> Goal:
    return Goal(what, measured, goal, measured <= goal)


def _faster_than(name: str, model: MeasuredModel, student: MeasuredModel, goal: float) -> Goal:
    ratio = speed_ratio(model.latency[1].rounds, student.latency[1].rounds)
    return Goal(f"times faster than {name}", ratio.value, goal, ratio.low >= goal, ratio.low, ratio.high)
