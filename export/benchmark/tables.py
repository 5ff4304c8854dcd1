"""The benchmark as tables, for the screen, for Markdown and for spreadsheets."""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from alzedge.export.benchmark.results import Benchmark, Goal, MeasuredModel, OperatorTime
from alzedge.export.report.tables import BASELINES, markdown_rows, split_title
from alzedge.metrics.estimate import Estimate
from alzedge.metrics.evaluation import Evaluation
from alzedge.metrics.split_evaluation import SplitEvaluation
from alzedge.metrics.tasks import ANY_DEMENTIA, STAGES4
from alzedge.utils.text_table import Rows, in_columns


def speed_rows(benchmark: Benchmark) -> Rows:
    """Accuracy and latency: header, one row per model, the baselines.

    The first model is the reference of the speeds; models without figures come last.
    """
    splits = benchmark.splits
    header = ["model", "KiB"]
    for name in splits:
        header += [f"{split_title(name)}: accuracy", "dementia AUC"]
    rows = [[*header, "p50/p90/p95 ms, 1 thread", "2 threads", "speed, 1 thread"]]
    for name, model in benchmark.models.items():
        row = [name, _kib(model.footprint.bytes)]
        for split in splits.values():
            row += _accuracy_cells(split.models.get(name))
        one, two = model.latency[1], model.latency[2]
        times = [f"{t.p50:.2f}/{t.p90:.2f}/{t.p95:.2f}" for t in (one, two)]
        rows.append([*row, *times, _speed(one.speed)])
    for name, title in BASELINES.items():
        accuracies = [split.evaluated_on.baselines.get(name) for split in splits.values()]
        if not any(accuracies):
            continue  # on external data nothing was learned from
        cells = [cell for accuracy in accuracies for cell in ("" if accuracy is None else f"{accuracy:.3f}", "")]
        rows.append([title, "", *cells, "", "", ""])
    return rows


def size_rows(benchmark: Benchmark) -> Rows:
    """Needs of each model: header and one row per model."""
    rows = [
        [
            "model",
            "KiB",
            "gzip KiB",
            "parameters",
            "M multiply-adds",
            "arena KiB",
            "load ms",
            "first call ms",
            "memory MiB",
            "of it model",
        ]
    ]
    for name, model in benchmark.models.items():
        needs = model.footprint
        rows.append(
            [
                name,
                _kib(needs.bytes),
                _kib(needs.gzip_bytes),
                f"{needs.parameters:,}",
                f"{needs.multiply_adds / 1e6:.1f}",
                _kib(needs.arena_bytes),
                f"{needs.load_ms:.0f}",
                f"{needs.first_call_ms:.1f}",
                _mib(needs.memory_bytes.process),
                _mib(needs.memory_bytes.model),
            ]
        )
    return rows


def profile_rows(profile: Sequence[OperatorTime]) -> Rows:
    """Operators of one model: header and one row per operator."""
    rows = [[str(i), p.operator, f"{p.microseconds:.0f}", f"{p.share:.1%}"] for i, p in enumerate(profile, 1)]
    return [["", "operator", "microseconds", "share"], *rows]


def _kib(count: int | None) -> str:
    return "-" if count is None else f"{count / 1024:.0f}"


def _mib(count: int | None) -> str:
    return "-" if count is None else f"{count / 2**20:.1f}"


def _accuracy_cells(evaluation: Evaluation | None) -> list[str]:
    """Accuracy per slice, and AUC of any dementia per person where people are known."""
    if evaluation is None:
        return ["-", "-"]
    figures = evaluation.slice.figure(STAGES4, "accuracy"), evaluation.by_person.figure(ANY_DEMENTIA, "roc_auc")
    return ["-" if figure is None else figure.short() for figure in figures]


def table_notes(benchmark: Benchmark) -> list[str]:
    """Sentences that a reader must know beside the tables."""
    notes = [
        (
            "Accuracy: of four stages, per slice. Dementia AUC: any dementia against none, per person where people are "
            "known. In brackets the 95 % bootstrap interval over people, or over slices where people are unknown."
        ),
        (
            f"Latency: one slice in memory to its probabilities, preprocessing included, {benchmark.calls} calls after "
            "warm-up, models taking turns in rounds. Speed: how many times faster than the first row, the median over "
            "rounds of the ratio of their medians, in brackets its 95 % bootstrap interval over rounds."
        ),
        (
            "Load, first call and memory: once, in a process of its own that has loaded the runtime already; memory is "
            "the highest resident size of that process, and what of it came with the model. Arena: what "
            "TensorFlow Lite Micro fills of it, - where it cannot run the file. Multiply-adds: of convolutions and dense layers. Parameters: "
            "those of a .keras file include batch norm, which export folds into the convolutions."
        ),
        (
            "1-nearest neighbour: the stage of the training slice whose every fourth pixel correlates best; it knows "
            "nothing of dementia. Majority class: always the commonest training stage."
        ),
    ]
    if any(model.is_reference for model in benchmark.models.values()):
        notes.append(
            "Models without accuracy are reference models, which one would take instead, with random weights, one grey channel and four "
            "classes: MobileNetV3-Small, EfficientNet-Lite0, and SimCLRv2's ResNet-50 at its published width; the size "
            "of their input is in their names."
        )
    official = benchmark.splits.get("official")
    if official and official.evaluated_on.unseen_people is False:
        notes.append(
            "The official split tests on other slices of the people it trains on; it says nothing about new people. "
            "Its figures come from sister models, trained on the official training slices by the same recipe; size and "
            "latency are those of the models for unseen people."
        )
    return notes + [f"Goal for the int8 student: {_goal(goal)}" for goal in benchmark.goals]


def _speed(ratio: Estimate) -> str:
    digits = 0 if ratio.value >= 100 else 1 if ratio.value >= 1 else 3
    return ratio.text(f".{digits}f", to="-", unit="x")


def _goal(goal: Goal) -> str:
    verdict = "reached" if goal.reached else "not reached"
    if goal.ratio is not None:
        return f"{goal.what}: at least {goal.goal:g}x, measured {_speed(goal.ratio)}: {verdict}."
    return f"{goal.what}: at most {goal.goal:,}, measured {goal.measured:,}: {verdict}."


def text_table(benchmark: Benchmark) -> str:
    """Lay out the tables in columns, for a terminal."""
    tables = [in_columns(speed_rows(benchmark)), in_columns(size_rows(benchmark))]
    for name, profile in (benchmark.profiles or {}).items():
        tables.append(f"{name}, by operator:\n{in_columns(profile_rows(profile))}")
    return "\n\n".join([*tables, "\n".join(table_notes(benchmark))])


def markdown_table(benchmark: Benchmark) -> str:
    """Lay out the tables and their notes in Markdown."""
    tables = [markdown_rows(speed_rows(benchmark)), markdown_rows(size_rows(benchmark))]
    for name, profile in (benchmark.profiles or {}).items():
        tables.append(f"{name}, by operator:\n\n{markdown_rows(profile_rows(profile))}")
    return "\n\n".join([*tables, "\n".join(f"- {note}" for note in table_notes(benchmark))])


def csv_table(benchmark: Benchmark) -> str:
    """Write one row per model with every figure that is a number, unrounded, in the units of `benchmark.json`."""
    rows = [_flat_row(name, model, benchmark.splits) for name, model in benchmark.models.items()]
    header = list(dict.fromkeys(key for row in rows for key in row))  # reference models have no figures
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, header, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue()


def _flat_row(name: str, model: MeasuredModel, splits: dict[str, SplitEvaluation]) -> dict[str, Any]:
    row = {"model": name} | _flat(model.to_json(), "")
    for split, evaluated in splits.items():
        if name in evaluated.models:
            row |= _flat(evaluated.models[name].summary().to_json(), f"{split}.")
    return row


def _flat(entry: dict[str, Any], prefix: str) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in entry.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{prefix}{key}.")
        elif not isinstance(value, list):
            flat[f"{prefix}{key}"] = value
    return flat


def times_table(models: Mapping[str, MeasuredModel]) -> str:
    """Size, multiply-adds, memory and latency of models in columns, without figures on any data."""
    threads = sorted({number for model in models.values() for number in model.latency})
    rows: Rows = [
        ["model", "KiB", "million MACs", "process MiB", *(f"p50 ms, {n} thread{'s' * (n > 1)}" for n in threads)]
    ]
    for name, model in models.items():
        needs = model.footprint
        memory = "" if needs.memory_bytes.process is None else f"{needs.memory_bytes.process / 2**20:.0f}"
        latency = [f"{model.latency[n].p50:.3f}" for n in threads]
        rows.append([name, f"{needs.bytes / 1024:.0f}", f"{needs.multiply_adds / 1e6:.2f}", memory, *latency])
    return in_columns(rows)
