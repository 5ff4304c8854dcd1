"""`alzedge space build`."""

from pathlib import Path

import click


@click.group("space")
def space_command() -> None:
    """Make a Hugging Face Space of the page.

    \b
    alzedge space build space
    """


@space_command.command("build")
@click.argument("out", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--model", type=click.Path(path_type=Path), help="A .tflite file made by alzedge. Default: the bundled student."
)
def build_command(out: Path, model: Path | None) -> None:
    """Write the folder OUT, to be uploaded to a Space as it stands.

    It runs anywhere: install its requirements.txt, then start its app.py.

    \b
    alzedge space build space
    alzedge space build space --model runs/archive/student_int8.tflite
    """
    from alzedge.demo.space import build_space

    build_space(out, model)
    size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    click.echo(f"wrote {out} ({size / 2**20:.1f} MiB); upload it with `alzedge push OWNER/NAME {out} --space`")
