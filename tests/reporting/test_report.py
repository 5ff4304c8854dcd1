"""Reports: the same content in HTML, PDF and DICOM, nobody's name in them, the banner on every page."""

import json
import re
import shutil
import subprocess
from dataclasses import replace
from datetime import date
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.commands import assert_refused, call_cli
from helpers.heads import head
from helpers.measuring import measuring_record
from helpers.volumes import save_series
from PIL import Image

from alzedge.deidentify.images import clean_image
from alzedge.errors import UserError
from alzedge.imaging.slices import read_slice
from alzedge.inference.answer import Answer, together
from alzedge.inference.classifier import Classifier
from alzedge.inference.measures.quantities import ApparentAge, BrainVolume
from alzedge.inference.writers import entries
from alzedge.model_file.bundled import bundled_model
from alzedge.model_file.read_write import read_tflite
from alzedge.preparation.upright import TURNED
from alzedge.reporting.compose import Pictures, chosen_rows, hash_of, make_report, make_tiles, png
from alzedge.reporting.content import Registration, Report, Told
from alzedge.reporting.html import report_html
from alzedge.reporting.read import read_material
from alzedge.reporting.wording import figures, heading, trust
from alzedge.reporting.write import report_on
from alzedge.stages import DISCLAIMER, STAGES

pydicom = pytest.importorskip("pydicom")
pytest.importorskip("highdicom")
pytest.importorskip("reportlab")

DAY = date(2026, 1, 31)
EXAMPLE = Path(str(resources.files("alzedge.demo.answering"))) / "example"
PAGE = re.compile(rb"/Type /Page\b")


@pytest.fixture(scope="module")
def report() -> Report:
    """Everything that a report may hold, about slices that are nobody's."""
    slices = np.stack([head(208, 176, seed) for seed in range(12)])
    person = Answer(
        dict(zip(STAGES, (0.4, 0.3, 0.2, 0.1), strict=True)),
        threshold=0.5,
        brain_volume=BrainVolume(0.771, 0.752, 0.79, 31.4),
        apparent_age=ApparentAge(71.2, 60.1, 82.3),
        stage_set=STAGES[:2],
    )
    answers = [replace(person, unlikeness=0.1 * row) for row in range(11)] + [Answer(None, "no brain", 1.7)]
    rows = chosen_rows(answers)
    heat = np.random.default_rng(0).normal(size=(len(rows), 5, 4, 4)).astype(np.float32)
    tiles = make_tiles(slices, rows, heat, [float(row) for row in range(12)])
    return make_report(
        measuring_record(),
        person,
        answers,
        Pictures(tiles, hash_of(slices), "Orange speaks for it."),
        DAY,
        Registration("doubtful", ("thick slices <5 mm>",), png(slices[0])),
        Told(71, "F"),
    )


def test_html_holds_everything_and_asks_nobody_for_anything(report: Report) -> None:
    text = report_html(report)
    for part in (
        *(
            "Any dementia: above the threshold",
            "0.600",
            "threshold 0.500",
            "0.771",
            "0.752 to 0.790",
            "31st percentile of women",
        ),
        *(
            "71 years",
            "60 to 82",
            "not ruled out: no dementia or very mild dementia",
            'class="norm"',
            "11 of 12 slices",
            "0.00 to 1.70",
            "sensitivity",
            "2026-01-31",
        ),
        *(report.model.sha256, report.images, "Registration: doubtful (thick slices &lt;5 mm&gt;)", "71 years, F"),
    ):
        assert part in text, part
    assert text.count("data:image/png") == 2 * 8 + 1 and DISCLAIMER in text
    assert not re.search(r"(src|href)=\"(?!data:)", text) and "<script" not in text
    assert report_html(report) == text


def test_hostile_text_is_text(report: Report) -> None:
    from alzedge.reporting.pdf import report_pdf

    evil = "<script>1</script><img src=x>&amp;\N{SNOWMAN}"
    hostile = replace(report, operating=evil, model=replace(report.model, kind=evil))
    assert "<script" not in report_html(hostile) and "&lt;script&gt;" in report_html(hostile)
    assert report_pdf(hostile).startswith(b"%PDF")


def test_pdf_is_one_page_and_the_same_bytes_again(report: Report) -> None:
    from alzedge.reporting.pdf import report_pdf

    pdf = report_pdf(report)
    assert report_pdf(report) == pdf != report_pdf(replace(report, made=date(2026, 2, 1)))
    assert len(PAGE.findall(pdf)) == 1
    assert len(PAGE.findall(report_pdf(replace(report, limits=("words " * 400,) * 4)))) > 1


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="pdftotext (Debian: poppler-utils) is not installed")
def test_every_page_of_the_pdf_has_the_banner(report: Report, tmp_path: Path) -> None:
    from alzedge.reporting.pdf import report_pdf

    (tmp_path / "long.pdf").write_bytes(report_pdf(replace(report, limits=("words " * 400,) * 4)))
    text = subprocess.run(["pdftotext", tmp_path / "long.pdf", "-"], check=True, capture_output=True, text=True).stdout
    pages = text.strip("\f").split("\f")
    assert len(pages) > 1 and all(DISCLAIMER in page for page in pages)


def test_refused_slices_give_a_report_without_an_answer() -> None:
    slices = head(208, 176)[None]
    answers = [Answer(None, "it does not look like a slice", 2.5)]
    pictures = Pictures(make_tiles(slices, [0], None), "0", "")
    refused = make_report(read_tflite(bundled_model())[1], together(answers), answers, pictures, DAY)
    assert heading(refused) == "No answer" and figures(refused)[0].name == "Refused"
    assert "No answer" in report_html(refused) and "gauge" not in report_html(refused).split("</style>")[1]


def dicom_files(report: Report, folder: Path, source: list[Path]) -> dict[str, Any]:
    from alzedge.reporting.read import Material
    from alzedge.reporting.write import write_report

    instances = tuple(pydicom.dcmread(path, stop_before_pixels=True) for path in source)
    material = Material(np.zeros((1, 208, 176), np.uint8), (), None, instances)
    return {path.name: pydicom.dcmread(path) for path in write_report(report, material, "dicom", folder)}


def test_dicom_reads_back_and_belongs_to_the_source(report: Report, tmp_path: Path) -> None:
    from highdicom.sr import srread

    series = save_series(tmp_path / "series", np.stack([head(64, 64, n) for n in range(3)]))
    for path in series.iterdir():
        dataset = pydicom.dcmread(path)
        dataset.StudyInstanceUID, dataset.PatientComments, dataset.OtherPatientIDs = "1.2.9", "SECRET", "SECRET"
        dataset.save_as(path)
    files = dicom_files(report, tmp_path / "out", sorted(series.iterdir()))
    document, measurements = files["report.dcm"], files["measurements.dcm"]
    assert document.EncapsulatedDocument.startswith(b"%PDF") and len(document.SourceInstanceSequence) == 3
    for one in (document, measurements):
        assert (one.StudyInstanceUID, one.PatientID, one.PatientName) == ("1.2.9", "4711", "Doe^Jane")
        assert b"SECRET" not in (tmp_path / "out" / Path(one.filename).name).read_bytes()
    content = srread(tmp_path / "out" / "measurements.dcm").content
    (container,) = [item for item in content[0].ContentSequence if item.name.value == "126010"]
    (group,) = container.ContentSequence
    found = {item.name.value: item for item in group.ContentSequence}
    assert found["NWBV"].value == 0.771 and found["APPAGE"].unit.value == "a"
    assert found["ANYDEM"].value.value == "ABOVE"
    again = dicom_files(report, tmp_path / "again", sorted(series.iterdir()))
    for name in again:
        assert (tmp_path / "again" / name).read_bytes() == (tmp_path / "out" / name).read_bytes()
    sources = {
        ref.ReferencedSOPSequence[0].ReferencedSOPInstanceUID
        for ref in group.ContentSequence
        if "ReferencedSOPSequence" in ref
    }
    assert sources == {pydicom.dcmread(path).SOPInstanceUID for path in series.iterdir()}
    remarks = [item.TextValue for item in content[0].ContentSequence if item.name.value == "121106"]
    assert remarks[0] == DISCLAIMER and report.operating in remarks


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="dciodvfy (Debian: dicom3tools) is not installed")
@pytest.mark.parametrize("with_source", [True, False])
def test_dciodvfy_finds_no_error(report: Report, tmp_path: Path, with_source: bool) -> None:
    source: list[Path] = []
    if with_source:
        source = sorted(save_series(tmp_path / "series", np.stack([head(64, 64, n) for n in range(3)])).iterdir())
        for path in source:
            dataset = pydicom.dcmread(path)
            dataset.StudyInstanceUID, dataset.Modality = "1.2.9", "MR"
            dataset.save_as(path)
    for name in dicom_files(report, tmp_path / "out", source):
        told = subprocess.run(["dciodvfy", tmp_path / "out" / name], check=False, capture_output=True, text=True)
        lines = [line for line in (told.stdout + told.stderr).splitlines() if line.startswith(("Error", "Warning"))]
        known = ("needed to build DICOMDIR", "Unrecognized defined term <99ALZEDGE>")
        assert not [line for line in lines if not any(part in line for part in known)], name


def test_a_slice_upside_down_is_drawn_and_explained_turned_and_the_report_says_so(tmp_path: Path) -> None:
    upright = read_slice(EXAMPLE / "slice4.png")
    for name, pixels in (("up", upright), ("down", upright[::-1])):
        Image.fromarray(pixels).save(tmp_path / f"{name}.png")
    up, down = (report_on([tmp_path / f"{name}.png"], None, DAY)[0] for name in ("up", "down"))
    assert down.tiles == up.tiles and down.tiles[0].heat and down.images == up.images
    assert f"Slice 1: {TURNED}." in trust(down) and not any("upside down" in one for one in trust(up))
    told = call_cli("explain", tmp_path / "down.png", "--out", tmp_path / "evidence.png")
    assert f"down.png: {TURNED}" in told.stderr


def test_wording_of_one_slice_near_the_threshold_and_of_an_age_off_the_curve(report: Report) -> None:
    volume = replace(report.person.brain_volume, percentile=None)
    person = replace(report.person, threshold=0.60004, brain_volume=volume)
    one = replace(report, slices=report.slices[3:4], person=person, told=Told(97, "F"))
    assert (figures(one)[0].value, figures(one)[0].note) == ("0.600000", "threshold 0.600040")
    words = trust(one)
    assert "The slice was answered; its unlikeness to slices the model knows is 0.30, refused above 1." in words
    assert any("no percentile at 97" in sentence for sentence in words)
    assert not any("no percentile" in sentence for sentence in trust(report))


def test_a_slice_on_its_side_gets_the_cure_in_reports(tmp_path: Path) -> None:
    upright = read_slice(EXAMPLE / "slice4.png")
    wide, same = tmp_path / "wide.png", tmp_path / "same.png"
    Image.fromarray(np.rot90(upright)).save(wide)
    Image.fromarray(np.rot90(np.pad(upright, ((0, 0), (16, 16))))[:, 16:-16]).save(same)
    with pytest.raises(UserError, match=r"wide\.png: .*turn it so that posterior is at the top"):
        report_on([wide], None, DAY)
    assert "turn it so that posterior is at the top" in figures(report_on([same], None, DAY)[0])[0].value


def prepared_folder(folder: Path, figures: str) -> Path:
    shutil.copytree(EXAMPLE, folder / "slices", ignore=shutil.ignore_patterns("*.txt"))
    (folder / "quality.json").write_text(figures)
    (folder / "quality.png").write_bytes(clean_image((EXAMPLE / "slice1.png").read_bytes()))
    return folder


def test_a_prepared_scan_brings_its_registration(tmp_path: Path) -> None:
    folder = prepared_folder(tmp_path / "scan", json.dumps({"verdict": "good", "reasons": [], "notes": ["thin"]}))
    for path in (folder, folder / "slices"):
        material = read_material([path], [0.0])
        assert len(material.pixels) == 7 and material.registration is not None
        assert (material.registration.verdict, material.registration.remarks) == ("good", ("thin",))
        assert material.registration.picture
    thick = prepared_folder(tmp_path / "b", json.dumps({"verdict": "doubtful", "reasons": ["thick"], "notes": []}))
    both = read_material([folder, thick], [0.0]).registration
    assert both == Registration("doubtful", ("the worst of 2 scans", "thin", "thick"), None)
    assert read_material([folder, folder / "slices"], [0.0]).registration == material.registration
    broken = prepared_folder(tmp_path / "broken", "{}")
    with pytest.raises(UserError, match=r"quality\.json: damaged"):
        read_material([broken], [0.0])


def test_a_folder_of_prepared_slices_is_answered_alike_by_report_predict_and_the_api(tmp_path: Path) -> None:
    slices = prepared_folder(tmp_path / "scan", json.dumps({"verdict": "good", "reasons": [], "notes": []})) / "slices"
    for level, path in enumerate(sorted(slices.iterdir()), 1):
        path.rename(slices / f"level_{level:02d}_z{5 * level - 20:+03d}.png")
    told = json.loads(call_cli("predict", "--json", "--person", slices).stdout)["predictions"][0]
    report, material = report_on([slices], None, DAY)
    assert material.heights == tuple(range(-15, 20, 5)) and report.tiles[0].caption == "slice 1, -15 mm"
    asked = Classifier.load().predict(slices)
    assert asked.heights == material.heights
    for person in (report.person, asked.person):
        assert entries(person) == {name: told[name] for name in entries(person)}
    (slices.parent / "quality.json").unlink()  # then nothing tells that they lie in the frame
    unknown = Classifier.load().predict(slices)
    assert unknown.heights == (None,) * 7 and unknown.person != asked.person


def test_the_command_writes_all_formats_or_nothing(tmp_path: Path) -> None:
    folder = prepared_folder(tmp_path / "Doe Jane 4711", json.dumps({"verdict": "good", "reasons": [], "notes": []}))
    for out in ("a.html", "a.pdf"):
        result = call_cli("report", folder, "--out", tmp_path / out, "--age", "50", "--sex", "f")
        assert result.returncode == 0, result.stderr
        assert result.stdout == f"wrote {tmp_path / out}\n" and DISCLAIMER in result.stderr
        assert b"Doe Jane" not in (tmp_path / out).read_bytes()
    assert "Any dementia: below" in (tmp_path / "a.html").read_text()
    call_cli("report", folder, "--format", "dicom", "--out", tmp_path / "dicom")
    assert sorted(path.name for path in (tmp_path / "dicom").iterdir()) == ["measurements.dcm", "report.dcm"]
    assert_refused(call_cli("report", folder, "--format", "dicom", "--out", tmp_path / "dicom"), "not an empty folder")
    (folder / "slices" / "slice8.png").write_bytes(b"broken")
    assert_refused(call_cli("report", folder, "--out", tmp_path / "b.pdf"), "slice8.png")
    assert not (tmp_path / "b.pdf").exists()
