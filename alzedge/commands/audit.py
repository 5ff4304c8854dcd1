"""`alzedge audit`."""

from pathlib import Path

import click

from alzedge.commands.data_sets import check_data, load_parts
from alzedge.commands.options import (
    out_option,
    output_folder,
    people_option,
    people_table,
)

_OUT = "runs/audit-DATA"


@click.command("audit")
@click.argument("datasets", metavar="DATASET...", nargs=-1, required=True)
@people_option
@out_option(_OUT)
def audit_command(datasets: tuple[str, ...], out: Path | None) -> None:
    """Say whether a data set's split leaks, and prove it.

    DATASET is the Kaggle archive as zip or folder, or any folder or zip with one sub-folder per
    stage, best below train/ and test/. Looks for people on both sides (by a subjects.csv, the Kaggle
    archive's names, or identifiers such as OAS1_0001 in file names), for equal files, and for
    images more alike than different people are; and measures what needs no network reaches on the
    split, on a random one and on unseen people. Writes audit.json and audit.png; the picture
    shows images of the data set. Any number of images: none is held in memory.

    Of several data sets, of which a folder of OASIS-1's scans from `alzedge prepare` may be one, it says instead who is in two of
    them, by pixels where every slice's height is known and by name, and whether anybody would train in one and test in
    the other. These are held in memory. audit.json then holds who is who: keep it as you keep the data.

    \b
    alzedge audit archive.zip --out audit
    alzedge audit archive.zip prepared --people oasis_cross-sectional.csv
    """
    from alzedge.utils.extras import require

    require("audit")
    folder = output_folder(out, _OUT, datasets)
    check_data(datasets)
    if len(datasets) > 1:
        _audit_across(datasets, folder)
        return
    if people_table() is not None:
        raise click.UsageError("--people goes with several data sets; name a second one.")
    _audit_split(Path(datasets[0]), folder)


def _audit_split(dataset: Path, folder: Path) -> None:
    from alzedge.data.prepared_scans import find_prepared
    from alzedge.errors import UserError

    if find_prepared(dataset):
        raise UserError(f"{dataset}: prepared scans came without a split to audit; name a second data set beside them.")
    from alzedge.commands.progress_bars import show_phases
    from alzedge.monitoring.audit.audit import audit
    from alzedge.monitoring.audit.report import audit_picture, audit_text
    from alzedge.utils.files import write_json

    with show_phases() as (on_phase, on_item):
        audited = audit(dataset, on_item, on_phase)
    write_json(folder / "audit.json", audited.result)
    audit_picture(audited, folder / "audit.png")
    click.echo(audit_text(audited.result))
    click.echo(f"wrote {folder / 'audit.json'} and {folder / 'audit.png'}, which shows images of the data set")


def _audit_across(datasets: tuple[str, ...], folder: Path) -> None:
    from alzedge import __version__
    from alzedge.commands.progress_bars import show_phases
    from alzedge.monitoring.audit.across import across_text, audit_across, to_json
    from alzedge.utils.files import write_json

    parts = load_parts(datasets)
    with show_phases() as (on_phase, _):
        found = audit_across(parts, on_phase)
    write_json(folder / "audit.json", {"alzedge": __version__, "across": [to_json(across) for across in found]})
    click.echo("\n\n".join(map(across_text, found)))
    click.echo(f"wrote {folder / 'audit.json'}, which says who is who: keep it as you keep the data")
