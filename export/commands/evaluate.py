"""`alzedge evaluate`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from alzedge.commands.data_sets import check_data, load_source, read_data
from alzedge.commands.options import (
    DATA_HELP,
    models_and_data,
    out_option,
    output_folder,
    people_option,
    recipe_option,
    seed_option,
)

if TYPE_CHECKING:
    from alzedge.metrics.split_evaluation import SplitEvaluation

_MODELS = (".keras", ".tflite", ".onnx", ".csv")
_SPLITS = ("official", "subject", "random", "crossval", "external")


@click.command("evaluate", epilog=DATA_HELP)
@click.argument("words", metavar="MODELS... DATA...", nargs=-1, required=True)
@people_option
@click.option(
    "--split",
    "splits",
    multiple=True,
    type=click.Choice(_SPLITS),
    help="Slices to test on; may be repeated. Default: all that DATA and MODELS allow.",
)
@click.option("--teacher", type=click.Path(path_type=Path), help="Also measure how far the others agree with this one.")
@click.option(
    "--against",
    multiple=True,
    metavar="TRAINING_DATA",
    help="Data that the models were trained on, where DATA is other data: people found there are left out; may be repeated.",
)
@out_option("runs/DATA-evaluation")
@recipe_option
@seed_option
def evaluate_command(
    words: tuple[str, ...],
    splits: tuple[str, ...],
    teacher: Path | None,
    against: tuple[str, ...],
    out: Path | None,
    recipe_name: str | None,
    seed: int | None,
) -> None:
    """Evaluate models, on the official split, on unseen people or on your own cohort.

    MODELS are .keras, .tflite and .onnx files, or .csv files of predictions that `alzedge crossval`
    pooled. Figures are per slice and per person, for four stages, three, any dementia, and CDR 1 or more; each with
    its 95 % interval over people. The people that trained a model are read from its file: on unseen people a model is evaluated only if it
    was trained without them. Writes OUT/metrics.json, report.html and report.md.

    Where DATA is not what a model was made from, all of it is external data: its people are unknown to the model, so far
    as can be told. Its pixels are compared with those of the Kaggle archive, and with --against; people found there are left
    out. Labels come from class folders, or from a subjects.csv with the columns path, subject and label; no stage need occur.

    \b
    alzedge evaluate runs/archive/student_int8.tflite archive.zip --teacher runs/archive/subject/teacher.keras
    alzedge evaluate runs/archive/student_int8.tflite my_cohort --against archive.zip
    """
    from alzedge.model_file.read_write import read_record
    from alzedge.utils.archives import check_source
    from alzedge.utils.extras import require
    from alzedge.utils.files import check_own_folder

    require("export")
    models, data = models_and_data(words, _MODELS)
    if not models or not data:
        raise click.UsageError(f"Missing argument '{'DATA' if models else 'MODELS'}...'.")
    folder = output_folder(out, "runs/DATA-evaluation", data)
    check_own_folder(folder, "evaluate")
    check_data(data)
    for known in against:
        check_source(Path(known))
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
    source = load_source(data, recipe_name, seed, every_stage=False)
    known_data = [read_data([known]) for known in against]

    from alzedge.commands.progress_bars import show_steps
    from alzedge.export.evaluate.evaluate_files import evaluate_files

    evaluations = evaluate_files(
        paths, source.dataset, source.recipe, folder, splits, teacher, show_steps, against=known_data
    )
    click.echo(f"\n{glance(evaluations)}")
    click.echo(f"\nwrote {folder}: report.html, report.md, metrics.json")


def glance(splits: "dict[str, SplitEvaluation]") -> str:
    """Lay out the headlines and what they may claim, in columns."""
    from alzedge.export.report.sections import claims_table, glance_table
    from alzedge.utils.text_table import in_columns

    return f"{in_columns(glance_table(splits).rows)}\n\n{in_columns(claims_table(splits).rows)}"
