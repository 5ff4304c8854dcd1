"""The command `deidentify`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from alzedge.errors import UserError

if TYPE_CHECKING:
    from alzedge.deidentify.journal import Outcome, Report
    from alzedge.deidentify.rules.pseudonyms import Pseudonyms

_path = click.Path(path_type=Path)


@click.command("deidentify")
@click.argument("source", metavar="[SRC]", required=False, type=_path)
@click.argument("destination", metavar="[DST]", required=False, type=_path)
@click.option("--key", type=_path, help="Text file with the secret key, kept apart from the data. Default: asked for.")
@click.option("--jobs", type=click.IntRange(1, 256), default=1, show_default=True, help="Processes.")
@click.option(
    "--deface", is_flag=True, help="Remove faces from T1 scans with their skull; what could not be defaced is left out."
)
@click.option(
    "--left-out",
    "listing",
    metavar="FILE",
    type=_path,
    help="Write a table of the files that were left out, with reasons. It holds original names: keep it with SRC.",
)
@click.option("--check", metavar="DST", type=_path, help="Audit an earlier DST instead; needs neither key nor SRC.")
@click.option(
    "--values",
    metavar="FILE",
    type=_path,
    help="With --check: text file of names and numbers, one a line, that must occur nowhere in DST.",
)
def deidentify_command(
    source: Path | None,
    destination: Path | None,
    key: Path | None,
    jobs: int,
    deface: bool,
    listing: Path | None,
    check: Path | None,
    values: Path | None,
) -> int:
    """Remove identity from DICOM, NIfTI, PNG, JPEG and TIFF files.

    Reads SRC, a file or a folder of any depth, and writes clean copies into DST, a new folder. What is not needed for
    imaging is removed; people, studies and files get pseudonyms from the key, the same ones whenever the same key is
    used; dates move by a number of days for each person; files with text in the pixels are left out, and so is every
    file that cannot be cleaned. Originals are only read. A call that was interrupted is repeated to go on.

    Without --deface faces stay: a scan that is not skull-stripped shows who it is. DST holds a report of what was
    kept, `deidentification.json`; --check audits every byte of it and exits with 1 where it finds something.

    \b
    alzedge deidentify export clean --key ~/keys/study.txt --jobs 2
    alzedge deidentify --check clean
    """
    from alzedge.utils.extras import require

    require("deidentify")
    if check is not None:
        if source is not None or key is not None or listing is not None or deface:
            raise click.UsageError("--check goes with --jobs and --values alone.")
        return _check(check, values, jobs)
    if source is None or destination is None:
        raise click.UsageError("name SRC and DST, or --check DST.")
    if values is not None:
        raise click.UsageError("--values goes with --check.")
    if not source.exists():
        raise UserError(f"{source}: no such file or folder; check the path.")  # before a key is asked for
    for path in (key, listing):
        if path is not None and path.resolve().is_relative_to(destination.resolve()):
            raise UserError("the key and the table of what was left out must not lie in DST; name another place.")
    _deidentify(source, destination, _pseudonyms(key, source), jobs, deface, listing)
    return 0


def _pseudonyms(key: Path | None, source: Path) -> "Pseudonyms":
    from alzedge.deidentify.rules.pseudonyms import derive, read_key

    if key is None:
        return derive(click.prompt("key", hide_input=True, confirmation_prompt=True, err=True))
    if source.is_dir() and key.resolve().is_relative_to(source.resolve()):
        raise UserError("the key lies beside the data in SRC; keep it elsewhere.")
    return read_key(key)


def _deidentify(
    source: Path, destination: Path, pseudonyms: "Pseudonyms", jobs: int, deface: bool, listing: Path | None
) -> None:
    from alzedge.commands.progress_bars import show_phases
    from alzedge.deidentify.run import deidentify
    from alzedge.utils.files import write_text

    left_out: list[str] = []
    with show_phases() as (on_phase, on_item):
        on_phase("de-identifying")

        def on_file(path: str, outcome: "Outcome") -> None:
            if outcome.left_out:
                left_out.append(f"{path}\t{outcome.left_out}\n")
            on_item()

        report = deidentify(source, destination, pseudonyms, jobs, deface, on_file)
    if listing is not None:
        write_text(listing, "".join(left_out))
    click.echo(_text(report, destination, deface))


def _text(report: "Report", destination: Path, deface: bool) -> str:
    """The report in a few lines; it names nobody."""
    kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(report.files.items()))
    lines = [f"wrote {report.written} files ({kinds}) of {report.people} people to {destination}"]
    if report.kept:
        lines.append(f"kept {len(report.kept)} DICOM attributes, left {report.removed} values of others behind:")
        lines.append("  " + ", ".join(f"{name} {count}" for name, count in sorted(report.kept.items())))
    if report.duplicates:
        lines.append(f"{report.duplicates} files equal to another one")
    lines += [f"left out {count}: {reason}" for reason, count in report.left_out.most_common()]
    if deface:
        share = report.touched / max(report.brain, 1)
        stripped = report.written - report.defaced
        lines.append(f"removed the face from {report.defaced} files, and {share:.6%} of their brain voxels with it")
        lines.append(f"{stripped} files are skull-stripped or sidecars, and have no face")
    else:
        lines.append("faces were not removed: treat scans that are not skull-stripped as identifiable")
    return "\n".join(lines)


def _check(folder: Path, values: Path | None, jobs: int) -> int:
    from alzedge.commands.progress_bars import show_phases
    from alzedge.deidentify.audit import audit_folder

    wanted: tuple[str, ...] = ()
    if values is not None:
        try:
            wanted = tuple(line.strip() for line in values.read_text("utf-8").splitlines() if line.strip())
        except UnicodeDecodeError:
            raise UserError(f"{values} is not a text in UTF-8; save it as one.") from None
    with show_phases() as (on_phase, on_item):
        on_phase("auditing")
        audit = audit_folder(folder, wanted, jobs, on_item)
    for problem, count in audit.found.most_common():
        shown = f", first in {audit.where[problem]}" if problem in audit.where else ""
        click.echo(f"{count} x {problem}{shown}")
    click.echo(
        f"{audit.files} files audited: {'NOT clean' if audit.found else 'nothing found that the rules do not allow'}"
    )
    return 1 if audit.found else 0
