"""Rules of the allow-list: dates, ages, pseudonyms, values, and what is refused by its header."""

from collections.abc import Callable
from datetime import date
from typing import Any

import numpy as np
import pytest
from helpers.canaries import mr_image, write
from helpers.heads import head, with_caption

from alzedge.deidentify.dicom import CleanImage, clean_dicom
from alzedge.deidentify.rules.allow_list import ALLOWED, MR_IMAGE_CLASSES, Rule
from alzedge.deidentify.rules.dates import age_between, capped_age, shifted
from alzedge.deidentify.rules.pseudonyms import derive
from alzedge.deidentify.rules.refusals import LeftOut
from alzedge.deidentify.rules.values import plain_value
from alzedge.errors import UserError

pydicom = pytest.importorskip("pydicom")
pytest.importorskip("scipy")

KEY = "the key of these tests, kept nowhere"
Change = Callable[[Any], None]


@pytest.fixture
def cleaned(tmp_path: Any) -> Callable[..., tuple[Any, CleanImage]]:
    """De-identifies an MR image after some change to it."""

    def clean(
        change: Change = lambda dataset: None, key: str = KEY, syntax: str = "1.2.840.10008.1.2.1", **image: Any
    ) -> Any:
        dataset = mr_image(image.pop("pixels", head()), **image)
        change(dataset)
        done = clean_dicom(write(tmp_path / "a.dcm", dataset, syntax).read_bytes(), derive(key))
        path = tmp_path / "clean.dcm"
        path.write_bytes(done.data)
        return pydicom.dcmread(path), done

    return clean


def test_every_rule_of_the_list_names_a_real_attribute_and_a_reason() -> None:
    keywords = [allowed.keyword for allowed in ALLOWED]
    assert len(keywords) == len(set(keywords))
    for allowed in ALLOWED:
        tag = pydicom.datadict.tag_for_keyword(allowed.keyword)
        assert tag is not None and allowed.reason.startswith("PS3.")
        assert (pydicom.datadict.dictionary_VR(tag) == "SQ") == (
            allowed.rule is Rule.SEQUENCE or allowed.keyword == "DeidentificationMethodCodeSequence"
        )
    for uid, name in MR_IMAGE_CLASSES.items():
        assert pydicom.uid.UID(uid).name.startswith(name)


@pytest.mark.parametrize(
    ("text", "days", "expected"),
    [
        ("20200301", 1, "20200229"),
        ("2020.03.01", 366, "20190301"),
        (" 20200301 ", 0, "20200301"),
        ("20201301", 1, ""),
        ("MUELLER", 1, ""),
        ("00010101", 400, ""),
    ],
)
def test_dates_move_by_the_calendar(text: str, days: int, expected: str) -> None:
    assert shifted(text, days) == expected


@pytest.mark.parametrize(
    ("age", "expected"),
    [("088Y", "088Y"), ("089Y", "089Y"), ("090Y", "089Y"), ("103Y", "089Y"), ("1092M", "089Y"), ("011M", "011M"),
     ("30W", "030W"), ("07", ""), ("old", ""), ("", "")],
)  # fmt: skip
def test_ages_are_capped(age: str, expected: str) -> None:
    assert capped_age(age) == expected


def test_an_age_is_reckoned_where_only_the_birth_date_says_it() -> None:
    assert age_between("19400301", "20200229") == "079Y"
    assert age_between("19400229", "20200229") == "080Y"
    assert age_between("19200101", "20200229") == "089Y"
    assert age_between("", "20200229") == age_between("20210101", "20200229") == ""


def test_pseudonyms_are_keyed_steady_and_of_one_form() -> None:
    one, other = derive(KEY), derive(KEY + "!")
    assert one.patient("4711") == derive(f" {KEY}\n").patient(" 4711 ") != other.patient("4711")
    assert one.patient("4711", "clinic") != one.patient("4711") != one.patient("4712")
    assert one.token("file", "a", "bc") != one.token("file", "ab", "c")
    assert one.uid("1.2.3") != other.uid("1.2.3") and pydicom.uid.UID(one.uid("1.2.3")).is_valid
    days = [one.days(one.patient(str(number))) for number in range(500)]
    assert 366 <= min(days) < 500 and 3900 < max(days) <= 4015
    assert "secret" not in repr(one) and one.secret.hex() not in repr(one)
    with pytest.raises(UserError, match="shorter than 16 characters.*openssl rand"):
        derive("short")


def test_numbers_are_numbers_and_codes_are_codes() -> None:
    rules = {allowed.keyword: allowed for allowed in ALLOWED}
    assert plain_value(rules["EchoTime"], ["4.00"]) == ["4.00"]
    assert plain_value(rules["EchoTime"], ["4711 Doe"]) == plain_value(rules["EchoTime"], ["nan"]) == []
    assert plain_value(rules["RepetitionTime"], ["1234567890"]) == []
    assert plain_value(rules["InstanceNumber"], [12345678]) == []
    assert plain_value(rules["PixelSpacing"], ["1", "Doe"]) == []
    hidden = float(np.frombuffer(b"Doe^Jane"[:7] + b"?", "<f8")[0])
    assert plain_value(rules["EffectiveEchoTime"], [hidden]) != [hidden]
    assert plain_value(rules["ImageType"], ["ORIGINAL", "PRIMARY", "DOE_JANE"]) == ["ORIGINAL", "PRIMARY", "OTHER"]
    assert plain_value(rules["BodyPartExamined"], ["Jane's head"]) == []
    assert plain_value(rules["Manufacturer"], ["Siemens Healthineers of Dr. Doe"]) == ["SIEMENS"]
    assert plain_value(rules["Manufacturer"], ["GE MEDICAL SYSTEMS"]) == ["GE MEDICAL SYSTEMS"]
    assert plain_value(rules["Manufacturer"], ["Doe"]) == []


def test_what_imaging_needs_stays_to_the_last_digit(cleaned: Callable[..., Any]) -> None:
    pixels = head().astype(np.int16) * 7 - 40
    found, done = cleaned(pixels=pixels)
    before = mr_image(pixels)
    for keyword in ("PixelSpacing", "ImagePositionPatient", "ImageOrientationPatient", "SliceThickness", "EchoTime",
                    "RepetitionTime", "FlipAngle", "ImageType", "PatientSex", "Manufacturer", "InstanceNumber"):  # fmt: skip
        assert found[keyword].value == before[keyword].value, keyword
    assert np.array_equal(found.pixel_array, pixels)
    assert found.PatientAge == "080Y"
    assert found.PatientID == found.PatientName == done.patient != "4711"
    assert {found[keyword].value for keyword in ("StudyID", "StudyTime", "AccessionNumber", "PatientBirthDate")} <= {
        "",
        None,
    }
    assert found.PatientIdentityRemoved == "YES" and found.LongitudinalTemporalInformationModified == "MODIFIED"
    assert [item.CodeValue for item in found.DeidentificationMethodCodeSequence] == ["113100", "113107", "113108"]
    assert found.preamble == bytes(128) and found.file_meta.ImplementationVersionName == "ALZEDGE"


def test_the_same_person_in_two_studies_and_intervals(cleaned: Callable[..., Any]) -> None:
    def later(dataset: Any) -> None:
        dataset.StudyDate, dataset.StudyInstanceUID, dataset.SeriesInstanceUID = "20211115", "1.2.4", "1.2.4.1"

    first, second, stranger = cleaned()[0], cleaned(later)[0], cleaned(later, patient="4712")[0]
    assert first.PatientID == second.PatientID != stranger.PatientID
    days = [date.fromisoformat(dataset.StudyDate) for dataset in (first, second)]
    assert days[1] - days[0] == date(2021, 11, 15) - date(2020, 2, 29)
    assert first.StudyInstanceUID != second.StudyInstanceUID == stranger.StudyInstanceUID
    assert first.FrameOfReferenceUID == second.FrameOfReferenceUID
    assert cleaned()[1] == cleaned()[1] and cleaned(key=KEY + "!")[0].PatientID != first.PatientID
    assert second.StudyDate != stranger.StudyDate


def test_bits_above_the_stored_ones_are_cleared(cleaned: Callable[..., Any]) -> None:
    """Overlays of old lie there (PS3.5, 1998)."""
    overlay = np.where(np.indices((96, 80)).sum(0) % 2, 0x8000, 0).astype(np.uint16)

    def twelve_bits(dataset: Any) -> None:
        dataset.BitsStored, dataset.HighBit = 12, 11

    found, _ = cleaned(twelve_bits, pixels=head().astype(np.uint16) | overlay)
    assert np.array_equal(np.frombuffer(found.PixelData, "<u2").reshape(96, 80), head())


def test_an_enhanced_image_keeps_the_place_of_its_frames(cleaned: Callable[..., Any]) -> None:
    def enhanced(dataset: Any) -> None:
        dataset.SOPClassUID, dataset.NumberOfFrames = "1.2.840.10008.5.1.4.1.1.4.1", 2
        dataset.PixelData = head().tobytes() + head(seed=1).tobytes()
        frames = []
        for position in (0, 2):
            plane, frame = pydicom.Dataset(), pydicom.Dataset()
            plane.ImagePositionPatient, plane.PatientName = [0, 0, position], "Doe^Jane"
            frame.PlanePositionSequence = [plane]
            frames.append(frame)
        dataset.PerFrameFunctionalGroupsSequence = frames

    found, done = cleaned(enhanced)
    assert found.pixel_array.shape == (2, 96, 80)
    planes = [item.PlanePositionSequence[0] for item in found.PerFrameFunctionalGroupsSequence]
    assert [plane.ImagePositionPatient[2] for plane in planes] == [0, 2] and b"Doe" not in done.data


def setting(**values: Any) -> Change:
    def change(dataset: Any) -> None:
        for keyword, value in values.items():
            setattr(dataset, keyword, value)
            if value is None:
                delattr(dataset, keyword)

    return change


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (setting(SOPClassUID="1.2.840.10008.5.1.4.1.1.88.22"), "structured report"),
        (setting(SOPClassUID="1.2.840.10008.5.1.4.1.1.11.1"), "presentation state"),
        (setting(SOPClassUID="1.2.840.10008.5.1.4.1.1.104.1"), "encapsulated document"),
        (setting(SOPClassUID="1.2.840.10008.5.1.4.1.1.7"), "secondary capture"),
        (setting(SOPClassUID="1.2.840.10008.5.1.4.1.1.6.1", Modality="US"), "another kind than MR"),
        (setting(Modality="OT"), "another kind than MR"),
        (setting(BurnedInAnnotation="YES"), "says itself that text is burned in"),
        (setting(ConversionType="WSD"), "secondary capture"),
        (setting(ImageType=["DERIVED", "SECONDARY", "SCREEN SAVE"]), "screen capture"),
        (setting(ImageType=["DERIVED", "SECONDARY"]), "screen capture"),
        (setting(PatientID="", PatientName=""), "without Patient ID"),
        (setting(StudyInstanceUID=""), "without the UIDs"),
        (setting(PixelData=None), "without pixel data"),
        (setting(Rows=97), "damaged or cut-off"),
        (setting(HighBit=6), "unusual format"),
        (setting(PixelData=with_caption(head()).tobytes()), "text in the pixels"),
    ],
)
def test_what_is_left_out_says_why_and_names_nobody(cleaned: Callable[..., Any], change: Change, reason: str) -> None:
    with pytest.raises(LeftOut, match=reason) as error:
        cleaned(change)
    assert not {"4711", "Doe", "Jane", "a.dcm"} & set(str(error.value).split())


def test_reformatted_slices_are_no_screen_captures(cleaned: Callable[..., Any]) -> None:
    assert cleaned(setting(ImageType=["DERIVED", "SECONDARY", "MPR"]))[0].ImageType[2] == "MPR"


def test_without_patient_id_name_and_birth_date_tell_people_apart(cleaned: Callable[..., Any]) -> None:
    first = cleaned(setting(PatientID=""))[0]
    assert first.PatientID == cleaned(setting(PatientID=None))[0].PatientID
    assert first.PatientID != cleaned(setting(PatientID="", PatientBirthDate="19400103"))[0].PatientID


@pytest.mark.parametrize("keep", [0.2, 0.6, 0.98])
def test_a_cut_off_file_is_left_out(tmp_path: Any, keep: float) -> None:
    data = write(tmp_path / "a.dcm", mr_image(head()), "1.2.840.10008.1.2.5").read_bytes()
    with pytest.raises(LeftOut, match="cut off|cut-off|another kind"):
        clean_dicom(data[: int(len(data) * keep)], derive(KEY))


@pytest.mark.slow
def test_any_damage_ends_in_one_reason(tmp_path: Any) -> None:
    data = write(tmp_path / "a.dcm", mr_image(head())).read_bytes()
    chance = np.random.default_rng(0)
    for _ in range(60):
        broken = bytearray(data)
        for place in chance.integers(132, 1200, 5):
            broken[place] = chance.integers(256)
        try:
            assert b"Doe^Jane" not in clean_dicom(bytes(broken), derive(KEY)).data
        except LeftOut as error:
            assert "Doe" not in error.reason
