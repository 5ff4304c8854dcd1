"""`alzedge phantoms`."""

from pathlib import Path

import click

from alzedge.stages import TITLES


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
    from alzedge.errors import UserError

    if folder.exists() and any(folder.iterdir()):
        raise UserError(f"{folder} is not empty; name a new folder.")

    import io

    from PIL import Image

    from alzedge.data.entries import PHANTOMS_FILE
    from alzedge.data.phantom_set import make_phantoms
    from alzedge.data.subjects_csv import SUBJECTS_FILE, subjects_csv
    from alzedge.utils.files import write_bytes, write_text

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
