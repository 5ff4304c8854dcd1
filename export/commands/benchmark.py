"""`alzedge benchmark`."""

from pathlib import Path

import click

from alzedge.commands.options import (
    DATA_HELP,
    load_source,
    out_option,
    output_folder,
    people_option,
    recipe_option,
    seed_option,
)

_CALLS = 200  # timed calls of each model and number of threads with --time-only


@click.command("benchmark", epilog=DATA_HELP)
@click.argument("models", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--data",
    multiple=True,
    default=("phantoms",),
    show_default="phantoms",
    help="The data set the models were made from, see below; may be repeated.",
)
@click.option(
    "--reference-models", is_flag=True, help="Also measure what one would take instead; minutes, and 430 MB in OUT."
)
@click.option(
    "--time-only",
    is_flag=True,
    help="Only latency, size and memory of .tflite and .onnx files, without data and TensorFlow; prints and writes nothing. "
    "Default MODELS: the bundled file.",
)
@click.option("--profile", is_flag=True, help="Also time each operator of the .tflite models, by LiteRT's profiler.")
@people_option
@out_option("runs/DATA-benchmark")
@recipe_option
@seed_option
def benchmark_command(
    models: tuple[Path, ...],
    data: tuple[str, ...],
    reference_models: bool,
    time_only: bool,
    profile: bool,
    out: Path | None,
    recipe_name: str | None,
    seed: int | None,
) -> None:
    """Compare models: accuracy, latency, size, memory.

    MODELS are .keras, .tflite and .onnx files. All must have been made with the same split of DATA; accuracy is
    measured on its test side by the same code for all. The first model is the reference of the speeds. Writes
    OUT/benchmark.json, .csv, .md and accuracy_latency.png.

    --reference-models adds MobileNetV3-Small, EfficientNet-Lite0 (int8) and SimCLRv2's ResNet-50 (Keras and float32 .tflite),
    with random weights: for latency and size only.

    \b
    alzedge benchmark --time-only                    on a Raspberry Pi
    alzedge benchmark runs/archive/subject/teacher.keras runs/archive/student_int8.tflite --data archive.zip
    """
    from alzedge.model_file.read_write import read_record
    from alzedge.utils.extras import require

    if time_only:
        _print_times(models, reference_models or profile)
        return
    if not models:
        raise click.UsageError("Missing argument 'MODELS...'.")
    require("export")
    folder = output_folder(out, "runs/DATA-benchmark", data)
    for path in models:
        read_record(path)  # refuse a file that is not ours before any long work
    source = load_source(data, recipe_name, seed)

    from alzedge.commands.progress_bars import show_steps
    from alzedge.export.benchmark.benchmark import benchmark_files
    from alzedge.export.benchmark.tables import text_table

    benchmark = benchmark_files(
        list(models),
        source.dataset,
        source.recipe,
        folder,
        with_reference_models=reference_models,
        profiled=profile,
        on_phase=show_steps,
    )
    click.echo("\n" + text_table(benchmark))
    click.echo(f"\nwrote {folder}: benchmark.json, benchmark.csv, benchmark.md, accuracy_latency.png")


def _print_times(models: tuple[Path, ...], more: bool) -> None:
    """Time model files where nothing but the core package is installed, as on a Raspberry Pi."""
    from alzedge.errors import UserError
    from alzedge.export.benchmark.latency import measure_models
    from alzedge.export.benchmark.tables import times_table
    from alzedge.inference.classifier import bundled_model

    if more:
        raise click.UsageError("--time-only goes with neither --reference-models nor --profile.")
    chosen = {path.name: path for path in models or (bundled_model(),)}
    if len(chosen) < len(models):
        raise UserError("Two models have the same file name; rename one, so that the table can tell them apart.")
    for path in chosen.values():
        if path.suffix not in (".tflite", ".onnx"):
            raise UserError(f"{path}: --time-only is for .tflite and .onnx files; leave it out for others.")
    click.echo(times_table(measure_models(chosen, _CALLS)))
