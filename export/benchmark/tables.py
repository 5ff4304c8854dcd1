"""The benchmark as tables, for the screen, for Markdown and for spreadsheets."""

import csv
import io
from typing import Any

from alzedge.export.report.tables import FLOORS, Rows, markdown_rows, split_title, text_rows
from alzedge.metrics.classification import summary


def speed_rows(benchmark: dict[str, Any]) -> Rows:
    """Accuracy and latency: header, one row per model of a `benchmark.json`, the floors.

    The first model is the reference of the speeds; models without figures come last.
    """
    splits = benchmark["splits"]
    header = ["model", "KiB"]
    for name in splits:
        header += [f"{split_title(name)}: accuracy", "dementia AUC"]
    rows = [[*header, "p50/p90/p95 ms, 1 thread", "2 threads", "speed, 1 thread"]]
    for name, model in benchmark["models"].items():
        row = [name, _kib(model["bytes"])]
        for split in splits.values():
            row += _accuracy_cells(split["models"].get(name))
        one, two = (model["latency_ms"][f"threads_{n}"] for n in (1, 2))
        speed = _speed(one["speed"])
        rows.append([*row, *(f"{t['p50']:.2f}/{t['p90']:.2f}/{t['p95']:.2f}" for t in (one, two)), speed])
    for name, title in FLOORS.items():
        cells = [cell for split in splits.values() for cell in (f"{split['floors'][name]:.3f}", "")]
        rows.append([title, "", *cells, "", "", ""])
    return rows


def size_rows(benchmark: dict[str, Any]) -> Rows:
    """What each model needs: header and one row per model of a `benchmark.json`."""
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
    for name, model in benchmark["models"].items():
        memory = model["memory_bytes"]
        rows.append(
            [
                name,
                _kib(model["bytes"]),
                _kib(model["gzip_bytes"]),
                f"{model['parameters']:,}",
                f"{model['multiply_adds'] / 1e6:.1f}",
                _kib(model["arena_bytes"]),
                f"{model['load_ms']:.0f}",
                f"{model['first_call_ms']:.1f}",
                _mib(memory["process"]),
                _mib(memory["model"]),
            ]
        )
    return rows


def profile_rows(profile: list[dict[str, Any]]) -> Rows:
    """One model of `profiles` of a `benchmark.json`: header and one row per operator."""
    rows = [[str(i), p["operator"], f"{p['microseconds']:.0f}", f"{p['share']:.1%}"] for i, p in enumerate(profile, 1)]
    return [["", "operator", "microseconds", "share"], *rows]


def _kib(count: int | None) -> str:
    return "-" if count is None else f"{count / 1024:.0f}"


def _mib(count: int | None) -> str:
    return "-" if count is None else f"{count / 2**20:.1f}"


def _accuracy_cells(figures: dict[str, Any] | None) -> list[str]:
    """Accuracy per slice, and AUC of any dementia per person where people are known."""
    if figures is None:
        return ["-", "-"]
    return [
        _interval(figures["slice"]["stages4"]["accuracy"]),
        _interval(figures.get("person", figures["slice"])["any_dementia"]["roc_auc"]),
    ]


def _interval(figure: dict[str, float] | None) -> str:
    if figure is None:
        return "-"
    return f"{figure['value']:.3f} ({figure['low']:.2f}-{figure['high']:.2f})"


def table_notes(benchmark: dict[str, Any]) -> list[str]:
    """What a reader must know beside the tables."""
    notes = [
        (
            "Accuracy: of four stages, per slice. Dementia AUC: any dementia against none, per person where people are "
            "known. In brackets the 95 % bootstrap interval over people, or over slices where people are unknown."
        ),
        (
            f"Latency: one slice in memory to its probabilities, preprocessing included, {benchmark['calls']} calls after "
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
    if any(model["rival"] for model in benchmark["models"].values()):
        notes.append(
            "Models without accuracy are what one would pick instead, with random weights, one grey channel and four "
            "classes: MobileNetV3-Small, EfficientNet-Lite0, and SimCLRv2's ResNet-50 at its published width; the size "
            "of their input is in their names."
        )
    if benchmark["splits"].get("official", {}).get("unseen_people") is False:
        notes.append(
            "The official split tests on other slices of the people it trains on; it says nothing about new people. "
            "Its figures come from sister models, trained on the official training slices by the same recipe; size and "
            "latency are those of the models for unseen people."
        )
    return notes + [f"Goal for the int8 student: {_goal(goal)}" for goal in benchmark["goals"]]


def _speed(ratio: dict[str, float]) -> str:
    digits = 0 if ratio["value"] >= 100 else 1 if ratio["value"] >= 1 else 3
    return f"{ratio['value']:.{digits}f}x ({ratio['low']:.{digits}f}-{ratio['high']:.{digits}f})"


def _goal(goal: dict[str, Any]) -> str:
    verdict = "reached" if goal["reached"] else "not reached"
    if "low" in goal:
        found = _speed({"value": goal["measured"], "low": goal["low"], "high": goal["high"]})
        return f"{goal['what']}: at least {goal['goal']:g}x, measured {found}: {verdict}."
    return f"{goal['what']}: at most {goal['goal']:,}, measured {goal['measured']:,}: {verdict}."


def text_table(benchmark: dict[str, Any]) -> str:
    """The tables in columns, for a terminal."""
    tables = [text_rows(speed_rows(benchmark)), text_rows(size_rows(benchmark))]
    for name, profile in benchmark.get("profiles", {}).items():
        tables.append(f"{name}, by operator:\n{text_rows(profile_rows(profile))}")
    return "\n\n".join([*tables, "\n".join(table_notes(benchmark))])


def markdown_table(benchmark: dict[str, Any]) -> str:
    """The tables and their notes as Markdown."""
    tables = [markdown_rows(speed_rows(benchmark)), markdown_rows(size_rows(benchmark))]
    for name, profile in benchmark.get("profiles", {}).items():
        tables.append(f"{name}, by operator:\n\n{markdown_rows(profile_rows(profile))}")
    return "\n\n".join([*tables, "\n".join(f"- {note}" for note in table_notes(benchmark))])


def csv_table(benchmark: dict[str, Any]) -> str:
    """One row per model with every figure that is a number, unrounded, in the units of `benchmark.json`."""
    rows = [_flat_row(name, model, benchmark["splits"]) for name, model in benchmark["models"].items()]
    header = list(dict.fromkeys(key for row in rows for key in row))  # rivals have no figures
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, header, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue()


def _flat_row(name: str, model: dict[str, Any], splits: dict[str, Any]) -> dict[str, Any]:
    row = {"model": name} | _flat(model, "")
    for split, found in splits.items():
        for level, figures in summary(found["models"].get(name, {})).items():
            row |= _flat(figures, f"{split}.{level}.")
    return row


def _flat(entry: dict[str, Any], prefix: str) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in entry.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{prefix}{key}.")
        elif not isinstance(value, list):
            flat[f"{prefix}{key}"] = value
    return flat
