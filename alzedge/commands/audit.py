"""The command `audit`: does a split leak people, and what do trivial methods reach on it?"""

from pathlib import Path

import click

from alzedge.commands.options import out_option, output_folder

_OUT = "runs/audit-DATA"


@click.command("audit")
@click.argument("dataset", type=click.Path(path_type=Path))
@out_option(_OUT)
def audit_command(dataset: Path, out: Path | None) -> None:
    """Say whether a data set's split leaks, and prove it.

    DATASET is the Kaggle archive as zip or folder, or any folder or zip with one sub-folder per
    stage, best below train/ and test/. Looks for people on both sides (by a subjects.csv, the Kaggle
    archive's names, or identifiers such as OAS1_0001 in file names), for equal files, and for
    images more alike than different people are; and measures what needs no network reaches on the
    split, on a random one and on unseen people. Writes audit.json and audit.png; the picture
    shows images of the data set. Any number of images: none is held in memory.

    \b
    alzedge audit archive.zip --out audit
    """
    from alzedge.utils.extras import require

    require("audit")
    from alzedge.audit.audit import audit
    from alzedge.audit.report import audit_picture, audit_text
    from alzedge.commands.progress_bars import show_phases
    from alzedge.utils.files import write_json

    folder = output_folder(out, _OUT, str(dataset))
    with show_phases() as (on_phase, on_item):
        found = audit(dataset, on_item, on_phase)
    write_json(folder / "audit.json", found.result)
    audit_picture(found, folder / "audit.png")
    click.echo(audit_text(found.result))
    click.echo(f"wrote {folder / 'audit.json'} and {folder / 'audit.png'}, which shows images of the data set")
