"""`alzedge benchmark`."""

from pathlib import Path

import click

from alzedge.commands.data_sets import check_data, load_source
from alzedge.commands.options import (
    DATA_HELP,
    PHANTOMS,
    models_and_data,
    out_option,
    output_folder,
    people_option,
    recipe_option,
    seed_option,
)

_MODELS = (".keras", ".tflite", ".onnx")
_CALLS = 200  # timed calls of each model and number of threads with --time-only


@click.command("benchmark", epilog=DATA_HELP)
@click.argument("words", nargs=-1, metavar="MODELS... [DATA...]")
@people_option
@click.option(
    "--test",
    multiple=True,
    help="Data that the models were not made from, to measure accuracy on; as DATA, may be repeated.",
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
@out_option("runs/DATA-benchmark")
@recipe_option
@seed_option
def benchmark_command(
    words: tuple[str, ...],
    test: tuple[str, ...],
    reference_models: bool,
    time_only: bool,
    profile: bool,
    out: Path | None,
    recipe_name: str | None,
    seed: int | None,
) -> None:
    """Compare models: accuracy, latency, size, memory.

    MODELS are .keras, .tflite and .onnx files. All must have been made with the same split of DATA, by default phantoms;
    accuracy is measured on its test side by the same code for all, or with --test on all of other data, but for people
    who are found in DATA or the Kaggle archive by their pixels. The first model is the reference of the speeds. Writes
    OUT/benchmark.json, .csv, .md and accuracy_latency.png.

    --reference-models adds MobileNetV3-Small, EfficientNet-Lite0 (int8) and SimCLRv2's ResNet-50 (Keras and float32 .tflite),
    with random weights: for latency and size only.

    \b
    alzedge benchmark --time-only                    on a Raspberry Pi
    alzedge benchmark runs/archive/subject/teacher.keras runs/archive/student_int8.tflite archive.zip
    alzedge benchmark runs/archive/student_int8.tflite --test my_cohort
    """
    from alzedge.model_file.read_write import read_record
    from alzedge.utils.extras import require

    models, data = models_and_data(words, _MODELS)
    if time_only:
        if data or test:
            raise click.UsageError("--time-only needs no data; name models alone.")
        _print_times(models, reference_models or profile)
        return
    if not models:
        raise click.UsageError("Missing argument 'MODELS...'.")
    require("export")
    shown = test or data or (PHANTOMS,)
    folder = output_folder(out, "runs/DATA-benchmark", shown)
    for path in models:
        read_record(path)  # refuse a file that is not ours before any long work
    for named in (data, test):
        if named:
            check_data(named)
    source = load_source(shown, recipe_name, seed, every_stage=not test)
    made_from = load_source(data, recipe_name, seed).dataset if test and data else None

    from alzedge.commands.progress_bars import show_steps
    from alzedge.export.benchmark.benchmark import benchmark_files
    from alzedge.export.benchmark.tables import text_table

    benchmark = benchmark_files(
        models,
        made_from if test else source.dataset,
        source.recipe,
        folder,
        test=source.dataset if test else None,
        with_reference_models=reference_models,
        profiled=profile,
        on_phase=show_steps,
    )
    click.echo("\n" + text_table(benchmark))
    click.echo(f"\nwrote {folder}: benchmark.json, benchmark.csv, benchmark.md, accuracy_latency.png")


def _print_times(models: list[Path], more: bool) -> None:
    """Time model files where nothing but the core package is installed, as on a Raspberry Pi."""
    from alzedge.errors import UserError
    from alzedge.export.benchmark.latency import measure_models
    from alzedge.export.benchmark.tables import times_table
    from alzedge.model_file.bundled import bundled_model

    if more:
        raise click.UsageError("--time-only goes with neither --reference-models nor --profile.")
    chosen = {path.name: path for path in models or (bundled_model(),)}
    if len(chosen) < len(models):
        raise UserError("Two models have the same file name; rename one, so that the table can tell them apart.")
    for path in chosen.values():
        if path.suffix.lower() not in (".tflite", ".onnx"):
            raise UserError(f"{path}: --time-only is for .tflite and .onnx files; leave it out for others.")
    click.echo(times_table(measure_models(chosen, _CALLS)))
