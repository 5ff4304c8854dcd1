"""`alzedge prepare`."""

from collections import Counter
from pathlib import Path

import click


@click.command("prepare")
@click.argument("scans", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Output folder.")
@click.option("--jobs", type=click.IntRange(1, 64), default=1, show_default=True, help="Processes.")
@click.option("--overwrite", is_flag=True, help="Replace what other scans have left in the folders.")
def prepare_command(scans: tuple[Path, ...], out: Path, jobs: int, overwrite: bool) -> int:
    """Bring T1 scans of a head into the atlas frame and cut them into slices.

    SCANS are NIfTI files, Analyze pairs (.hdr or .img), DICOM files or folders of one patient's DICOM files (of several
    series the T1 volume is chosen, and the choice told), session folders of OASIS-1, or folders of any number of these. A scan may still have its skull, lie in any
    direction, and have voxels of any size; it is registered to an average brain, masked, and cut at the 32 levels of
    the Kaggle set. Writes for each scan OUT/NAME/slices/*.png, volume.nii.gz, quality.json and quality.png: look at that
    picture before you believe an answer.

    A scan that cannot be registered is refused with the reason; the others are prepared all the same. Called again after
    an interruption, it goes on where it was: scans that are prepared already are passed over.

    \b
    alzedge prepare head.nii.gz --out prepared
    alzedge prepare scans --out prepared --jobs 2
    alzedge predict prepared/head
    """
    from alzedge.stages import DISCLAIMER
    from alzedge.utils.archives import check_source
    from alzedge.utils.extras import require

    require("prepare")
    for scan in scans:
        check_source(scan)

    from alzedge.commands.progress_bars import show_share
    from alzedge.preparation.batch import prepare_scans

    verdicts: Counter[str] = Counter()
    with show_share("preparing") as on_share:
        for outcome in prepare_scans(scans, out, jobs, overwrite, on_share):
            verdicts[outcome.verdict or "refused"] += 1
            if outcome.error is not None:
                click.echo(f"alzedge: {outcome.error}", err=True)
                continue
            done = "prepared already in" if outcome.before else "wrote"
            click.echo(f"{outcome.scan}: {outcome.verdict}, {done} {outcome.folder}")
            for remark in outcome.remarks:
                click.echo(f"  {remark}")
    if verdicts.total() > 1:
        click.echo(
            f"{verdicts.total()} scans: " + ", ".join(f"{n} {verdict}" for verdict, n in sorted(verdicts.items()))
        )
    click.echo(DISCLAIMER, err=True)
    return 2 if verdicts["refused"] else 0
