"""`alzedge gain`."""

from pathlib import Path

import click

from alzedge.commands.data_sets import check_data, load_source
from alzedge.commands.options import DATA_HELP, data_argument, recipe_option, seed_option


@click.command("gain", epilog=DATA_HELP)
@click.argument("first", type=click.Path(path_type=Path))
@click.argument("second", type=click.Path(path_type=Path))
@data_argument
@click.option("--markdown", is_flag=True, help="Print the table as Markdown.")
@recipe_option
@seed_option
def gain_command(
    first: Path, second: Path, data: tuple[str, ...], markdown: bool, recipe_name: str | None, seed: int | None
) -> None:
    """Print what SECOND gains over FIRST on the same people.

    Both are folders of `alzedge crossval`, for the answers of the int8 file, or predictions (.csv) in one. Printed
    are the areas under the ROC curve for any dementia and for CDR 1 or more, as they are and among people of similar age,
    of all people and of those of 60 and more, a source at a time; and their differences with paired 95 % intervals,
    in which both are asked about the same resamples of people. An interval that holds 0 proves nothing.

    \b
    alzedge gain runs/measure-crossval runs/demographics-crossval archive.zip --people oasis_cross-sectional.csv
    """
    from alzedge.utils.archives import check_source
    from alzedge.utils.extras import require

    require("export")
    for path in (first, second):
        check_source(path)
    check_data(data)
    source = load_source(data, recipe_name, seed)

    from alzedge.export.evaluate.gain import gain_of, gain_rows, predictions_in
    from alzedge.export.report.tables import markdown_rows
    from alzedge.utils.text_table import in_columns

    found = gain_of(predictions_in(first), predictions_in(second), source.dataset, source.recipe)
    rows = gain_rows(found)
    click.echo(f"first: {first}, second: {second}; 95 % intervals over people, of differences paired\n")
    click.echo(markdown_rows(rows) if markdown else in_columns(rows))
