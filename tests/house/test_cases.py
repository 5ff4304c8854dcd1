"""The shared cases of trouble: each file through the command that a user would name it to.

The folder lies beside the project and is no part of it; where it is absent, these tests are skipped.
"""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from helpers.commands import assert_refused, call_cli, run_cli, run_code

_MEMORY = 6 * 2**30  # LiteRT and NumPy reserve address space that they do not use


@pytest.fixture(scope="module")
def cases() -> Path:
    """The folder of the cases."""
    for parent in Path(__file__).resolve().parents:
        if (parent / "shared/cases/README.md").is_file():
            return parent / "shared/cases"
    pytest.skip("the shared cases are not here")


def _read(cases: Path, name: str, *more: object) -> list[dict[str, object]]:
    """What `predict --json` says of a case, which it can read without a complaint; its volumes are slabs."""
    result = call_cli("predict", "--json", "--no-prepare", cases / name, *more)
    assert result.returncode == 0, result.stderr
    predictions: list[dict[str, object]] = json.loads(result.stdout)["predictions"]
    return predictions


@pytest.mark.parametrize(
    "name",
    [
        "nifti/good.nii.gz",
        "nifti/vox_offset_0.nii.gz",
        "nifti/slope_with_nan_intercept.nii.gz",
        "nifti/sform_all_zero.nii.gz",
        "images/good.png",
        "dicom/good.dcm",
        "dicom/ending_MR",
        "dicom/ending_MR/IM0004.MR",
        "dicom/report_beside",
        "zips/good.zip",
        "zips/backslashes.zip",
        "sets/jfif",
    ],
)
def test_is_read(cases: Path, name: str) -> None:
    assert _read(cases, name)


def test_voxels_start_behind_the_header_and_backslashes_are_folders(cases: Path) -> None:
    for name, twin in (("nifti/vox_offset_0.nii.gz", "nifti/good.nii.gz"), ("zips/backslashes.zip", "zips/good.zip")):
        told = json.dumps(_read(cases, name)).replace(name, twin)
        assert told == json.dumps(_read(cases, twin)).replace(name, twin)
    assert len(_read(cases, "sets/jfif")) == 8


_ANALYZE = "oasis_analyze/OAS1_9999_MR1_mpr_n4_anon_111_t88_masked_gfc"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (f"{_ANALYZE}.hdr", ["localiser"]),
        (f"{_ANALYZE}.img", ["localiser"]),
        ("oasis_analyze", ["localiser"]),
        ("nifti/codes_zero.nii.gz", ["localiser"]),
        ("nifti/nan_background.nii.gz", ["localiser"]),
        ("nifti/freesurfer.mgz", ["mri_convert"]),
        ("nifti/bzip2.nii.bz2", ["bunzip2"]),
        ("dicom/without_part10_header.dcm", ["DICOM without its file header"]),
        ("images/sixteen_bits.png", ["16-bit", "257"]),
        ("images/empty.jpg", ["empty"]),
        ("images/exif_orientation_6.jpg", ["EXIF"]),
        ("sets/hub_parquet", ["Parquet"]),
        ("sets/hub_parquet/data/train-00000-of-00001.parquet", ["Parquet"]),
        ("zips/one_entry_twice.zip", ["twice"]),
        ("hostile/dicom_position_one_number.dcm", ["position"]),
        ("hostile/zip_empty_name.zip", ["without a name"]),
        ("hostile/nifti_vox_offset_minus_inf.nii", ["vox_offset"]),
        ("hostile/dicom_20000_one_pixel_frames.dcm", ["frames"]),
        ("hostile/jpeg_progressive_250_scans.jpg", ["scans"]),
    ],
)
def test_predict_refuses(cases: Path, name: str, words: list[str]) -> None:
    result = call_cli("predict", cases / name)
    assert_refused(result, *words)
    assert "not a JPEG" not in result.stderr


@pytest.mark.parametrize("command", ["audit", "subjects"])
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("zips/one_entry_twice.zip", ["twice"]),
        ("sets/augmented_beside_original", ["more than one data set"]),
        ("sets/hub_parquet", ["Parquet"]),
        ("hostile/zip_empty_name.zip", ["without a name"]),
        ("hostile/zip_escape_in_name.zip", ["\\x1b"]),
    ],
)
def test_data_set_is_refused(cases: Path, tmp_path: Path, command: str, name: str, words: list[str]) -> None:
    options = ["--out", tmp_path / "out"] if command == "audit" else []
    assert_refused(call_cli(command, cases / name, *options), *words)


@pytest.mark.parametrize("name", ["csv_plain", "csv_excel_empty_rows", "csv_backslashes", "csv_capital_name"])
def test_tables_name_the_people_to_run_and_audit_alike(cases: Path, name: str) -> None:
    from alzedge.data.loading import load_dataset
    from alzedge.monitoring.audit.index import index_images, open_source

    people = sorted({str(who) for who in load_dataset(cases / "sets" / name).subject})
    assert "" not in people
    assert people == sorted(index_images(open_source(cases / "sets" / name)).people)


def test_jfif_is_jpeg(cases: Path) -> None:
    from alzedge.data.loading import load_dataset
    from alzedge.monitoring.audit.index import images_of, open_source

    assert len(load_dataset(cases / "sets/jfif")) == len(list(images_of(open_source(cases / "sets/jfif")))) == 8


def test_the_audit_says_what_it_audits(cases: Path, tmp_path: Path) -> None:
    words = "grey slices 176 wide x 208 high"
    assert_refused(
        call_cli("audit", cases / "sets/oasis_of_kaggle", "--out", tmp_path / "out"), words, "named NonDemented"
    )


def test_a_turned_picture_is_read_when_its_cure_was_followed(cases: Path, tmp_path: Path) -> None:
    import numpy as np
    from PIL import Image, ImageOps

    from alzedge.imaging.slices import read_slice

    with Image.open(cases / "images/exif_orientation_6.jpg") as turned:
        ImageOps.exif_transpose(turned).save(tmp_path / "upright.png")
    upright, right = read_slice(tmp_path / "upright.png"), read_slice(cases / "images/good.png")
    assert np.corrcoef(upright.ravel(), right.ravel())[0, 1] > 0.99
    assert _read(cases, tmp_path / "upright.png")[0]["refused"] == _read(cases, "images/good.png")[0]["refused"]


def test_recipe_with_a_byte_order_mark(cases: Path) -> None:
    from alzedge.runs.recipe_file import load_recipe

    load_recipe(str(cases / "recipes/bom.toml"))


@pytest.mark.parametrize("name", ["deep_array.toml", "int_5000_digits.toml"])
def test_recipe_is_refused(cases: Path, tmp_path: Path, name: str) -> None:
    assert_refused(call_cli("run", "phantoms", "--recipe", cases / "hostile" / name, "--out", tmp_path / "out"), "TOML")


@pytest.mark.slow
def test_run_folder_is_refused(cases: Path, tmp_path: Path) -> None:
    shutil.copy(cases / "hostile/run_deep.json", tmp_path / "run.json")
    assert_refused(call_cli("run", "phantoms", "--out", tmp_path), "--out")


def test_tables_with_huge_numbers_are_refused(cases: Path, tmp_path: Path) -> None:
    shutil.copytree(cases / "sets/csv_plain", tmp_path / "set")
    (tmp_path / "set/subjects.csv").chmod(0o644)
    (tmp_path / "set/subjects.csv").write_bytes((cases / "hostile/subjects_slice_huge.csv").read_bytes())
    assert_refused(call_cli("subjects", tmp_path / "set"), "subjects.csv")
    predictions = cases / "hostile/predictions_fold_huge.csv"
    assert_refused(call_cli("evaluate", predictions, cases / "sets/csv_plain", "--out", tmp_path / "out"), "fold")


@pytest.mark.parametrize("command", ["inspect", "predict"])
def test_pointer_of_git_lfs(cases: Path, command: str) -> None:
    model = cases / "models/student_int8.tflite"
    words = [model] if command == "inspect" else [cases / "images/good.png", "--model", model]
    assert_refused(call_cli(command, *words), "git lfs pull")


def test_one_bad_file_loses_only_itself(cases: Path, tmp_path: Path) -> None:
    for name in ("hostile/dicom_position_one_number.dcm", "images/good.png", "dicom/good.dcm"):
        shutil.copy(cases / name, tmp_path)
    table = tmp_path / "answers.csv"
    result = call_cli("predict", tmp_path, "--csv", table)
    assert result.returncode == 2
    error, written, *sentences, stages, disclaimer = result.stderr.splitlines()
    assert "dicom_position_one_number.dcm" in error and "Research" in disclaimer
    assert (
        written == f"wrote {table}: 0 answered, 2 refused, 1 not read"
        and sentences[0].startswith("At the threshold")
        and "tell the stages apart" in stages
    )
    rows = table.read_text().splitlines()
    assert len(rows) == 4  # the header, one error, two refusals


def test_damaged_entry_loses_only_itself(cases: Path) -> None:
    result = call_cli("predict", "--json", cases / "hostile/zip_damaged_entry_without_suffix.zip")
    predictions = json.loads(result.stdout)["predictions"]
    assert result.returncode == 2
    assert sum("error" in prediction for prediction in predictions) == 1
    assert len(predictions) == 6


# With little memory, of which it tells the most it had: that of its children would be the largest of all tests' so far.
_LIMITED = """
import atexit, pathlib, resource, sys
resource.setrlimit(resource.RLIMIT_AS, ({memory}, {memory}))
atexit.register(lambda: print(pathlib.Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]))
sys.argv = ["alzedge", {command!r}, {path!r}]
from alzedge.cli import main
main()
"""


@pytest.mark.parametrize(("command", "name"), [("predict", "zip_bz2_2GB.zip"), ("inspect", "model_bz2_2GB.keras")])
def test_bombs_stay_packed(cases: Path, command: str, name: str) -> None:
    path = str(cases / "hostile" / name)
    result = run_code(_LIMITED.format(memory=_MEMORY, command=command, path=path))
    assert result.returncode == 2 and "Traceback" not in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert 10 * 2**10 < int(result.stdout) < 600 * 2**10  # KiB


def test_warnings_of_libraries_stay_away(cases: Path) -> None:
    result = run_cli("predict", cases / "hostile/png_invalid_apng_warning.png")
    assert "Warning" not in result.stderr
    assert len(result.stderr.splitlines()) == 1  # the disclaimer, or the sentence


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_closed_streams(cases: Path, stream: str) -> None:
    number = 1 if stream == "stdout" else 2
    done = subprocess.run(
        ["bash", "-c", f'python -m alzedge predict "$0" {number}>&-', cases / "images/good.png"],
        check=False,
        capture_output=True,
        text=True,
        env=_environment(),
    )
    assert "Traceback" not in done.stderr + done.stdout
    assert done.returncode == 0


def test_names_that_the_terminal_cannot_show(cases: Path) -> None:
    name = next((cases / "names").glob("*.png"))
    for command in ("predict",):
        result = run_cli(command, name, env=_environment() | {"PYTHONIOENCODING": "cp1252"})
        assert result.returncode == 0, result.stderr
        assert "\\u0441" in result.stdout


def _environment() -> dict[str, str]:
    import os
    import sys

    return dict(os.environ) | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
