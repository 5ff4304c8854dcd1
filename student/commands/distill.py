"""`alzedge distill`."""

from pathlib import Path

import click

from alzedge.commands.options import (
    DATA_HELP,
    load_source,
    next_command,
    out_option,
    output_folder,
    recipe_option,
    seed_option,
)

_OUT = "runs/DATA-student"


@click.command("distill", epilog=DATA_HELP)
@click.argument("teacher", type=click.Path(path_type=Path))
@click.argument("data", default="phantoms")
@out_option(_OUT)
@recipe_option
@seed_option
def distill_command(teacher: Path, data: str, out: Path | None, recipe_name: str | None, seed: int | None) -> None:
    """Distill a teacher into a student.

    TEACHER is a .keras file from `alzedge train`. The student learns the teacher's soft targets on the training slices of the split that the
    teacher was made with; labels are not used. Writes OUT/student.keras. Killed or
    interrupted, the same command goes on from the last finished epoch.

    \b
    alzedge distill runs/archive-teacher/teacher.keras archive.zip
    """
    from alzedge.data.dataset import split_dataset
    from alzedge.model_file.read_write import read_keras_record
    from alzedge.runs.run_folder import open_ledger
    from alzedge.runs.split_run import made_with, make_job, run_identity
    from alzedge.student.phases import distill_phase, targets_phase
    from alzedge.utils.extras import require

    require("train")
    folder = output_folder(out, _OUT, data)
    record = read_keras_record(teacher, "teacher")
    source = load_source(data, recipe_name, seed)
    recipe, name = made_with(record, source.dataset, source.recipe, teacher)
    split = split_dataset(source.dataset, name, recipe.fold)
    ledger = open_ledger(folder, run_identity(source.dataset, recipe, name))
    job = make_job(ledger, folder, source.dataset, recipe, split)
    student = distill_phase(job, targets_phase(job, teacher), teacher)
    words = ("export", student, data, "--out", folder / "student_int8.tflite")
    click.echo(f"wrote {student}\nnext: {next_command(*words, recipe_name=recipe_name, seed=seed)}")
