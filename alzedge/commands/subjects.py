"""The command `subjects`."""

from pathlib import Path

import click


@click.command("subjects")
@click.argument("archive", type=click.Path(path_type=Path))
@click.option(
    "--csv", "table", type=click.Path(path_type=Path, dir_okay=False), help="Write path,label,subject,slice,split."
)
def subjects_command(archive: Path, table: Path | None) -> None:
    """Say who is on which slice of the Kaggle set.

    ARCHIVE is the Kaggle 4-class set as zip or folder. The archive's file names encode 200 people with 32 consecutive slices each. The proof is in the
    pixels: for each step from one slice to the next, the slice most similar to a person's
    slice, among everybody's next slices, must be the same person's. It runs on your copy.

    Of any other data set, AlzEdge learns the people from a file `subjects.csv` in its top folder,
    with the columns path (below the folder), subject, and optionally label, slice and split; the
    table that --csv writes has that form.

    \b
    alzedge subjects archive.zip --csv subjects.csv
    """
    from alzedge.commands.progress_bars import show_items
    from alzedge.data.subjects_csv import recover_subjects, subjects_csv, summary

    found = recover_subjects(archive, lambda entries: show_items(entries, "reading slices"))
    click.echo(summary(found))
    if table is not None:
        from alzedge.utils.files import write_text

        write_text(table, subjects_csv(found.dataset))
        click.echo(f"wrote {table}")
