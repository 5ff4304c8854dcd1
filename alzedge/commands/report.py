"""`alzedge report`."""

from pathlib import Path

import click

from alzedge.commands.options import check_model, sex_option
from alzedge.inference.measures.person import check_person
from alzedge.stages import DISCLAIMER

_SUFFIXES = {"html": ".html", "pdf": ".pdf", "dicom": ""}


@click.command("report")
@click.argument("sources", metavar="SOURCE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--format",
    "kind",
    type=click.Choice(tuple(_SUFFIXES)),
    help="dicom writes an encapsulated PDF and a structured report into a folder. Default: as --out ends.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    help="The .html or .pdf file to write, or for dicom a folder.",
)
@click.option(
    "--model", type=click.Path(path_type=Path), help="A file made by `alzedge export`. Default: the bundled student."
)
@click.option("--age", type=float, help="The person's age in years.")
@sex_option("The person's sex.")
def report_command(
    sources: tuple[Path, ...], kind: str | None, out: Path, model: Path | None, age: float | None, sex: str | None
) -> None:
    """Write one page about one person: slices, answer, how far to trust it.

    Each SOURCE is what `alzedge predict` takes (a slice, a scan, a folder or archive of these), or a folder that
    `alzedge prepare` wrote for a scan; all of them are one person's. With --age the brain volume gets its percentile. The report names nobody: it shows neither file
    names nor anything of a header. Only the DICOM files carry the patient of a DICOM source, so that a viewer files them
    with the images.

    \b
    alzedge report prepared/head --out head.pdf
    alzedge report slice.jpg --out slice.html
    alzedge report series --format dicom --out series-report --age 71 --sex F
    """
    from alzedge.errors import UserError

    chosen = kind or next((name for name, suffix in _SUFFIXES.items() if suffix and out.suffix == suffix), None)
    if chosen is None or out.suffix != _SUFFIXES[chosen]:
        raise click.BadParameter(
            f"{out}: the name must end in .html or .pdf as the --format says; for dicom it is a folder without an ending."
        )
    for source in sources:
        if not source.exists():
            raise UserError(f"{source}: no such file or folder; check the path.")
    if chosen == "dicom" and out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UserError(f"{out}: not an empty folder; name a new one.")
    check_person(age, sex)
    check_model(model)
    from alzedge.utils.extras import require

    require("report")

    from datetime import date

    from alzedge.commands.progress_bars import show_share
    from alzedge.reporting.content import Told
    from alzedge.reporting.write import report_on, write_report

    with show_share("registering") as on_share:
        report, material = report_on(sources, model, date.today(), Told(age, sex), on_share)
    for path in write_report(report, material, chosen, out):
        click.echo(f"wrote {path}")
    click.echo(DISCLAIMER, err=True)
