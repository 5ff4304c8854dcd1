"""`alzedge crossval`."""

import os
from pathlib import Path

import click

from alzedge.commands.data_sets import fit_to_data, load_source
from alzedge.commands.options import (
    DATA_HELP,
    data_argument,
    next_command,
    out_option,
    output_folder,
    recipe_option,
    seed_option,
)

_OUT = "runs/DATA-crossval"


@click.command("crossval", epilog=DATA_HELP)
@data_argument
@out_option(_OUT)
@click.option(
    "--jobs",
    type=click.IntRange(1, 5),
    help="Folds at once, each in a process with one thread.  [default: one for each processor]",
)
@recipe_option
@seed_option
def crossval_command(
    data: tuple[str, ...], out: Path | None, jobs: int | None, recipe_name: str | None, seed: int | None
) -> None:
    """Cross-validate a recipe over people.

    The people of DATA are dealt into five folds. Each fold is held out once, and pre-training, fine-tuning,
    distillation and quantization are done with the other four alone. What the five models answer about the people
    they have not seen is pooled in OUT/teacher.csv, student.csv and student_int8.csv, and evaluated in OUT/evaluation as
    by `alzedge evaluate`. Killed or interrupted, the same command goes on from the last checkpoint of each fold;
    equal seeds give equal figures on one machine, whatever --jobs says.

    \b
    alzedge crossval archive.zip
    alzedge crossval archive.zip prepared --people oasis_cross-sectional.csv --recipe measure
    """
    from alzedge.utils.extras import require

    require("export")
    folder = output_folder(out, _OUT, data)
    source = fit_to_data(load_source(data, recipe_name, seed))

    from alzedge.commands.progress_bars import show_lines
    from alzedge.export.commands.evaluate import glance
    from alzedge.export.evaluate.crossval_folder import EVALUATION
    from alzedge.export.evaluate.sources import CROSSVAL
    from alzedge.export.experiments.crossval import cross_validate

    at_once = jobs or min(5, os.cpu_count() or 1)
    evaluation = cross_validate(source.dataset, source.recipe, folder, at_once, show_lines)
    click.echo(f"\n{glance({CROSSVAL: evaluation})}")
    click.echo(f"\nwrote {folder}: pooled answers (.csv), {EVALUATION}/report.html, {EVALUATION}/metrics.json")
    words = ("run", *data, "--crossval", folder)
    click.echo(f"next: {next_command(*words, recipe_name=recipe_name, seed=seed)}")
