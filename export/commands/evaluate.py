"""`alzedge evaluate`."""

from pathlib import Path
from typing import Any

import click

from alzedge.commands.options import DATA_HELP, load_source, out_option, output_folder, recipe_option, seed_option

_SPLITS = ("official", "subject", "random", "crossval")


@click.command("evaluate", epilog=DATA_HELP)
@click.argument("models", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.argument("data")
@click.option(
    "--split",
    "splits",
    multiple=True,
    type=click.Choice(_SPLITS),
    help="What to test on; may be repeated. Default: all that DATA and MODELS allow.",
)
@click.option("--teacher", type=click.Path(path_type=Path), help="Also say how far the others agree with this one.")
@out_option("runs/DATA-evaluation")
@recipe_option
@seed_option
def evaluate_command(
    models: tuple[Path, ...],
    data: str,
    splits: tuple[str, ...],
    teacher: Path | None,
    out: Path | None,
    recipe_name: str | None,
    seed: int | None,
) -> None:
    """Say what models are worth, on the official split and on unseen people.

    MODELS are .keras, .tflite and .onnx files made from DATA, or .csv files of predictions that `alzedge crossval`
    pooled. Figures are per slice and per person, for four stages, three, any dementia, and CDR 1 or more; each with
    its 95 % interval over people. Who a model has seen is read from its file: on unseen people a model is judged only if it
    was trained without them. Writes OUT/metrics.json, report.html and report.md.

    \b
    alzedge evaluate runs/archive/student_int8.tflite archive.zip --teacher runs/archive/subject/teacher.keras
    """
    from alzedge.data.predictions import Predictions
    from alzedge.model_file.read_write import read_record
    from alzedge.utils.extras import require
    from alzedge.utils.files import check_own_folder

    require("export")
    folder = output_folder(out, "runs/DATA-evaluation", data)
    check_own_folder(folder, "evaluate")
    paths = [*([teacher] if teacher else []), *models]
    for path in paths:  # refuse a file that is not ours before any long work
        if path.suffix == ".csv":
            Predictions.load(path)
        else:
            read_record(path)
    source = load_source(data, recipe_name, seed)

    from alzedge.export.evaluate.evaluate_files import evaluate_files

    found = evaluate_files(paths, source.dataset, source.recipe, folder, splits, teacher)
    click.echo(f"\n{glance(found)}")
    click.echo(f"\nwrote {folder}: report.html, report.md, metrics.json")


def glance(splits: dict[str, Any]) -> str:
    """The headlines and what they may claim, in columns."""
    from alzedge.export.report.sections import claims_table, glance_table
    from alzedge.export.report.tables import text_rows

    return f"{text_rows(glance_table(splits).rows)}\n\n{text_rows(claims_table(splits).rows)}"
