"""`alzedge distill`."""

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

_OUT = "runs/DATA-student"


@click.command("distill", epilog=DATA_HELP)
@click.argument("teacher", type=click.Path(path_type=Path))
@data_argument
@out_option(_OUT)
@recipe_option
@seed_option
def distill_command(
    teacher: Path, data: tuple[str, ...], out: Path | None, recipe_name: str | None, seed: int | None
) -> None:
    """Distill a teacher into a student.

    TEACHER is a .keras file from `alzedge train`. The student learns the teacher's soft targets on the training slices
    of the split that the teacher was made with; labels are used only where the recipe mixes the truth in
    (distill.truth). Writes OUT/student.keras. Killed or
    interrupted, the same command goes on from the last finished epoch.

    \b
    alzedge distill runs/archive-teacher/teacher.keras archive.zip
    """
    from alzedge.model_file.read_write import Role, read_keras_record
    from alzedge.utils.extras import require

    require("train")
    folder = output_folder(out, _OUT, data)
    record = read_keras_record(teacher, Role.TEACHER)
    source = fit_to_data(load_source(data, recipe_name, seed))

    from alzedge.commands.progress_bars import show_steps
    from alzedge.data.dataset import split_dataset
    from alzedge.runs.run_folder import open_run_folder
    from alzedge.runs.split_run import made_with, make_split_run, run_identity
    from alzedge.student.phases import distill_phase, targets_phase

    recipe, name = made_with(record, source.dataset, source.recipe, teacher)
    split = split_dataset(source.dataset, name, recipe.fold)
    run_folder = open_run_folder(folder, run_identity(source.dataset, recipe, name))
    split_run = make_split_run(run_folder, folder, source.dataset, recipe, split)
    student = distill_phase(split_run, targets_phase(split_run, teacher, on_phase=show_steps), teacher, show_steps)
    words = ("export", student, *data, "--out", folder / "student_int8.tflite")
    click.echo(f"wrote {student}\nnext: {next_command(*words, recipe_name=recipe_name, seed=seed)}")
