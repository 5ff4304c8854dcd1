"""`alzedge run`, `alzedge export` and `alzedge benchmark`."""

import json
import shlex
from dataclasses import replace
from pathlib import Path

import click

from alzedge.errors import UserError
from alzedge.options import (
    DATA_HELP,
    Source,
    command_name,
    load_source,
    next_command,
    out_option,
    output_folder,
    recipe_option,
    seed_option,
)
from alzedge.recipe import ExportRecipe

_TRAINED = ("qat-int8", "pruned", "clustered")
_SUFFIXES = {"onnx": ".onnx", "saved_model": "", "keras": ".keras"}
_FORMATS = ("float32", "float16", "dynamic", "int8", "int16x8", *_TRAINED, *_SUFFIXES)


@click.command("run", epilog=DATA_HELP)
@click.argument("data", default="phantoms")
@out_option("runs/DATA")
@click.option(
    "--crossval", type=click.Path(path_type=Path), help="Quote the figures that `alzedge crossval` left here."
)
@recipe_option
@seed_option
def run_command(data: str, out: Path | None, crossval: Path | None, recipe_name: str | None, seed: int | None) -> None:
    """Do it all: DATA to quantized student and benchmark.

    For the official split and for unseen people: teacher (contrastive pre-training, then
    fine-tuning), student (distillation), float32 and int8 .tflite files, figures on the
    test slices. Then latency of teacher and student side by side, plots and a model card.

    What is done already in OUT is not done again unless the data or its part of the recipe
    changed; killed or interrupted, the same command goes on from the last checkpoint.

    \b
    alzedge run                                      built-in phantoms, minutes
    alzedge run archive.zip                          the Kaggle set, about an hour

    A recipe file names only what differs from the defaults:

    \b
    seed = 1
    splits = ["subject"]
    [teacher]
    depth = 50
    width = 1.0
    [pretrain]
    epochs = 100
    """
    from alzedge.extras import require

    require("export")
    from alzedge.export.crossval import crossval_metrics
    from alzedge.export.pipeline import run
    from alzedge.export.table import text_table
    from alzedge.stages import DISCLAIMER

    folder = output_folder(out, "runs/DATA", data)
    source = load_source(data, recipe_name, seed)
    quoted = crossval and crossval_metrics(crossval, source.dataset, source.recipe)
    benchmark = run(source.dataset, source.recipe, folder, quoted)
    click.echo("\n" + text_table(json.loads(benchmark.read_text())))
    click.echo(f"\nwrote {folder}: student_int8.tflite, README.md (model card), benchmark.json, plots")
    click.echo(DISCLAIMER)
    click.echo(f"\nnext: {_predict_line(source, folder)}")


def _predict_line(source: Source, out: Path) -> str:
    """A command that answers with the new student; for phantoms, on new people drawn with another seed."""
    model = shlex.quote(str(out / "student_int8.tflite"))
    if not source.dataset.synthetic:
        return f"{command_name()} predict SLICE.jpg --model {model}"
    slices = f"{out}-slices"
    draw = next_command("phantoms", slices, seed=source.recipe.seed + 1)
    return f"{draw} && {command_name()} predict {shlex.quote(slices)}/test/*/*.png --model {model}"


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
    from alzedge.dataset import split_dataset
    from alzedge.extras import require
    from alzedge.job import made_with
    from alzedge.modelfile import read_keras_record
    from alzedge.progress import show_steps

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

    from alzedge.export.exporting import export_student, find_teacher  # imports TensorFlow: after all checks
    from alzedge.export.verdict import verdict_text

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


@click.command("benchmark", epilog=DATA_HELP)
@click.argument("models", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--data", default="phantoms", show_default=True, help="The data set the models were made from; see below."
)
@click.option("--rivals", is_flag=True, help="Also measure what one would pick instead; minutes, and 430 MB in OUT.")
@click.option("--profile", is_flag=True, help="Also time each operator of the .tflite models, by LiteRT's profiler.")
@out_option("runs/DATA-benchmark")
@recipe_option
@seed_option
def benchmark_command(
    models: tuple[Path, ...],
    data: str,
    rivals: bool,
    profile: bool,
    out: Path | None,
    recipe_name: str | None,
    seed: int | None,
) -> None:
    """Compare models: accuracy, latency, size, memory.

    MODELS are .keras, .tflite and .onnx files. All must have been made with the same split of DATA; accuracy is
    measured on its test side by the same code for all. The first model is the reference of the speeds. Writes
    OUT/benchmark.json, .csv, .md and accuracy_latency.png.

    --rivals adds MobileNetV3-Small, EfficientNet-Lite0 (int8) and SimCLRv2's ResNet-50 (Keras and float32 .tflite),
    with random weights: for latency and size only.

    \b
    alzedge benchmark runs/archive/subject/teacher.keras runs/archive/student_int8.tflite --data archive.zip
    """
    from alzedge.export.table import text_table
    from alzedge.extras import require
    from alzedge.modelfile import read_record

    require("export")
    folder = output_folder(out, "runs/DATA-benchmark", data)
    for path in models:
        read_record(path)  # refuse a file that is not ours before any long work
    source = load_source(data, recipe_name, seed)

    from alzedge.export.benchmark import benchmark_files

    found = benchmark_files(list(models), source.dataset, source.recipe, folder, with_rivals=rivals, profiled=profile)
    click.echo("\n" + text_table(found))
    click.echo(f"\nwrote {folder}: benchmark.json, benchmark.csv, benchmark.md, accuracy_latency.png")
