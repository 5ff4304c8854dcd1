"""The command `predict`."""

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import click

from alzedge.stages import DISCLAIMER


@click.command("predict")
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--model",
    type=click.Path(path_type=Path),
    help="A file made by `alzedge export`, or a Hub repository as OWNER/NAME. Default: the bundled student.",
)
@click.option(
    "--threads", type=click.IntRange(1, 64), default=1, show_default=True, help="Threads of each interpreter."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of text.")
@click.option(
    "--csv",
    "table",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    help="Write a table instead of text; - prints it.",
)
@click.option(
    "--jobs", type=click.IntRange(1, 256), default=1, show_default=True, help="Processes with an interpreter each."
)
@click.option("--no-guard", is_flag=True, help="Answer also for what is no axial brain slice, such as phantoms.")
@click.option("--ray", "on_ray", is_flag=True, help="Answer on Ray, with --jobs actors; RAY_ADDRESS names a cluster.")
def predict_command(
    paths: tuple[Path, ...],
    model: Path | None,
    threads: int,
    as_json: bool,
    table: Path | None,
    jobs: int,
    no_guard: bool,
    on_ray: bool,
) -> int:
    """Estimate the stage on MRI slices and volumes, without TensorFlow.

    Each PATH is a JPEG or PNG file of one skull-stripped axial T1 slice, 176 wide and 208
    high, 8-bit grey, as in the Kaggle 4-class set; a volume as NIfTI, DICOM file or folder of a
    DICOM series (`pip install 'alzedge[medical]'`); or a folder or zip archive of these. Answers
    come in order: a folder's own files by name, then its sub-folders.

    Volumes should be skull-stripped T1, best registered to an atlas as OASIS-1's are; the answer
    for the person is the mean over the slices that look like those the model knows. The
    probabilities are the model's own words and no diagnosis.

    What cannot be read is told on stderr, the others are answered, and the exit code is 2. A picture
    that is no axial brain slice is refused, which is an answer.

    \b
    alzedge predict slice.jpg
    alzedge predict --json slices/*.jpg --model student_int8.tflite
    alzedge predict archive.zip head.nii.gz --csv answers.csv --jobs 4
    """
    from alzedge.bulk import Workload, answer_items, chunks
    from alzedge.items import find_items
    from alzedge.modelfile import read_record
    from alzedge.progress import show_count
    from alzedge.runtime import find_model

    if as_json and table is not None:
        raise click.UsageError("--json and --csv exclude each other.")
    chosen = find_model(model)
    record = read_record(chosen)
    workload = Workload(chosen, threads, jobs, not no_guard)
    if on_ray:
        from alzedge.cluster import answer_on_ray

        results = answer_on_ray(chunks(find_items(paths)), workload)
    else:
        results = answer_items(find_items(paths), workload)
    answered = failed = 0
    with _stream(table) as stream:
        from alzedge.answer_writers import CsvWriter, JsonWriter, TextWriter, printable

        writer = CsvWriter(stream) if table else JsonWriter(stream, record) if as_json else TextWriter(stream)
        for result in show_count(results, "answering", stream):
            writer.write(result)
            if result.error is None:
                answered += 1
            else:
                failed += 1
                click.echo(f"alzedge: {printable(result.error)}", err=True)
        writer.close()
    if answered and not as_json:
        click.echo(DISCLAIMER, err=True)
    return 2 if failed else 0


@contextlib.contextmanager
def _stream(table: Path | None) -> Iterator[TextIO]:
    """Where answers go: the table, whole or not at all, or stdout."""
    if table is None or str(table) == "-":
        yield sys.stdout
        return
    from alzedge.files import replacing

    with (
        replacing(table) as temporary,
        temporary.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file,
    ):
        yield file
