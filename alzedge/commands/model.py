"""`alzedge model`."""

from pathlib import Path

import click


@click.command("model")
@click.option("--out", type=click.Path(path_type=Path), help="File to write, or a folder that takes both files.")
@click.option("--heat-map", is_flag=True, help="The companion with a heat map as its second output.")
def model_command(out: Path | None, heat_map: bool) -> None:
    """Write the bundled model to a file of your own.

    One .tflite file holds the network, labels, preprocessing, guard, the rule for a person, threshold and
    figures. Without --out, says where the bundled file lies.

    \b
    alzedge model --out student_int8.tflite
    alzedge model --out models/                      both files
    """
    folder = out is not None and (out.is_dir() or not out.suffix)
    if out is not None and not folder and out.suffix != ".tflite":
        raise click.BadParameter(f"{out}: the name must end in .tflite.")

    from alzedge.model_file.bundled import bundled_heat_map_model, bundled_model
    from alzedge.utils.files import write_bytes

    chosen = bundled_heat_map_model() if heat_map else bundled_model()
    if out is None:
        click.echo(chosen)
        return
    both = [bundled_model(), bundled_heat_map_model()]
    written = {out / path.name: path for path in both} if folder and not heat_map else {}
    written = written or {out / chosen.name if folder else out: chosen}
    for target, source in written.items():
        write_bytes(target, source.read_bytes())
        click.echo(f"wrote {target} ({source.stat().st_size / 1024:.0f} KiB)")
