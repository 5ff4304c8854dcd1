"""Commands that need neither TensorFlow nor Keras, beside `predict`: inspect, subjects, phantoms."""

import json
from pathlib import Path

import click

from alzedge.stages import TITLES


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
    from alzedge.modelfile import read_record, read_tflite
    from alzedge.tflite_metadata import standard_metadata

    record = read_record(model)
    if model.suffix == ".tflite":
        record |= {"tflite_metadata": standard_metadata(read_tflite(model)[0])}
    click.echo(json.dumps(record, indent=2))


@click.command("subjects")
@click.argument("archive", type=click.Path(path_type=Path))
@click.option(
    "--csv", "table", type=click.Path(path_type=Path, dir_okay=False), help="Write path,label,subject,slice,split."
)
def subjects_command(archive: Path, table: Path | None) -> None:
    """Say who is on which slice of the Kaggle set.

    ARCHIVE is the Kaggle 4-class set as zip or folder. The archive's file names encode 200 people with 32 consecutive slices each. The proof is in the
    pixels: for each step from one slice to the next, the slice most similar to a person's
    slice, among everybody's next slices, must be the same person's. It runs on your copy.

    Of any other data set, AlzEdge learns the people from a file `subjects.csv` in its top folder,
    with the columns path (below the folder), subject, and optionally label, slice and split; the
    table that --csv writes has that form.

    \b
    alzedge subjects archive.zip --csv subjects.csv
    """
    from alzedge.subjects import recover_subjects, subjects_csv, summary

    found = recover_subjects(archive)
    click.echo(summary(found))
    if table is not None:
        from alzedge.files import write_text

        write_text(table, subjects_csv(found.dataset))
        click.echo(f"wrote {table}")


@click.command("phantoms")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--subjects", type=click.IntRange(4, 100_000), default=8, show_default=True, help="Number of people.")
@click.option("--slices", type=click.IntRange(2, 256), default=8, show_default=True, help="Slices per person.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of all random numbers.")
def phantoms_command(folder: Path, subjects: int, slices: int, seed: int) -> None:
    """Draw synthetic head slices into a folder.

    Writes PNG files and a subjects.csv into FOLDER. Phantoms have the size and form of the Kaggle set and serve to try things out. They are
    drawn from formulas and are not medical data.

    \b
    alzedge phantoms /tmp/phantoms
    alzedge predict --no-guard /tmp/phantoms/test
    """
    import io

    from PIL import Image

    from alzedge.errors import UserError
    from alzedge.files import write_bytes, write_text
    from alzedge.loading import PHANTOMS_FILE, SUBJECTS_FILE
    from alzedge.phantoms import make_phantoms
    from alzedge.subjects import subjects_csv

    if folder.exists() and any(folder.iterdir()):
        raise UserError(f"{folder} is not empty; name a new folder.")
    dataset = make_phantoms(subjects, slices, seed)
    for path, pixels in zip(dataset.paths, dataset.images, strict=True):
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, "PNG")
        write_bytes(folder / str(path), buffer.getvalue())
    write_text(folder / SUBJECTS_FILE, subjects_csv(dataset))
    write_text(
        folder / PHANTOMS_FILE, "Synthetic slices drawn by AlzEdge. They show nobody and are not medical data.\n"
    )
    click.echo(f"wrote {len(dataset)} slices of {subjects} phantoms, {', '.join(TITLES).lower()}, to {folder}")
