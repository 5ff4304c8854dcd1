"""Identity in uploads: stripped in memory before anything is read, shown, kept or logged."""

import base64
import io
import re
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.canaries import Canaries, every_tag, mr_image, plant, quiet_pydicom, table_e1_1, write
from helpers.heads import head, with_caption
from PIL import Image

from alzedge.deidentify.in_memory import strip_dicom
from alzedge.demo.answering.evidence import Occlusion
from alzedge.demo.answering.uploads import read_uploads
from alzedge.demo.page.desk import Desk
from alzedge.demo.page.report_button import links_html
from alzedge.demo.serving.log_lines import ShortLines
from alzedge.errors import UserError
from alzedge.imaging.dicom import read_dicom
from alzedge.inference.classifier import Classifier

pydicom = pytest.importorskip("pydicom")
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")
GEOMETRY = ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SliceThickness", "SeriesInstanceUID")


def planted_series(folder: Path) -> tuple[list[bytes], Canaries]:
    """A series of six slices, one with canaries in every attribute of PS3.15 table E.1-1 but those that place it in space."""
    canaries, files = Canaries("ZQ"), []
    with quiet_pydicom():
        for number in range(6):
            dataset: Any = mr_image(head(208, 176, number), number=number)
            if number:
                files.append(write(folder / f"{number}.dcm", dataset).read_bytes())
                continue
            kept = {keyword: dataset[keyword] for keyword in GEOMETRY}
            plant(dataset, canaries, sorted(set(every_tag()) & set(table_e1_1())))
            for keyword, element in kept.items():
                dataset[keyword] = element
            files.append(write(folder / f"{number}.dcm", dataset, canaries=canaries).read_bytes())
    assert len(canaries.planted) > 600
    return files, canaries


def test_a_stripped_file_reads_like_the_original_and_holds_no_canary(tmp_path: Path) -> None:
    files, canaries = planted_series(tmp_path)
    stripped = [strip_dicom(data) for data in files]
    assert not [needle for needle in canaries.needles for data in stripped if needle in data]
    before, after = (
        read_dicom([(str(n), partial(io.BytesIO, data)) for n, data in enumerate(kind)], "series")
        for kind in (files, stripped)
    )
    np.testing.assert_array_equal(before.voxels, after.voxels)
    np.testing.assert_array_equal(before.affine, after.affine)


def test_words_for_the_contrast_and_padding_stay() -> None:
    dataset: Any = mr_image(np.full((96, 80), -2000, np.int16))
    dataset.SeriesDescription, dataset.ProtocolName = "Doe Jane sag T1 MPRAGE", "knows T2 too"
    dataset.PixelPaddingValue, dataset.ImageType = -2000, ["ORIGINAL", "PRIMARY", "LOCALIZER", "DOE"]
    dataset["PixelPaddingValue"].VR = "SS"
    buffer = io.BytesIO()
    dataset.file_meta = pydicom.dataset.FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.ImplicitVRLittleEndian
    pydicom.dcmwrite(buffer, dataset, enforce_file_format=True)
    found = pydicom.dcmread(io.BytesIO(strip_dicom(buffer.getvalue())))
    assert found.SeriesDescription == "t1 mprage t2" and found.PixelPaddingValue == -2000
    assert found.ImageType == ["ORIGINAL", "PRIMARY", "LOCALIZER", "OTHER"] and "PatientID" not in found
    assert found.file_meta.TransferSyntaxUID == pydicom.uid.ImplicitVRLittleEndian
    assert strip_dicom(b"no DICOM at all") == b"no DICOM at all"  # its reader refuses it


def test_what_says_or_shows_that_it_holds_text_is_refused(tmp_path: Path) -> None:
    dataset: Any = mr_image(head())
    dataset.BurnedInAnnotation = "YES"
    path = write(tmp_path / "screen.dcm", dataset)
    with pytest.raises(UserError, match=r"screen\.dcm: says itself that text is burned in"):
        read_uploads([path])
    Image.fromarray(with_caption(head(208, 176))).save(tmp_path / "caption.png")
    with pytest.raises(UserError, match=r"caption\.png: text in the pixels"):
        read_uploads([tmp_path / "caption.png"])


def test_nothing_that_a_visitor_takes_home_holds_a_canary(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    files, canaries = planted_series(tmp_path / "made")
    caplog.clear()
    classifier = Classifier.load(guarded=False)
    paths = []
    for number, data in enumerate(files):
        paths.append(tmp_path / f"{number}.dcm")
        paths[-1].write_bytes(data)
    shown = Desk(classifier, Occlusion(classifier), prepared=False).upload([str(path) for path in paths])
    assert shown.answered is not None and not [path for path in paths if path.exists()]
    links = str(links_html(classifier.record, shown.answered))
    taken = [base64.b64decode(content) for content in re.findall(r"base64,([^\"]+)", links)]
    assert len(taken) == 2 and taken[0].startswith(b"<!DOCTYPE html>") and taken[1].startswith(b"%PDF")
    pages = [text.encode() for text in (shown.view, shown.answer, links, caplog.text)]
    assert not [needle for needle in canaries.needles for data in (*pages, *taken) if needle in data]


def test_the_log_names_no_upload() -> None:
    stream = io.StringIO()
    log = ShortLines(stream)
    log.write(f"FileNotFoundError: '/tmp/alzedge-demo-x/{'0a' * 16}/Doe Jane.dcm' is gone\nfine\n")
    first, second = stream.getvalue().splitlines()
    assert re.fullmatch(rf"FileNotFoundError: '/tmp/alzedge-demo-x/{'0a' * 16}/<[0-9a-f]{{8}}>", first)
    assert second == "fine"
