"""`alzedge agreement`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:  # a command refuses its arguments before NumPy is imported
    from alzedge.metrics.estimate import Estimate
    from alzedge.reporting.agreement import Agreement


@click.command("agreement")
@click.argument("first", type=click.Path(path_type=Path))
@click.argument("second", type=click.Path(path_type=Path))
@click.option("--seed", type=int, default=0, show_default=True, help="Of the resampling of people.")
def agreement_command(first: Path, second: Path, seed: int) -> None:
    """Compare two readers' labels of the same images.

    FIRST and SECOND are CSV files that two readers exported from the page. Images are matched by the hash of their
    pixels. Prints the share of equal stages, Cohen's kappa, and kappa weighted by the squared distance of
    stages, each with a 95 % interval over people; first of the blind readings, then of those after the model's answer.

    \b
    alzedge agreement anna.csv bert.csv
    """
    from alzedge.errors import UserError
    from alzedge.utils.extras import require

    for path in (first, second):
        if not path.is_file():
            raise UserError(f"{path}: no such file; check the path.")
    require("report")

    from alzedge.reporting.agreement import agreement
    from alzedge.reporting.labels import read_labels

    labels = [read_labels(path) for path in (first, second)]
    shown = False
    for blind, title in ((True, "blind"), (False, "after the model's answer")):
        if all(any(label.blind == blind for label in one) for one in labels):
            _show(agreement(labels[0], labels[1], blind, seed), title)
            shown = True
    if not shown:
        raise UserError(
            f"{first}, {second}: one has blind readings only and the other none; read alike and compare then."
        )


def _show(found: "Agreement", title: str) -> None:
    click.echo(
        f"{title}: {found.images} images of {found.people} people, {found.unjudged} more not judged by one reader"
    )
    click.echo(f"  same stage      {_interval(found.share)}")
    click.echo(f"  kappa           {_interval(found.kappa)}")
    click.echo(f"  weighted kappa  {_interval(found.weighted)}")
    click.echo("  stages by the first reader (rows) and the second (columns):")
    for row in found.table.tolist():
        click.echo("  " + "".join(f"{count:6}" for count in row))


def _interval(figure: "Estimate | None") -> str:
    if figure is None:
        return "not defined: both name one stage only"
    return f"{figure.value:.2f} (95% interval {figure.low:.2f} to {figure.high:.2f})"
