"""`alzedge drift`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from alzedge.monitoring.drift import Drift

_DRIFTED = 1


@click.command("drift")
@click.argument("logs", metavar="LOG...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--reference", type=click.Path(path_type=Path), required=True, help="A stats.pb made by `alzedge stats`.")
@click.option("--html", type=click.Path(path_type=Path, dir_okay=False), help="Write a page with plots.")
@click.option("--json", "document", type=click.Path(path_type=Path, dir_okay=False), help="Write all numbers as JSON.")
def drift_command(logs: tuple[Path, ...], reference: Path, html: Path | None, document: Path | None) -> int:
    """Say whether the people who came in are like those of a reference.

    LOG is what `alzedge predict --log` or `alzedge demo --log` wrote; several are joined. Each feature of the pictures and
    each answer is compared over people, never over slices, by a permutation test, corrected for their number: people who do
    not differ raise an alarm in 5 % of comparisons at most. The size of each difference stands beside it.

    At least 20 people are needed on each side. The exit code is 0 where nothing has drifted, 1 where something has, and 2
    where there is nothing to compare.

    \b
    alzedge drift --reference stats/stats.pb answers.jsonl
    alzedge drift --reference stats/stats.pb answers.jsonl answers.jsonl.1 --html drift.html
    """
    from alzedge.errors import UserError
    from alzedge.utils.extras import require

    if not reference.is_file():
        raise UserError(f"{reference}: no such file; make it with `alzedge stats DATA`.")
    for path in logs:
        if not path.is_file():
            raise UserError(f"{path}: no such log; `alzedge predict --log` and `alzedge demo --log` write one.")
    require("mlops")

    from alzedge.monitoring.drift import find_drift
    from alzedge.monitoring.log import read_logs
    from alzedge.monitoring.pages.drift_page import drift_page
    from alzedge.monitoring.statistics import read_statistics
    from alzedge.utils.files import write_json, write_text

    statistics, new = read_statistics(reference), read_logs(logs)
    drift = find_drift(statistics, new)
    _show(drift)
    if document is not None:
        write_json(document, drift.to_json())
    if html is not None:
        assert statistics.people is not None and new.people is not None
        values = {name: one.quantiles for name, one in statistics.people.numbers.items()}
        write_text(html, drift_page(drift, new.name, values, new.people.numbers))
    return _DRIFTED if drift.drifted else 0


def _show(drift: "Drift") -> None:
    from alzedge.monitoring.pages.words import mean_text, number_text, p_text, power_sentence, verdict
    from alzedge.monitoring.quantities import NUMBERS
    from alzedge.utils.text_table import in_columns

    rows = [["feature", "reference", "new", "shift in SD", "Cliff's delta", "P, corrected", ""]]
    for name, one in drift.features.items():
        sides = [mean_text(one.mean, one.spread), mean_text(one.new_mean, one.new_spread)]
        sizes = [number_text(one.effect.shift), f"{number_text(one.effect.delta)} {one.effect.word}"]
        rows.append([NUMBERS[name].title, *sides, *sizes, p_text(one.adjusted), "drifted" if one.drifted else ""])
    click.echo(in_columns(rows))
    for name, why in drift.left_out.items():
        click.echo(f"{NUMBERS[name].title} is not compared: {why}")
    click.echo(f"{drift.new} new people against {drift.people}. {power_sentence(drift)}")
    click.echo(verdict(drift))
