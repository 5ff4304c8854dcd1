"""How many times faster, with an interval; and the project's goals for the student on the device."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

_REPLICATES = 2000
_MAX_BYTES = 64 << 10
_MAX_ARENA = 256 << 10


@dataclass(frozen=True)
class Rival:
    """A file to measure, and how many times faster than it the int8 student is meant to be."""

    path: Path
    times_faster_goal: float | None


def speed_ratio(slower: list[float], faster: list[float]) -> dict[str, float]:
    """How many times faster one model is than another, from the medians of the rounds they took turns in.

    Args:
        slower, faster: milliseconds by round, of the same rounds.

    Returns:
        `value`, the median over rounds of the ratio within a round, and `low` and `high`, its 95 %
        percentile interval when rounds are drawn with replacement.
    """
    ratios = np.asarray(slower) / np.asarray(faster)
    drawn = np.random.default_rng(0).integers(0, len(ratios), (_REPLICATES, len(ratios)))
    low, high = np.percentile(np.median(ratios[drawn], axis=1), [2.5, 97.5])
    return {"value": float(np.median(ratios)), "low": float(low), "high": float(high)}


def add_speeds(models: dict[str, Any]) -> None:
    """Put `speed`, the ratio to the first model at the same number of threads, beside every latency."""
    reference = next(iter(models.values()))["latency_ms"]
    for model in models.values():
        for threads, times in model["latency_ms"].items():
            times["speed"] = speed_ratio(reference[threads]["rounds"], times["rounds"])


def check_goals(models: dict[str, Any]) -> list[dict[str, Any]]:
    """Hold the int8 student against its goals, as far as the models they name were measured.

    Args:
        models: `models` of a `benchmark.json`.

    Returns:
        For each goal `what`, `measured`, `goal` and whether it is `reached`; for ratios, at one thread,
        also `low` and `high`: a ratio is reached when the low end of its interval is.
    """
    student = next((model for model in models.values() if model["kind"] == "student-int8"), None)
    if student is None:
        return []
    goals = [_at_most("bytes of the file with its record", student["bytes"], _MAX_BYTES)]
    if student["arena_bytes"] is not None:
        goals.append(_at_most("bytes of arena in TensorFlow Lite Micro", student["arena_bytes"], _MAX_ARENA))
    for name, model in models.items():
        if model["times_faster_goal"] is not None:
            goals.append(_faster_than(name, model, student, model["times_faster_goal"]))
    return goals


def _at_most(what: str, measured: int, goal: int) -> dict[str, Any]:
    return {"what": what, "measured": measured, "goal": goal, "reached": measured <= goal}


def _faster_than(name: str, model: dict[str, Any], student: dict[str, Any], goal: float) -> dict[str, Any]:
    ratio = speed_ratio(model["latency_ms"]["threads_1"]["rounds"], student["latency_ms"]["threads_1"]["rounds"])
    found = {"what": f"times faster than {name}", "measured": ratio["value"], "goal": goal}
    return found | {"low": ratio["low"], "high": ratio["high"], "reached": ratio["low"] >= goal}
