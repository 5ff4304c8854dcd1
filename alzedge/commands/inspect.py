"""The command `inspect`."""

import json
from pathlib import Path

import click


@click.command("inspect")
@click.argument("model", type=click.Path(path_type=Path))
def inspect_command(model: Path) -> None:
    """Print what a model file says about itself.

    Labels, preprocessing, recipe, data, split, calibration, figures and SHA-256 of a .tflite,
    .onnx or .keras file or a SavedModel, after its integrity has been checked; and, of a .tflite
    file, the standard metadata that other apps read (null: it carries none).

    \b
    alzedge inspect runs/archive/student_int8.tflite
    """
    from alzedge.model_file.read_tflite_metadata import standard_metadata
    from alzedge.model_file.read_write import read_record, read_tflite

    record = read_record(model)
    if model.suffix == ".tflite":
        record |= {"tflite_metadata": standard_metadata(read_tflite(model)[0])}
    click.echo(json.dumps(record, indent=2))
