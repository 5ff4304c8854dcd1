"""`alzedge predict`."""

import contextlib
import itertools
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from alzedge.commands.options import check_model, sex_option
from alzedge.inference.measures.person import check_person
from alzedge.stages import DISCLAIMER
from alzedge.utils.start import without_collection

if TYPE_CHECKING:  # imported when the command is called: its help is there at once
    from alzedge.inference.answering import Answerer, Result
    from alzedge.inference.writers import Writer
    from alzedge.monitoring.log import AnswerLog


@click.command("predict")
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--model", type=click.Path(path_type=Path), help="A file made by `alzedge export`. Default: the bundled student."
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
@click.option("--ray", "on_ray", is_flag=True, help="Answer on Ray, with --jobs actors; RAY_ADDRESS names a cluster.")
@click.option("--person", is_flag=True, help="Each PATH is one person: answer for all its slices together.")
@click.option(
    "--age",
    type=float,
    help="The person's age in years: gives the brain volume its percentile, and a model that is told ages the stages.",
)
@sex_option("The person's sex, for the same.")
@click.option("--no-prepare", is_flag=True, help="Cut volumes as they lie: for those that are in the frame already.")
@click.option("--no-guard", is_flag=True, help="Answer also for what is not an axial brain slice, such as phantoms.")
@click.option(
    "--log",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Add a line of numbers for each person to this file, for `alzedge drift`: no image, no name.",
)
def predict_command(
    paths: tuple[Path, ...],
    model: Path | None,
    threads: int,
    as_json: bool,
    table: Path | None,
    jobs: int,
    on_ray: bool,
    person: bool,
    age: float | None,
    sex: str | None,
    no_prepare: bool,
    no_guard: bool,
    log: Path | None,
) -> int:
    """Answer "any dementia?" on MRI slices and volumes, without TensorFlow.

    Each PATH is a JPEG, PNG, BMP, TIFF or WebP file of one skull-stripped axial T1 slice, 176 wide and 208
    high, 8-bit grey, posterior at the top, as in the Kaggle 4-class set; a T1 scan of a head as NIfTI,
    Analyze pair, DICOM file or folder of DICOM files, with or without its skull
    (`pip install 'alzedge[prepare]'`); or a folder or zip archive of these. Answers
    come in order: a folder's own files by name, then its sub-folders.

    Scans are brought into the frame first, about 10 s each, as `alzedge prepare` does; one that cannot be
    is refused with the reason. Use `alzedge prepare` to see how it fits. The answer for the person
    weighs the slices that look like those the model knows, by their height where it is known, as of those
    that `alzedge prepare` wrote; copies of a slice count once.

    The answer is a score for any dementia, above or below the model's operating threshold, whose
    sensitivity and specificity are printed; brain volume and apparent age with their 90 % intervals,
    where the model measures them, and with --age the volume's percentile among people without
    dementia; then the stages, which the model can hardly tell apart, and for a person those that
    cannot be ruled out. A model with age and sex as a second input weighs them in score and stages, and answers
    without. Age and sex are not stored. It is no diagnosis. On a terminal an answer takes several lines, in a pipe one.

    With --log each person adds a line to a file: features of the pictures, probabilities and what was measured, from which
    `alzedge drift` tells whether people differ from those before. The person is known of a scan, with --person, and of a
    slice that is asked about alone.

    What cannot be read is named on stderr, the others are answered, and the exit code is 2. A picture
    that is not an axial brain slice is refused, which is an answer.

    \b
    alzedge predict slice.jpg
    alzedge predict --json slices/*.jpg --model student_int8.tflite
    alzedge predict --person sub-01 sub-02           a folder of slices each
    alzedge predict head.nii.gz --age 74 --sex F     with the percentile of the brain volume
    alzedge predict archive.zip head.nii.gz --csv answers.csv --jobs 4
    alzedge predict --no-prepare volume.nii.gz       in the frame already
    alzedge predict --person sub-* --log answers.jsonl
    """
    if as_json and table is not None:
        raise click.UsageError("--json and --csv exclude each other.")
    if len(paths) > 1 and person and (age is not None or sex is not None):
        raise click.UsageError("--age and --sex are of one person; give one PATH with --person.")
    check_person(age, sex)
    check_model(model)
    if log is not None and log.exists() and not log.is_file():
        raise click.UsageError(f"--log {log} is not an ordinary file; name another.")

    with without_collection():
        from alzedge.commands.progress_bars import show_share
        from alzedge.inference.answering import Workload, answerer, as_one_person
        from alzedge.inference.inputs import find_items
        from alzedge.inference.predict import answer_items
        from alzedge.inference.writers import CsvWriter, JsonWriter, TextWriter, Writer
        from alzedge.metrics.caveats import (
            cannot_sentence,
            demographics_sentence,
            measured_sentences,
            operating_sentence,
        )

        measure = None
        if log is not None:
            from alzedge.monitoring.features import feature_values
            from alzedge.monitoring.log import AnswerLog

            measure = feature_values
        workload = Workload(model, threads, not no_guard, jobs, on_ray, not no_prepare, age, sex, measure)
        loaded = answerer(workload)  # a model that is refused is refused before anything is printed
    record = loaded.record
    kept = None if log is None else AnswerLog(log, record["sha256"])
    notes = {"any_dementia": operating_sentence(record), **measured_sentences(record, age)}
    notes["stages"] = cannot_sentence(record)
    if weighed := demographics_sentence(record, age, sex):
        notes["demographics"] = weighed
    with _stream(table) as stream:
        writer: Writer = TextWriter(stream, age, sex)
        if as_json:
            writer = JsonWriter(stream, record, notes)
        elif table is not None:
            writer = CsvWriter(stream)
        with show_share("registering") as on_share:
            results = answer_items(find_items(paths), workload, on_share)
            if person:
                items = ((str(path), answer_items(find_items([path]), workload, on_share)) for path in paths)
                each = (as_one_person(name, own, loaded.person) for name, own in items)
                results = itertools.chain.from_iterable(each)
            if kept is not None:
                results = _logged(results, kept, loaded, not no_prepare)
            answered, refused, failed = _write(results, writer, stream)
    if table is not None and str(table) != "-":
        click.echo(f"wrote {table}: {answered} answered, {refused} refused, {failed} not read", err=True)
    if answered + refused and not as_json:
        click.echo("\n".join([*notes.values(), DISCLAIMER]), err=True)
    return 2 if failed else 0


def _write(results: Iterator["Result"], writer: "Writer", stream: TextIO) -> tuple[int, int, int]:
    """Write results as they come, show errors on stderr, and count those answered, refused by the guard, and not read."""
    from alzedge.commands.progress_bars import show_count
    from alzedge.utils.parsing import printable

    answered = refused = failed = 0
    for result in show_count(results, "answering", stream):
        writer.write(result)
        for note in result.notes:
            click.echo(f"alzedge: {printable(result.name)}: {printable(note)}", err=True)
        if result.error is not None:
            failed += 1
            click.echo(f"alzedge: {printable(result.error)}", err=True)
        elif all(answer.refused for answer in result.answers):
            refused += 1
        else:
            answered += 1
    writer.close()
    return answered, refused, failed


def _logged(results: Iterator["Result"], log: "AnswerLog", answerer: "Answerer", prepared: bool) -> Iterator["Result"]:
    """Add each result to the log as it passes; one slice is a person's only where it is all that was asked about."""
    first = list(itertools.islice(results, 2))
    alone = len(first) == 1
    for result in itertools.chain(first, results):
        if result.answers:
            person = result.person or answerer.person(result.answers)
            known = result.person is not None or bool(result.positions) or alone
            heights = result.positions if prepared else ()  # cut as it lies, a volume has heights of its own
            log.add(result.features, result.answers, person, heights, known)
        yield result


@contextlib.contextmanager
def _stream(table: Path | None) -> Iterator[TextIO]:
    """The stream for the answers: the table, whole or not at all, or stdout."""
    if table is None or str(table) == "-":
        yield sys.stdout
        return
    from alzedge.utils.files import replacing

    with (
        replacing(table) as temporary,
        temporary.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file,
    ):
        yield file
