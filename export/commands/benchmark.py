"""The command `benchmark`."""

from pathlib import Path

import click

from alzedge.commands.options import DATA_HELP, load_source, out_option, output_folder, recipe_option, seed_option


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
    from alzedge.export.benchmark.tables import text_table
    from alzedge.model_file.read_write import read_record
    from alzedge.utils.extras import require

    require("export")
    folder = output_folder(out, "runs/DATA-benchmark", data)
    for path in models:
        read_record(path)  # refuse a file that is not ours before any long work
    source = load_source(data, recipe_name, seed)

    from alzedge.export.benchmark.benchmark import benchmark_files

    found = benchmark_files(list(models), source.dataset, source.recipe, folder, with_rivals=rivals, profiled=profile)
    click.echo("\n" + text_table(found))
    click.echo(f"\nwrote {folder}: benchmark.json, benchmark.csv, benchmark.md, accuracy_latency.png")
