"""`alzedge inspect`."""

import json
from pathlib import Path

import click


@click.command("inspect")
@click.argument("model", required=False, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print everything as one JSON document.")
def inspect_command(model: Path | None, as_json: bool) -> None:
    """Print what a model file says about itself.

    In a few lines: kind, data, split, figures, operating threshold and SHA-256 of a .tflite, .onnx or
    .keras file or a SavedModel, after its integrity has been checked; without MODEL, of the bundled
    file. --json prints the whole record, with preprocessing, recipe, calibration and guard, and, of
    a .tflite file, the standard metadata that other apps read (null: it carries none).

    \b
    alzedge inspect
    alzedge inspect runs/archive/student_int8.tflite --json
    """
    from alzedge.model_file.read_write import read_record

    if model is None:
        from alzedge.model_file.bundled import bundled_model

        model = bundled_model()
    record = read_record(model)
    if not as_json:
        from alzedge.commands.record_text import record_text  # imports NumPy: after what may be refused

        click.echo(record_text(model.name, record))
        return
    if model.suffix.lower() == ".tflite":
        from alzedge.model_file.read_tflite_metadata import standard_metadata
        from alzedge.model_file.read_write import read_tflite

        record |= {"tflite_metadata": standard_metadata(read_tflite(model)[0])}
    click.echo(json.dumps(record, indent=2, allow_nan=False))
