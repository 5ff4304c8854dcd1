"""The benchmark as a table, for the screen and for Markdown."""

from typing import Any

FLOORS = {"nearest_neighbour": "1-nearest neighbour", "majority": "majority class"}
_SPLIT_TITLES = {"official": "official split", "subject": "unseen people", "random": "random slices"}


def split_title(name: str) -> str:
    """How tables and plots call a split."""
    return _SPLIT_TITLES[name]


def table_rows(benchmark: dict[str, Any]) -> list[list[str]]:
    """Header and one row per model of a `benchmark.json`; the first model is the reference."""
    splits = benchmark["splits"]
    header = ["model", "KiB"]
    for name in splits:
        header += [f"{split_title(name)}: accuracy", "dementia AUC"]
    header += ["p50/p95 ms, 1 thread", "2 threads", "speed"]
    reference = next(iter(benchmark["models"].values()))["latency_ms"]["threads_1"]["p50"]
    rows = [header]
    for name, model in benchmark["models"].items():
        row = [name, f"{model['bytes'] / 1024:.0f}"]
        for split in splits.values():
            row += _accuracy_cells(split["models"][name])
        one, two = (model["latency_ms"][f"threads_{n}"] for n in (1, 2))
        row += [f"{t['p50']:.2f}/{t['p95']:.2f}" for t in (one, two)]
        rows.append([*row, f"{reference / one['p50']:.1f}x"])
    for name, title in FLOORS.items():
        cells = [cell for split in splits.values() for cell in (f"{split['floors'][name]:.3f}", "")]
        rows.append([title, "", *cells, "", "", ""])
    return rows


def _accuracy_cells(figures: dict[str, Any]) -> list[str]:
    """Accuracy per slice, and AUC of any dementia per person where people are known."""
    return [
        _interval(figures["slice"]["accuracy"]),
        _interval(figures.get("person", figures["slice"])["any_dementia_auc"]),
    ]


def _interval(figure: dict[str, float] | None) -> str:
    if figure is None:
        return "-"
    return f"{figure['value']:.3f} ({figure['low']:.2f}-{figure['high']:.2f})"


def table_notes(benchmark: dict[str, Any]) -> list[str]:
    """What a reader must know beside the table."""
    notes = [
        (
            "Accuracy: of four stages, per slice. Dementia AUC: any dementia against none, per person where people are "
            "known. In brackets the 95 % bootstrap interval over people, or over slices where people are unknown."
        ),
        (
            f"Latency: one slice in memory to its probabilities, {benchmark['calls']} calls, models taking turns; "
            "speed is the first row's p50 divided by the row's, at 1 thread."
        ),
        (
            "1-nearest neighbour: the stage of the training slice whose every fourth pixel correlates best; it knows "
            "nothing of dementia. Majority class: always the commonest training stage."
        ),
    ]
    if benchmark["splits"].get("official", {}).get("unseen_people") is False:
        notes.append(
            "The official split tests on other slices of the people it trains on; it says nothing about new people. "
            "Its figures come from sister models, trained on the official training slices by the same recipe; size and "
            "latency are those of the models for unseen people."
        )
    return notes


def text_table(benchmark: dict[str, Any]) -> str:
    """The table in columns, for a terminal."""
    rows = table_rows(benchmark)
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join([*lines, "", *table_notes(benchmark)])


def markdown_table(benchmark: dict[str, Any]) -> str:
    """The table and its notes as Markdown."""
    header, *rows = ("| " + " | ".join(row) + " |" for row in table_rows(benchmark))
    rule = "|" + "---|" * len(table_rows(benchmark)[0])
    return "\n".join([header, rule, *rows, "", *(f"- {note}" for note in table_notes(benchmark))])
