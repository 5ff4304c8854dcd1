"""`alzedge subjects`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from alzedge.data.dataset import DataSet


@click.command("subjects")
@click.argument("data", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--csv",
    "table",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write a subjects.csv; of the Kaggle archive with --people one row for each person instead.",
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
    data: tuple[Path, ...], table: Path | None, people: Path | None, volumes: Path | None, picture: Path | None
) -> None:
    """Name the person on each slice, and say who is in each part of the data.

    DATA is the Kaggle 4-class set as zip or folder. The archive's file names encode 200 people with 32 consecutive slices each. The proof is in the
    pixels: for each step from one slice to the next, the slice most similar to a person's
    slice, among everybody's next slices, must be the same person's. It runs on your copy. A copy that has lost the names is
    recognised by a table of perceptual hashes.

    These 200 people are people of OASIS-1. --people finds out which, from the images and OASIS-1's public table alone, and
    gives their age, sex, education, MMSE, CDR, eTIV and nWBV; people below a posterior of 0.9 are marked as not known.
    OASIS's identifiers are random: nobody is named by them.

    Of any other data set, AlzEdge learns the people from a file `subjects.csv` in its top folder,
    with the columns path (below the folder), subject, and optionally label, slice, split, scan, height, sex, age, education,
    mmse, etiv and nwbv; the table that --csv writes without --people has that form. OASIS-1's scans, prepared by
    `alzedge prepare`, have their people in their names. Several DATA are joined.

    Last comes a table of the balance: people, ages, sexes, stages and brain volumes in each side of the split, fold and source.

    \b
    alzedge subjects archive.zip --csv subjects.csv
    alzedge subjects archive.zip --people oasis_cross-sectional.csv --csv people.csv
    alzedge subjects archive.zip prepared --people oasis_cross-sectional.csv
    """
    from alzedge.utils.archives import check_source

    for source in data:
        check_source(source)
    if people is None and (volumes is not None or picture is not None):
        raise click.UsageError("--volumes and --picture go with --people; name OASIS-1's table too.")
    if people is not None:
        from alzedge.utils.extras import require

        require("audit")
        check_source(people)
    if table is not None and len(data) > 1:
        raise click.UsageError("--csv writes the table of one data set; name one.")

    from alzedge.commands.data_sets import join_parts
    from alzedge.data.summaries.balance import balance, balance_text

    told = [_tell(source, people, volumes, picture) for source in data]
    joined = join_parts([dataset for dataset, _ in told])
    click.echo(f"\n{joined.name}\n{balance_text(balance(joined))}")
    if table is not None:
        from alzedge.utils.files import write_text

        write_text(table, told[0][1])
        header, *rows = told[0][1].splitlines()
        click.echo(f"wrote {table}: {len(rows)} rows of {header}")


def _tell(source: Path, people: Path | None, volumes: Path | None, picture: Path | None) -> "tuple[DataSet, str]":
    """A data set with its people, and their table; what proves them is printed."""
    from alzedge.commands.progress_bars import show_items
    from alzedge.data.loading import load_dataset
    from alzedge.data.subjects_csv import subjects_csv
    from alzedge.data.summaries.kaggle_people import names_its_people, recover_subjects, summary

    if names_its_people(source):
        dataset = load_dataset(source, lambda items: show_items(items, "reading slices"), people)
        return dataset, subjects_csv(dataset)
    recovered = recover_subjects(source, lambda items: show_items(items, "reading slices"))
    click.echo(summary(recovered))
    if people is None:
        return recovered.dataset, subjects_csv(recovered.dataset)
    return _identify(recovered.dataset, people, volumes, picture)


def _identify(dataset: "DataSet", table: Path, volumes: Path | None, picture: Path | None) -> "tuple[DataSet, str]":
    """Find and prove the people, say so, and return the data set with them, and their table."""
    from alzedge.commands.progress_bars import show_steps
    from alzedge.data.people import identify
    from alzedge.data.people.linking import link_people
    from alzedge.data.people.table import read_people

    people = read_people(table)
    with show_steps("finding the people") as on_step:
        identified = identify.identify(dataset, people, volumes, on_step)
    click.echo(f"\n{identify.summary(identified)}")
    if picture is not None:
        from alzedge.data.people.picture import draw_proof

        draw_proof(identified.proof, picture)
        click.echo(f"wrote {picture}")
    return link_people(dataset, identified.recovery.matches), identify.people_csv(identified.recovery)
