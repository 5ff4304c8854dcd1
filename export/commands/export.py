"""The command `export`."""

from dataclasses import replace
from pathlib import Path

import click

from alzedge.commands.options import DATA_HELP, load_source, next_command, recipe_option, seed_option
from alzedge.errors import UserError
from alzedge.runs.recipe import ExportRecipe

_TRAINED = ("qat-int8", "pruned", "clustered")
_SUFFIXES = {"onnx": ".onnx", "saved_model": "", "keras": ".keras"}
_FORMATS = ("float32", "float16", "dynamic", "int8", "int16x8", *_TRAINED, *_SUFFIXES)


@click.command("export", epilog=DATA_HELP)
@click.argument("student", type=click.Path(path_type=Path))
@click.argument("data", default="phantoms")
@click.option("--format", "fmt", type=click.Choice(_FORMATS), default="int8", show_default=True, help="See above.")
@click.option("--float-io", is_flag=True, help="With int8: float32 input and output.")
@click.option("--heat-map", is_flag=True, help="With a second output: the evidence for each stage by place.")
@click.option("--rgb", is_flag=True, help="Behind a whole colour image, as MediaPipe wants; .tflite only.")
@click.option(
    "--out", type=click.Path(path_type=Path), required=True, help="What to write: .tflite, .onnx, .keras or a folder."
)
@click.option(
    "--calibration",
    "calibration_images",
    metavar="N",
    type=click.IntRange(8, 100_000),
    help="Calibration slices; replaces the recipe's number.",
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
    data: str,
    fmt: str,
    float_io: bool,
    heat_map: bool,
    rgb: bool,
    out: Path,
    calibration_images: int | None,
    teacher: Path | None,
    recipe_name: str | None,
    seed: int | None,
) -> None:
    """Convert a student, and judge the result.

    STUDENT is a .keras file from `alzedge distill`; a teacher's from `alzedge train` will do too, where nothing is
    trained further and nothing added.

    \b
    float32 float16  TFLite, numbers as named
    dynamic          TFLite, int8 weights in float32 arithmetic
    int8             TFLite, whole numbers throughout, input and output too
    int16x8          TFLite, int8 weights, int16 activations, float32 input and output
    qat-int8         int8, trained some more with the quantization in place
    pruned           int8, half of the weights zero: smaller once compressed
    clustered        int8, few different weights: smaller once compressed
    onnx             ONNX
    saved_model      a folder for TensorFlow Serving
    keras            the .keras file with the verdict in its record

    Whole numbers are calibrated on slices of DATA from the training side of the split the student was made with; the
    file lists them. Each file is compared with the Keras student on the test side; a broken one, or one
    whose quantization did nothing, is an error and not written. Labels, preprocessing, provenance and
    verdict are in the file.

    \b
    alzedge export runs/archive-student/student.keras archive.zip --out student_int8.tflite
    """
    from alzedge.commands.progress_bars import show_steps
    from alzedge.data.dataset import split_dataset
    from alzedge.model_file.read_write import read_keras_record
    from alzedge.runs.split_run import made_with
    from alzedge.utils.extras import require

    require("export")
    if float_io and fmt != "int8":
        raise click.BadParameter(f"--float-io goes with --format int8, not {fmt}.")
    suffix = _SUFFIXES.get(fmt, ".tflite")
    if out.suffix != suffix:
        ending = f"must end in {suffix}" if suffix else "is a folder's and has no ending"
        raise click.BadParameter(f"{out}: the name {ending}.")
    record = read_keras_record(student)
    if record["kind"] != "student" and (record["kind"] != "teacher" or fmt in _TRAINED or heat_map or rgb):
        raise UserError(f"{student} is a {record['kind']}, not a student; name the student's .keras file.")
    source = load_source(data, recipe_name, seed)
    recipe, name = made_with(record, source.dataset, source.recipe, student)
    if calibration_images is not None:
        recipe = replace(recipe, export=ExportRecipe(calibration_images))
    split = split_dataset(source.dataset, name, recipe.fold)

    from alzedge.export.export_student import export_student, find_teacher  # imports TensorFlow: after all checks
    from alzedge.export.verify.verdict import verdict_text

    taught_by = find_teacher(student, record, teacher) if fmt in _TRAINED else None
    with show_steps(f"training {fmt}") as on_step:
        full_name = "int8-float-io" if float_io else fmt
        verdict = export_student(
            student, out, full_name, source.dataset, split, recipe, taught_by, on_step, heat_map=heat_map, rgb=rgb
        )
    click.echo(verdict_text(verdict))
    click.echo(f"wrote {out} ({_size(out) / 1024:.0f} KiB)\nnext: {next_command('inspect', out)}")


def _size(path: Path) -> int:
    return sum(file.stat().st_size for file in ([path] if path.is_file() else path.rglob("*")))
