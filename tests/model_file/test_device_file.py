"""What a file of a run brings to the device: guard, operating threshold, heat map; and the commands that show them."""

from pathlib import Path

import numpy as np
import pytest
from helpers.commands import assert_refused, run_cli
from PIL import Image
from sklearn.metrics import recall_score

from alzedge.data.dataset import DataSet, split_dataset
from alzedge.data.phantom_set import make_phantoms
from alzedge.errors import UserError
from alzedge.export.evaluate.scoring import load_scorer
from alzedge.export.guard.fit import make_guard
from alzedge.export.guard.operating_threshold import operating_threshold
from alzedge.imaging.slices import fit_slice
from alzedge.inference.classifier import Answer, Classifier, together
from alzedge.inference.guard import NOT_A_SLICE
from alzedge.model_file.read_write import read_record
from alzedge.stages import DISCLAIMER, STAGES


@pytest.fixture(scope="module")
def data() -> DataSet:
    """What `tiny_run` was made from."""
    return make_phantoms(20, 5)


def test_the_file_carries_the_guard_of_its_own_training_people(tiny_run: Path, data: DataSet) -> None:
    expected = make_guard(data, split_dataset(data, "subject"), seed=0).to_dict()
    for name in ("student_float32", "student_int8", "student_int8_heatmap"):
        assert read_record(tiny_run / f"{name}.tflite")["guard"] == expected


def test_the_operating_threshold_is_what_scikit_learn_finds(tiny_run: Path, data: DataSet) -> None:
    classifier, split = Classifier.load(tiny_run / "student_int8.tflite"), split_dataset(data, "subject")
    found = classifier.record["operating_threshold"]
    test = data.take(split.test)
    probabilities = classifier.probabilities(test.images)
    taught = load_scorer(tiny_run / "subject/student.keras")(data.images[split.train])
    expected = operating_threshold(taught, probabilities, data, split)
    assert found["value"] == pytest.approx(expected["value"], abs=1e-5)
    score = 1 - probabilities[:, 0]
    people = np.unique(test.subject)
    answers = [score[test.subject == person].mean() >= found["value"] for person in people]
    truth = [test.labels[test.subject == person][0] > 0 for person in people]
    assert found["sensitivity"]["value"] == pytest.approx(recall_score(truth, answers))
    assert found["specificity"]["value"] == pytest.approx(recall_score(truth, answers, pos_label=False))


def test_the_heat_map_costs_no_answer(tiny_run: Path, data: DataSet) -> None:
    plain, with_map = (Classifier.load(tiny_run / f"student_int8{name}.tflite") for name in ("", "_heatmap"))
    images = data.images[:10]
    np.testing.assert_array_equal(plain.probabilities(images), with_map.probabilities(images))
    heat = with_map.heat_maps(images)
    assert heat.shape[0] == 10 and heat.shape[3] == 4 and heat.std() > 0
    with pytest.raises(UserError, match="--heat-map"):
        plain.heat_maps(images)


def test_one_question_several_forms(tiny_run: Path, data: DataSet, tmp_path: Path) -> None:
    """A path, one image, a batch: the same answer; a person's is the mean."""
    classifier = Classifier.load(str(tiny_run / "student_int8.tflite"))
    Image.fromarray(data.images[0]).save(tmp_path / "slice.png")
    one = classifier.predict(data.images[0])
    assert one == classifier.predict(tmp_path / "slice.png")
    several = classifier.predict(data.images[:5])
    assert several.slices[0] == one.slices[0]
    mean = classifier.probabilities(data.images[:5]).astype(float).mean(axis=0)
    assert list(several.person.probabilities) == list(STAGES)
    np.testing.assert_allclose(list(several.person.probabilities.values()), mean, rtol=1e-6)
    with pytest.raises(UserError, match="Expected uint8"):
        classifier.predict(data.images[:5].astype(np.float32))


def test_what_is_refused_has_no_probabilities_and_counts_for_nobody(tiny_run: Path, data: DataSet) -> None:
    classifier = Classifier.load(tiny_run / "student_int8.tflite")
    noise = np.random.default_rng(0).integers(0, 256, data.images[:1].shape, dtype=np.uint8)
    prediction = classifier.predict(np.concatenate([data.images[:2], noise]))
    refused = prediction.slices[2]
    assert refused.probabilities is None and refused.stage is None and refused.unlikeness > 1
    assert refused.refused == NOT_A_SLICE and NOT_A_SLICE.startswith("this does not look like an axial brain MRI slice")
    assert prediction.person == classifier.predict(data.images[:2]).person
    assert together([refused]).probabilities is None
    unguarded = Classifier.load(tiny_run / "student_int8.tflite", guarded=False)
    assert unguarded.predict(noise[0]).slices[0].probabilities is not None
    assert Answer({"a": 0.2, "b": 0.8}).stage == "b"


def test_pictures_of_other_sizes_are_seen_by_the_guard_only(tiny_run: Path, data: DataSet, tmp_path: Path) -> None:
    classifier = Classifier.load(tiny_run / "student_int8.tflite")
    rng = np.random.default_rng(1)
    cat, large = tmp_path / "cat.jpg", tmp_path / "large.png"
    Image.fromarray(rng.integers(0, 256, (300, 400, 3), dtype=np.uint8)).save(cat)
    Image.fromarray(data.images[0]).resize((352, 416)).save(large)
    assert classifier.predict(cat).slices[0].refused == NOT_A_SLICE
    with pytest.raises(UserError, match="352 wide x 416 high, but slices are 176 wide x 208 high"):
        classifier.predict(large)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "CMYK", "I;16", "1", "LA"])
def test_any_mode_can_be_shown_to_the_guard(mode: str, data: DataSet, tmp_path: Path) -> None:
    path = tmp_path / ("x.jpg" if mode == "CMYK" else "x.png")
    if mode == "I;16":
        Image.fromarray(data.images[0].astype(np.uint16) * 257).save(path)
    else:
        Image.fromarray(data.images[0]).convert(mode).save(path)
    pixels, problem = fit_slice(path.read_bytes(), "x")
    assert problem and f"mode {mode}" in problem
    assert np.abs(pixels.astype(int) - data.images[0]).mean() < (60 if mode == "1" else 12)


def test_explain_draws_the_evidence(tiny_run: Path, data: DataSet, tmp_path: Path) -> None:
    Image.fromarray(data.images[0]).save(tmp_path / "slice.png")
    out = tmp_path / "evidence.png"
    command = ("explain", tmp_path / "slice.png", "--out", out)
    done = run_cli(*command, "--model", tiny_run / "student_int8_heatmap.tflite")
    assert done.returncode == 0 and DISCLAIMER in done.stderr, done.stderr
    picture = np.asarray(Image.open(out)).astype(int)
    assert picture.shape[2] == 3 and np.abs(picture[..., 0] - picture[..., 2]).max() > 50  # there is colour
    assert_refused(run_cli(*command, "--model", tiny_run / "student_int8.tflite"), "no heat map", "--heat-map")
    assert_refused(run_cli(*command), "does not look like an axial brain MRI slice", "--no-guard")


@pytest.mark.slow
def test_export_with_colour_answers_like_the_grey_file(tiny_run: Path, tiny_recipe: Path, tmp_path: Path) -> None:
    student, out = tiny_run / "subject/student.keras", tmp_path / "rgb.tflite"
    done = run_cli("export", student, "phantoms", "--recipe", tiny_recipe, "--rgb", "--heat-map", "--out", out)
    assert done.returncode == 0, done.stderr
    assert "verdict on int8" in done.stdout
    record = read_record(out)
    assert record["kind"] == "student-int8-heat-map-rgb" and record["preprocessing"]["shrink"] == 1
    images = make_phantoms(20, 5).images[:6]
    grey = Classifier.load(tiny_run / "student_int8.tflite").probabilities(images)
    np.testing.assert_allclose(Classifier.load(out).probabilities(images), grey, atol=1e-6)
    refused = run_cli(
        "export",
        student,
        "phantoms",
        "--recipe",
        tiny_recipe,
        "--rgb",
        "--format",
        "onnx",
        "--out",
        tmp_path / "a.onnx",
    )
    assert_refused(refused, "No colour input with onnx")
