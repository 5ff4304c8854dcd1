"""`alzedge evaluate`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from alzedge.commands.options import (
    DATA_HELP,
    check_data,
    load_source,
    out_option,
    output_folder,
    people_option,
    recipe_option,
    seed_option,
)

if TYPE_CHECKING:
    from alzedge.metrics.split_evaluation import SplitEvaluation

_MODELS = (".keras", ".tflite", ".onnx", ".csv")
_SPLITS = ("official", "subject", "random", "crossval")


@click.command("evaluate", epilog=DATA_HELP)
@click.argument("files", metavar="MODELS... DATA...", nargs=-1, required=True)
@people_option
@click.option(
    "--split",
    "splits",
    multiple=True,
    type=click.Choice(_SPLITS),
    help="Slices to test on; may be repeated. Default: all that DATA and MODELS allow.",
)
@click.option("--teacher", type=click.Path(path_type=Path), help="Also measure how far the others agree with this one.")
@out_option("runs/DATA-evaluation")
@recipe_option
@seed_option
def evaluate_command(
    files: tuple[str, ...],
    splits: tuple[str, ...],
    teacher: Path | None,
    out: Path | None,
    recipe_name: str | None,
    seed: int | None,
) -> None:
    """Evaluate models, on the official split and on unseen people.

    MODELS are .keras, .tflite and .onnx files made from DATA, or .csv files of predictions that `alzedge crossval`
    pooled. Figures are per slice and per person, for four stages, three, any dementia, and CDR 1 or more; each with
    its 95 % interval over people. The people that trained a model are read from its file: on unseen people a model is evaluated only if it
    was trained without them. Writes OUT/metrics.json, report.html and report.md.

    \b
    alzedge evaluate runs/archive/student_int8.tflite archive.zip --teacher runs/archive/subject/teacher.keras
    """
    from alzedge.model_file.read_write import read_record
    from alzedge.utils.archives import check_source
    from alzedge.utils.extras import require
    from alzedge.utils.files import check_own_folder

    require("export")
    models, data = _sorted(files)
    folder = output_folder(out, "runs/DATA-evaluation", data)
    check_own_folder(folder, "evaluate")
    check_data(data)
    paths = [*([teacher] if teacher else []), *models]
    for path in paths:  # refuse a file that is not ours before any long work
        if path.suffix == ".csv":
            check_source(path)
        else:
            read_record(path)

    from alzedge.data.predictions import Predictions

    for path in paths:
        if path.suffix == ".csv":
            Predictions.load(path)
    source = load_source(data, recipe_name, seed)

    from alzedge.commands.progress_bars import show_steps
    from alzedge.export.evaluate.evaluate_files import evaluate_files

    evaluations = evaluate_files(paths, source.dataset, source.recipe, folder, splits, teacher, show_steps)
    click.echo(f"\n{glance(evaluations)}")
    click.echo(f"\nwrote {folder}: report.html, report.md, metrics.json")


def _sorted(files: tuple[str, ...]) -> tuple[list[Path], list[str]]:
    """Models, and the data sets behind them."""
    of_models = [Path(file).suffix.lower() in _MODELS for file in files]
    count = of_models.index(False) if False in of_models else len(files)
    if not count or count == len(files):
        raise click.UsageError(f"Missing argument '{'DATA' if count else 'MODELS'}...'.")
    return [Path(file) for file in files[:count]], list(files[count:])


def glance(splits: "dict[str, SplitEvaluation]") -> str:
    """Lay out the headlines and what they may claim, in columns."""
    from alzedge.export.report.sections import claims_table, glance_table
    from alzedge.export.report.tables import text_rows

    return f"{text_rows(glance_table(splits).rows)}\n\n{text_rows(claims_table(splits).rows)}"
