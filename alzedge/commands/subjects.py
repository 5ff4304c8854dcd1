"""`alzedge subjects`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from alzedge.data.dataset import DataSet


@click.command("subjects")
@click.argument("archive", type=click.Path(path_type=Path))
@click.option(
    "--csv",
    "table",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write path,label,subject,slice,split; with --people one row for each person.",
)
@click.option(
    "--people",
    type=click.Path(path_type=Path, dir_okay=False),
    help="OASIS-1's table, oasis_cross-sectional.csv: find out which of its people the subjects are.",
)
@click.option(
    "--volumes",
    type=click.Path(path_type=Path, file_okay=False),
    help="With --people: a folder of OASIS-1's scans, for a second proof by pixels (minutes).",
)
@click.option(
    "--picture",
    type=click.Path(path_type=Path, dir_okay=False),
    help="With --people: draw the proof as a PNG file.",
)
def subjects_command(
    archive: Path, table: Path | None, people: Path | None, volumes: Path | None, picture: Path | None
) -> None:
    """Name the person on each slice of the Kaggle set.

    ARCHIVE is the Kaggle 4-class set as zip or folder. The archive's file names encode 200 people with 32 consecutive slices each. The proof is in the
    pixels: for each step from one slice to the next, the slice most similar to a person's
    slice, among everybody's next slices, must be the same person's. It runs on your copy.

    These 200 people are people of OASIS-1. --people finds out which, from the images and OASIS-1's public table alone, and
    gives their age, sex, education, MMSE, CDR, eTIV and nWBV; people below a posterior of 0.9 are marked as not known.
    OASIS's identifiers are random: nobody is named by them.

    Of any other data set, AlzEdge learns the people from a file `subjects.csv` in its top folder,
    with the columns path (below the folder), subject, and optionally label, slice and split; the
    table that --csv writes without --people has that form.

    \b
    alzedge subjects archive.zip --csv subjects.csv
    alzedge subjects archive.zip --people oasis_cross-sectional.csv --csv people.csv
    """
    from alzedge.utils.archives import check_source

    check_source(archive)
    if people is None and (volumes is not None or picture is not None):
        raise click.UsageError("--volumes and --picture go with --people; name OASIS-1's table too.")
    if people is not None:
        from alzedge.utils.extras import require

        require("audit")
        check_source(people)

    from alzedge.commands.progress_bars import show_items
    from alzedge.data.subjects_csv import subjects_csv
    from alzedge.data.summaries.kaggle_people import recover_subjects, summary

    recovered = recover_subjects(archive, lambda entries: show_items(entries, "reading slices"))
    click.echo(summary(recovered))
    text = subjects_csv(recovered.dataset) if people is None else _identify(recovered.dataset, people, volumes, picture)
    if table is not None:
        from alzedge.utils.files import write_text

        write_text(table, text)
        click.echo(f"wrote {table}")


def _identify(dataset: "DataSet", table: Path, volumes: Path | None, picture: Path | None) -> str:
    """Find and prove the people, say so, and return their table."""
    from alzedge.commands.progress_bars import show_steps
    from alzedge.data.people import identify
    from alzedge.data.people.table import read_people

    people = read_people(table)
    with show_steps("finding the people") as on_step:
        identified = identify.identify(dataset, people, volumes, on_step)
    click.echo(f"\n{identify.summary(identified)}")
    if picture is not None:
        from alzedge.data.people.picture import draw_proof

        draw_proof(identified.proof, picture)
        click.echo(f"wrote {picture}")
    return identify.people_csv(identified.recovery)
