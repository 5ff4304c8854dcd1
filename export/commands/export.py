"""`alzedge export`."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from alzedge.commands.data_sets import check_data, load_source, read_data
from alzedge.commands.options import (
    DATA_HELP,
    data_argument,
    next_command,
    recipe_option,
    seed_option,
)
from alzedge.errors import UserError
from alzedge.export.convert.format_traits import TRAITS

if TYPE_CHECKING:
    from alzedge.export.target import Target
    from alzedge.model_file.read_write import Record

_FLOAT_IO = "int8-float-io"
_FORMATS = tuple(name for name in TRAITS if name != _FLOAT_IO)


@click.command("export", epilog=DATA_HELP)
@click.argument("student", type=click.Path(path_type=Path))
@data_argument
@click.option("--format", "fmt", type=click.Choice(_FORMATS), default="int8", show_default=True, help="See above.")
@click.option("--float-io", is_flag=True, help="With int8: float32 input and output.")
@click.option("--heat-map", is_flag=True, help="With a second output: the evidence for each stage by place.")
@click.option("--rgb", is_flag=True, help="Behind a whole colour image, as MediaPipe wants; .tflite only.")
@click.option(
    "--out", type=click.Path(path_type=Path), required=True, help="What to write: .tflite, .onnx, .keras or a folder."
)
@click.option("--calibration", metavar="DATA", help="Other data to calibrate on. Default: training slices of DATA.")
@click.option("--test", metavar="DATA", help="Other data to verify the file on. Default: test slices of DATA.")
@click.option(
    "--calibration-slices",
    metavar="N",
    type=click.IntRange(8, 100_000),
    help="Number of calibration slices; replaces the recipe's.",
)
@click.option(
    "--max-auc-drop", type=click.FloatRange(0, 1), help="Refuse a file whose AUC of any dementia falls by more."
)
@click.option(
    "--teacher",
    type=click.Path(path_type=Path),
    help="Teacher for qat-int8, pruned and clustered. Default: teacher.keras beside STUDENT, else STUDENT itself.",
)
@recipe_option
@seed_option
def export_command(
    student: Path,
    data: tuple[str, ...],
    fmt: str,
    float_io: bool,
    heat_map: bool,
    rgb: bool,
    out: Path,
    calibration: str | None,
    test: str | None,
    calibration_slices: int | None,
    max_auc_drop: float | None,
    teacher: Path | None,
    recipe_name: str | None,
    seed: int | None,
) -> None:
    """Convert a student to a file and verify it.

    STUDENT is a .keras file from `alzedge distill`; a teacher's from `alzedge train` will do too, where nothing is
    trained further and nothing added.

    \b
    float32 float16  TFLite, numbers as named
    dynamic          TFLite, int8 weights in float32 arithmetic
    int8             TFLite, integers throughout, input and output too
    int16x8          TFLite, int8 weights, int16 activations, float32 input and output
    qat-int8         int8, trained some more with the quantization in place
    pruned           int8, half of the weights zero: smaller once compressed
    clustered        int8, few different weights: smaller once compressed
    onnx             ONNX
    saved_model      a folder for TensorFlow Serving
    keras            the .keras file with the verdict in its record

    Integers are calibrated on slices of DATA from the training side of the split the student was made with; the
    file lists them; or, with --calibration, on slices of other data, where they do not test. With --test the file is
    verified on other data, but for people who are found in DATA or the Kaggle archive by their pixels. Each file is compared with the Keras student on the test side; a broken one, or one
    whose quantization did nothing, is an error and not written. Labels, preprocessing, provenance and
    verdict are in the file.

    \b
    alzedge export runs/archive-student/student.keras archive.zip --out student_int8.tflite
    """
    from alzedge.commands.progress_bars import show_steps
    from alzedge.model_file.read_write import read_keras_record
    from alzedge.utils.extras import require

    require("export")
    if float_io and fmt != "int8":
        raise click.BadParameter(f"--float-io goes with --format int8, not {fmt}.")
    _check_name(out, TRAITS[fmt].suffix)
    record = read_keras_record(student)

    from alzedge.export.target import Target

    target = Target(_FLOAT_IO if float_io else fmt, heat_map, rgb, max_auc_drop)
    _check_source(student, record, target)
    target.check(student, record, out)
    for named in (calibration, test):
        if named is not None:
            check_data([named])
    source = load_source(data, recipe_name, seed)

    from alzedge.data.dataset import split_dataset
    from alzedge.runs.recipe import ExportRecipe
    from alzedge.runs.split_run import made_with

    recipe, name = made_with(record, source.dataset, source.recipe, student)
    if calibration_slices is not None:
        recipe = replace(recipe, export=ExportRecipe(calibration_slices))
    split = split_dataset(source.dataset, name, recipe.fold)
    other = [None if named is None else read_data([named]) for named in (calibration, test)]

    from alzedge.export.export_student import export_student, find_teacher  # imports TensorFlow: after all checks
    from alzedge.export.prepared_student import prepare_student
    from alzedge.export.verify.verdict import verdict_text

    taught_by = find_teacher(student, record, teacher) if TRAITS[fmt].trained else None
    prepared = prepare_student(student, source.dataset, split, recipe, *other)
    with show_steps(f"training {fmt}") as on_step:
        verdict = export_student(prepared, out, target, taught_by, on_step)
    click.echo(verdict_text(verdict))
    click.echo(f"wrote {out} ({_size(out) / 1024:.0f} KiB)\nnext: {next_command('inspect', out)}")


def _check_name(out: Path, suffix: str) -> None:
    if out.suffix != suffix:
        ending = f"must end in {suffix}" if suffix else "is a folder's and has no ending"
        raise click.BadParameter(f"{out}: the name {ending}.")


def _check_source(student: Path, record: "Record", target: "Target") -> None:
    """Refuse what is neither a student nor a teacher that is exported as it is."""
    from alzedge.model_file.read_write import Role, kind_of

    changed = TRAITS[target.format].trained or target.heat_map or target.rgb
    role = kind_of(record).role
    if role is not Role.STUDENT and (role is not Role.TEACHER or changed):
        raise UserError(f"{student} is a {record['kind']}, not a student; name the student's .keras file.")


def _size(path: Path) -> int:
    return sum(file.stat().st_size for file in ([path] if path.is_file() else path.rglob("*")))
