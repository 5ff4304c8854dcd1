"""A model file on the device: guard, operating threshold, heat map; and the commands that show them."""

from pathlib import Path

import numpy as np
import pytest
from helpers.commands import assert_refused, call_cli, run_cli
from PIL import Image
from sklearn.metrics import recall_score

from alzedge.data.dataset import DataSet, split_dataset
from alzedge.data.phantom_set import make_phantoms
from alzedge.errors import UserError
from alzedge.export.guard.fit import make_guard
from alzedge.imaging.slices import fit_slice
from alzedge.inference.answer import Answer, together
from alzedge.inference.classifier import Classifier
from alzedge.inference.guard import NOT_A_SLICE, Guard
from alzedge.inference.measures.readings import Readings
from alzedge.model_file.bundled import bundled_heat_map_model
from alzedge.model_file.read_write import read_record
from alzedge.runs.recipe_file import load_recipe
from alzedge.stages import DISCLAIMER, STAGES


def test_the_files_carry_the_guard_of_their_own_training_people(
    tiny_run: Path, phantoms: DataSet, tiny_recipe: Path
) -> None:
    split = split_dataset(phantoms, "subject")
    test = phantoms.images[split.test]
    expected = make_guard(phantoms, split, load_recipe(str(tiny_recipe)).seed)
    for name in ("student_float32", "student_int8", "student_int8_heatmap"):
        guard = Guard.from_dict(read_record(tiny_run / f"{name}.tflite")["guard"])
        np.testing.assert_array_equal(guard.unlikeness(test), expected.unlikeness(test))
        refused = float((guard.unlikeness(test) > 1).mean())
        assert guard.measured["false_refusals"] == {"n": len(test), "refused": refused}
        noise = np.random.default_rng(0).integers(0, 256, (5, *test.shape[1:]), dtype=np.uint8)
        assert (guard.unlikeness(noise) > 1).all() and refused < 0.5


def test_the_operating_threshold_is_the_best_on_training_people(tiny_run: Path, phantoms: DataSet) -> None:
    """Every threshold in turn, with scikit-learn's recalls; the float32 file answers as the Keras student does."""
    split = split_dataset(phantoms, "subject")

    def recalls(model: str, side: np.ndarray, threshold: float) -> tuple[float, float]:
        scores, truth = scored[model, len(side)]
        return tuple(recall_score(truth, scores >= threshold, pos_label=positive) for positive in (True, False))

    scored = {}
    for model in ("student_float32", "student_int8"):
        score = 1 - Classifier.load(tiny_run / f"{model}.tflite").probabilities(phantoms.images)[:, 0].astype(float)
        for side in (split.train, split.test):
            people = np.unique(phantoms.subject[side])
            means = np.array([score[phantoms.subject == person].mean() for person in people])
            scored[model, len(side)] = means, [phantoms.labels[phantoms.subject == person][0] > 0 for person in people]
    for model in ("student_float32", "student_int8"):
        chosen = read_record(tiny_run / f"{model}.tflite")["operating_threshold"]
        assert chosen["level"] == "person"
        candidates = scored["student_float32", len(split.train)][0]
        best = max(sum(recalls("student_float32", split.train, threshold)) for threshold in candidates)
        assert sum(recalls("student_float32", split.train, chosen["value"] - 1e-5)) == pytest.approx(best)
        sensitivity, specificity = recalls(model, split.test, chosen["value"])
        assert chosen["sensitivity"]["value"] == pytest.approx(sensitivity)
        assert chosen["specificity"]["value"] == pytest.approx(specificity)


def test_the_heat_map_costs_no_answer(phantoms: DataSet) -> None:
    plain, with_map = Classifier.load(), Classifier.load(bundled_heat_map_model())
    images = phantoms.images[:10]
    np.testing.assert_array_equal(plain.probabilities(images), with_map.probabilities(images))
    heat = with_map.heat_maps(images)
    assert heat.shape[0] == 10 and heat.shape[3] == 4 and heat.std() > 0
    with pytest.raises(UserError, match="--heat-map"):
        plain.heat_maps(images)


def test_one_question_several_forms(guarded: Path, people: DataSet, tmp_path: Path) -> None:
    """A path, one image, a batch: the same answer; a person's is by the file's rule, or the mean where it has none."""
    classifier = Classifier.load(str(guarded))
    Image.fromarray(people.images[0]).save(tmp_path / "slice.png")
    one = classifier.predict(people.images[0])
    assert one == classifier.predict(tmp_path / "slice.png")
    several = classifier.predict(people.images[:5])
    assert several.slices[0] == one.slices[0]
    outputs = classifier.interpreter(classifier.preprocessing(people.images[:5]))
    ruled = classifier.measures.person(Readings.of(outputs, np.full(5, np.nan))).probabilities
    mean = outputs["probabilities"].astype(float).mean(axis=0)
    without_rule = Classifier(classifier.interpreter, {**classifier.record, "measures": None})
    for person, expected in ((several.person, ruled), (without_rule.predict(people.images[:5]).person, mean)):
        assert list(person.probabilities) == list(STAGES)
        np.testing.assert_allclose(list(person.probabilities.values()), expected, rtol=1e-6)
    assert np.abs(ruled - mean).max() > 1e-3
    with pytest.raises(UserError, match="Expected uint8"):
        classifier.predict(people.images[:5].astype(np.float32))


def test_what_is_refused_has_no_probabilities_and_counts_for_nobody(guarded: Path, people: DataSet) -> None:
    classifier = Classifier.load(guarded)
    noise = np.random.default_rng(0).integers(0, 256, people.images[:1].shape, dtype=np.uint8)
    prediction = classifier.predict(np.concatenate([people.images[:2], noise]))
    refused = prediction.slices[2]
    assert refused.probabilities is None and refused.stage is None and refused.unlikeness > 1
    assert refused.refused == NOT_A_SLICE and NOT_A_SLICE.startswith("this does not look like an axial brain MRI slice")
    assert prediction.person == classifier.predict(people.images[:2]).person
    assert together([refused]).probabilities is None
    unguarded = Classifier.load(guarded, guarded=False)
    assert unguarded.predict(noise[0]).slices[0].probabilities is not None
    assert Answer({"a": 0.2, "b": 0.8}).stage == "b"


def test_pictures_of_other_sizes_are_seen_by_the_guard_only(guarded: Path, people: DataSet, tmp_path: Path) -> None:
    classifier = Classifier.load(guarded)
    rng = np.random.default_rng(1)
    cat, large = tmp_path / "cat.jpg", tmp_path / "large.png"
    Image.fromarray(rng.integers(0, 256, (300, 400, 3), dtype=np.uint8)).save(cat)
    Image.fromarray(people.images[0]).resize((352, 416)).save(large)
    assert classifier.predict(cat).slices[0].refused == NOT_A_SLICE
    with pytest.raises(UserError, match="352 wide x 416 high, but slices are 176 wide x 208 high"):
        classifier.predict(large)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "CMYK", "1", "LA"])
def test_any_mode_can_be_shown_to_the_guard(mode: str, people: DataSet, tmp_path: Path) -> None:
    """A red point or a hole, so that the picture is more than a grey slice in other clothes."""
    path = tmp_path / ("x.jpg" if mode == "CMYK" else "x.png")
    image = Image.fromarray(people.images[0])
    if mode == "LA":
        image.putalpha(Image.new("L", image.size, 250))
    elif mode != "1":
        image = image.convert("RGB")
        image.putpixel((90, 90), (255, 0, 0))
    image.convert(mode).save(path)
    pixels, problem = fit_slice(path.read_bytes(), "x")
    assert problem and {"CMYK": "mode CMYK", "1": "mode 1", "LA": "transparent"}.get(mode, "in colour") in problem
    assert np.abs(pixels.astype(int) - people.images[0]).mean() < (60 if mode == "1" else 12)


def test_sixteen_bits_have_a_cure_whatever_the_guard_thinks(people: DataSet, tmp_path: Path) -> None:
    """Pillow's own conversion to 8 bits would clip them to a white brain."""
    path = tmp_path / "x.png"
    Image.fromarray(people.images[0].astype(np.uint16) * 257).save(path)
    with pytest.raises(UserError, match="divide its values by 257"):
        fit_slice(path.read_bytes(), "x")


def test_explain_draws_the_evidence(guarded: Path, people: DataSet, tmp_path: Path) -> None:
    Image.fromarray(people.images[0]).save(tmp_path / "slice.png")
    out = tmp_path / "evidence.png"
    command = ("explain", tmp_path / "slice.png", "--out", out)
    done = call_cli(*command, "--no-guard")
    assert done.returncode == 0 and DISCLAIMER in done.stderr, done.stderr
    picture = np.asarray(Image.open(out)).astype(int)
    assert picture.shape[2] == 3 and np.abs(picture[..., 0] - picture[..., 2]).max() > 50  # there is colour
    assert "evidence for any dementia" in done.stdout
    against = call_cli(*command, "--no-guard", "--stage", "NonDemented")
    assert "evidence for no dementia" in against.stdout
    opposite = np.asarray(Image.open(out)).astype(int)
    shift, other = (one[..., 0] - one[..., 2] for one in (picture, opposite))
    slices = slice(None, 400), slice(352, None)  # of the right half, above the caption
    assert (
        np.corrcoef(shift[slices].ravel(), other[slices].ravel())[0, 1] < -0.9
    )  # what speaks for one speaks against the other
    assert_refused(call_cli(*command, "--model", guarded), "no heat map", "--heat-map")
    (tmp_path / "volume.nii.gz").write_bytes(b"")
    (tmp_path / "a.dcm").write_bytes(b"")
    for name in ("volume.nii.gz", "a.dcm", "."):
        assert_refused(
            call_cli("explain", tmp_path / name, "--out", out), "single slice", "`alzedge report` takes scans"
        )
    assert_refused(call_cli(*command), "does not look like an axial brain MRI slice", "--no-guard")


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
