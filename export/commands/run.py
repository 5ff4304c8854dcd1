"""`alzedge run`."""

import shlex
from pathlib import Path

import click

from alzedge.commands.data_sets import Source, fit_to_data, load_source
from alzedge.commands.options import (
    DATA_HELP,
    command_name,
    data_argument,
    next_command,
    out_option,
    output_folder,
    recipe_option,
    seed_option,
)


@click.command("run", epilog=DATA_HELP)
@data_argument
@out_option("runs/DATA")
@click.option(
    "--crossval",
    type=click.Path(path_type=Path),
    help="Quote the figures that `alzedge crossval` left here, and take its model of this fold over.",
)
@recipe_option
@seed_option
def run_command(
    data: tuple[str, ...], out: Path | None, crossval: Path | None, recipe_name: str | None, seed: int | None
) -> None:
    """Run the whole path from DATA to a quantized student and its benchmark.

    For the official split, where DATA has one, and for unseen people: teacher (contrastive pre-training, then
    fine-tuning), student (distillation), float32 and int8 .tflite files, figures on the
    test slices. Then latency of teacher and student side by side, plots and a model card.

    What is done already in OUT is not done again unless the data or its part of the recipe
    changed; killed or interrupted, the same command goes on from the last checkpoint.

    \b
    alzedge run                                      built-in phantoms, minutes
    alzedge run archive.zip                          the Kaggle set

    A recipe file names only what differs from its base, or from the defaults where it names none;
    without --recipe it is cpu, for phantoms quick. One value: --set distill.epochs=3.

    \b
    base = "cpu"
    seed = 1
    splits = ["subject"]
    [teacher]
    depth = 50
    width = 1.0
    [pretrain]
    epochs = 100
    """
    from alzedge.utils.extras import require

    require("export")
    folder = output_folder(out, "runs/DATA", data)
    source = fit_to_data(load_source(data, recipe_name, seed))

    from alzedge.commands.progress_bars import show_steps
    from alzedge.export.benchmark.results import read_benchmark
    from alzedge.export.benchmark.tables import text_table
    from alzedge.export.pipeline import run
    from alzedge.stages import DISCLAIMER

    benchmark = run(source.dataset, source.recipe, folder, crossval, show_steps)
    click.echo("\n" + text_table(read_benchmark(benchmark)))
    click.echo(f"\nwrote {folder}: student_int8.tflite, README.md (model card), benchmark.json, plots")
    click.echo(DISCLAIMER)
    click.echo(f"\nnext: {_predict_line(source, folder)}")


def _predict_line(source: Source, out: Path) -> str:
    """Command line that predicts with the new student; for phantoms, on new people drawn with another seed."""
    model = shlex.quote(str(out / "student_int8.tflite"))
    if not source.dataset.synthetic:
        return f"{command_name()} predict SLICE.jpg --model {model}"
    slices = f"{out}-slices"
    draw = next_command("phantoms", slices, seed=source.recipe.seed + 1)
    return f"{draw} && {command_name()} predict {shlex.quote(slices)}/test/*/*.png --model {model}"
