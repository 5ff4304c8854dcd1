"""Results of a benchmark as frozen objects: the content of `benchmark.json`."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from alzedge.metrics.estimate import Estimate
from alzedge.metrics.split_evaluation import SplitEvaluation, reading


@dataclass(frozen=True)
class Latency:
    """Milliseconds of an answer, from a uint8 slice in memory to its probabilities, at one number of threads.

    Attributes:
        p50, p90, p95: percentiles of all calls.
        rounds: median of each round.
        speed: how many times faster than the first model of the benchmark.
    """

    p50: float
    p90: float
    p95: float
    rounds: tuple[float, ...]
    speed: Estimate

    @staticmethod
    def from_json(content: Mapping[str, Any]) -> "Latency":
        """Read a latency of `benchmark.json`."""
        p50, p90, p95 = (float(content[name]) for name in ("p50", "p90", "p95"))
        return Latency(p50, p90, p95, tuple(content["rounds"]), Estimate.from_json(content["speed"]))


@dataclass(frozen=True)
class Memory:
    """Highest resident bytes of a process that loads a model and answers; None where the system does not tell.

    Attributes:
        process: of the whole process.
        model: by how much that exceeds the memory before loading.
    """

    process: int | None
    model: int | None


@dataclass(frozen=True)
class Footprint:
    """Needs of one model when it is alone.

    Attributes:
        file: its name.
        kind: of the record.
        bytes, gzip_bytes: of the file, as it is and gzipped at level 9.
        multiply_adds, parameters: see `alzedge.export.benchmark.macs`.
        arena_bytes: in TensorFlow Lite Micro; None where that cannot run the file.
        load_ms: from the path to a model that can answer, its hash checked and its sandbox passed before.
        first_call_ms: of the first answer.
        memory_bytes: see `Memory`.
    """

    file: str
    kind: str
    bytes: int
    gzip_bytes: int
    multiply_adds: int
    parameters: int
    arena_bytes: int | None
    load_ms: float
    first_call_ms: float
    memory_bytes: Memory


@dataclass(frozen=True)
class MeasuredModel:
    """One model of a benchmark.

    Attributes:
        footprint: see there.
        latency: by number of threads.
        is_reference: True for a reference model, which has random weights and no figures; `rival` in the file.
        times_faster_goal: how many times faster than it the int8 student is meant to be, or None.
    """

    footprint: Footprint
    latency: dict[int, Latency]
    is_reference: bool = False
    times_faster_goal: float | None = None

    def to_json(self) -> dict[str, Any]:
        """One model of `benchmark.json`."""
        return {
            **asdict(self.footprint),
            "latency_ms": {
                f"threads_{threads}": asdict(latency) | {"rounds": list(latency.rounds)}
                for threads, latency in self.latency.items()
            },
            "rival": self.is_reference,
            "times_faster_goal": self.times_faster_goal,
        }

    @staticmethod
    def from_json(content: Mapping[str, Any]) -> "MeasuredModel":
        """Read what `to_json` wrote."""
        values = {field.name: content[field.name] for field in fields(Footprint)}
        footprint = Footprint(**values | {"memory_bytes": Memory(**content["memory_bytes"])})
        latency = {
            int(name.removeprefix("threads_")): Latency.from_json(latency)
            for name, latency in content["latency_ms"].items()
        }
        return MeasuredModel(footprint, latency, bool(content["rival"]), content["times_faster_goal"])


@dataclass(frozen=True)
class Goal:
    """A goal for the int8 student: at most `goal` bytes, or at least `goal` times faster.

    Attributes:
        what: is measured.
        measured: value, or ratio of speeds.
        goal: to reach.
        reached: True when it is; a ratio when the low end of its interval is.
        low, high: interval of a ratio.
    """

    what: str
    measured: float
    goal: float
    reached: bool
    low: float | None = None
    high: float | None = None

    @property
    def ratio(self) -> Estimate | None:
        """The ratio of speeds with its interval; None for bytes."""
        return None if self.low is None or self.high is None else Estimate(self.measured, self.low, self.high)

    def to_json(self) -> dict[str, Any]:
        """One goal of `benchmark.json`."""
        interval = {} if self.ratio is None else {"low": self.low, "high": self.high}
        return {"what": self.what, "measured": self.measured, "goal": self.goal, **interval, "reached": self.reached}


@dataclass(frozen=True)
class OperatorTime:
    """Time of one operator in LiteRT's profile.

    Attributes:
        operator: the kernel's name.
        microseconds: median over blocks of calls of the mean of a block.
        share: of the sum over all operators.
    """

    operator: str
    microseconds: float
    share: float


@dataclass(frozen=True)
class TrainingTime:
    """Wall-clock time that the training phases of a run took.

    Attributes:
        machine: operating system and processor.
        processors: number of them, None when unknown.
        seconds: by phase.
    """

    machine: str
    processors: int | None
    seconds: dict[str, float]


@dataclass(frozen=True)
class Benchmark:
    """Content of `benchmark.json`.

    Attributes:
        alzedge, python, machine: versions, operating system and processor.
        calls: timed calls per model and number of threads.
        models: by name, the reference of all speeds first.
        goals: of the int8 student, as far as the models they name were measured.
        splits: evaluations by split.
        training: of a run whose phases were timed.
        profiles: by model, operators in the order of execution; None in the benchmark of a run.
    """

    alzedge: str
    python: str
    machine: str
    calls: int
    models: dict[str, MeasuredModel]
    goals: tuple[Goal, ...]
    splits: dict[str, SplitEvaluation]
    training: TrainingTime | None = None
    profiles: dict[str, tuple[OperatorTime, ...]] | None = None

    def to_json(self) -> dict[str, Any]:
        """As the file holds it: a run's benchmark with `training`, another with `profiles`."""
        measured: dict[str, Any] = {"training": self.training and asdict(self.training)}
        if self.profiles is not None:
            measured = {
                "profiles": {name: [asdict(time) for time in times] for name, times in self.profiles.items()},
            }
        return {
            "alzedge": self.alzedge,
            "python": self.python,
            "machine": self.machine,
            "calls": self.calls,
            "models": {name: model.to_json() for name, model in self.models.items()},
            "goals": [goal.to_json() for goal in self.goals],
            "splits": {name: split.to_json() for name, split in self.splits.items()},
            **measured,
        }

    @staticmethod
    def from_json(content: Mapping[str, Any]) -> "Benchmark":
        """Read what `to_json` wrote.

        Raises:
            KeyError, TypeError, ValueError, AttributeError: something else.
        """
        training, profiles = content.get("training"), content.get("profiles")
        return Benchmark(
            alzedge=str(content["alzedge"]),
            python=str(content["python"]),
            machine=str(content["machine"]),
            calls=int(content["calls"]),
            models={name: MeasuredModel.from_json(model) for name, model in content["models"].items()},
            goals=tuple(Goal(**goal) for goal in content["goals"]),
            splits={name: SplitEvaluation.from_json(split) for name, split in content["splits"].items()},
            training=None if training is None else TrainingTime(**training),
            profiles=None
            if profiles is None
            else {name: tuple(OperatorTime(**time) for time in times) for name, times in profiles.items()},
        )


def read_benchmark(path: Path) -> Benchmark:
    """Read a `benchmark.json`.

    Raises:
        UserError: missing, or something else.
    """
    with reading(path, "benchmark.json", "name the one that `alzedge run` or `alzedge benchmark` wrote"):
        return Benchmark.from_json(json.loads(path.read_text()))
