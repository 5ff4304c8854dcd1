"""A report from sources to files: read, answer, draw, write."""

import tempfile
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

from alzedge.inference.classifier import Classifier
from alzedge.preparation.upright import TURNED, turned_where
from alzedge.reporting.compose import Pictures, chosen_rows, hash_of, make_report, make_tiles
from alzedge.reporting.content import UNTOLD, Report, Told
from alzedge.reporting.heat import LEGEND, heat_classifier
from alzedge.reporting.read import Material, read_material
from alzedge.utils.files import write_bytes

DOCUMENT, MEASUREMENTS = "report.dcm", "measurements.dcm"


def report_on(
    sources: Sequence[Path],
    model: Path | None,
    made: date,
    told: Told = UNTOLD,
    progress: Callable[[float], None] = lambda share: None,
) -> tuple[Report, Material]:
    """Answer for one person's slices, and put the report together.

    Args:
        sources: what `alzedge predict` takes, or a folder of `alzedge prepare`; all of one person.
        model: see `Classifier.load`.
        made: the day to print.
        told: age and sex.
        progress: called with the share of the work on a scan that is done.

    Returns:
        The report, and what was read.

    Raises:
        UserError: the model or a source cannot be read.
    """
    classifier = Classifier.load(model)
    material = read_material(sources, classifier.levels, progress)
    answers = classifier.answers(material.pixels, material.heights, told.age, told.sex)
    slices = turned_where(material.pixels, [TURNED in answer.notes for answer in answers])
    rows = chosen_rows(answers)
    explainer = heat_classifier(model, classifier)
    answered = any(answer.probabilities is not None for answer in answers)
    heat = explainer.heat_maps(slices[rows], told.age, told.sex) if explainer is not None and answered else None
    pictures = Pictures(make_tiles(slices, rows, heat, material.heights), hash_of(slices), LEGEND)
    person = classifier.person(answers, told.age, told.sex)
    report = make_report(classifier.record, person, answers, pictures, made, material.registration, told)
    return report, material


def write_report(report: Report, material: Material, kind: str, out: Path) -> tuple[Path, ...]:
    """Write a report; everything is made before the first file is.

    Args:
        report: its content.
        material: what it is about.
        kind: `html`, `pdf`, or `dicom`, which gives two files.
        out: the file; of `dicom` the folder.

    Returns:
        The files written.
    """
    if kind == "html":
        from alzedge.reporting.html import report_html

        write_bytes(out, report_html(report).encode())
        return (out,)
    from alzedge.reporting.pdf import report_pdf

    pdf = report_pdf(report)
    if kind == "pdf":
        write_bytes(out, pdf)
        return (out,)
    files = _dicom_files(report, material, pdf)
    _write_folder(out, files)
    return tuple(out / name for name in files)


def _write_folder(out: Path, files: dict[str, bytes]) -> None:
    """Write a new folder, all of it or nothing; an empty one may be there."""
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".alzedge-tmp-") as temporary:
        made = Path(temporary) / out.name
        made.mkdir()
        for name, data in files.items():
            write_bytes(made / name, data)
        if out.is_dir():
            out.rmdir()
        made.rename(out)


def _dicom_files(report: Report, material: Material, pdf: bytes) -> dict[str, bytes]:
    from alzedge.reporting.dicom_document import encapsulate, make_context, to_file
    from alzedge.reporting.structured import structured_report
    from alzedge.utils.privacy import hushed

    with hushed():
        seed = f"{report.images} {report.model.sha256} {report.made.isoformat()}"
        context = make_context(material.instances, seed, report.made)
        document = encapsulate(pdf, context)
        measurements = structured_report(report, context, context.instances or (document,))
        return {DOCUMENT: to_file(document), MEASUREMENTS: to_file(measurements)}
