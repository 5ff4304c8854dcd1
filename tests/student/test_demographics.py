"""A student that is told age and sex: what it may use them for, how it learns to do without, and its file."""

from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from alzedge.data.dataset import DataSet, split_dataset
from alzedge.errors import UserError
from alzedge.inference.measures.demographics import Coding, withheld
from alzedge.model_file.read_write import ModelKind, Role, make_record
from alzedge.runs.recipe import StudentRecipe
from alzedge.runs.recipe_file import load_recipe
from alzedge.runs.run_folder import RunFolder
from alzedge.runs.split_run import SplitRun
from alzedge.runs.truths import Scale, Scales
from alzedge.student.model import build_student
from alzedge.student.phases import distill_phase
from alzedge.student.told import StagesLoss, told_student
from alzedge.teacher.keras_file import load_model, save_model

SCALES = Scales(Scale(0.78, 0.06), Scale(60.0, 20.0))
SETTINGS = [
    *("preprocessing.shrink=4", "student.filters=[4,8,8]", "student.hidden=8", "distill.epochs=2"),
    *("distill.batch_size=16", "augment.blur=0.0", "augment.noise=0.0", "augment.bias=0.0"),
]


def test_what_is_not_known_is_nothing_and_ages_end_at_the_range() -> None:
    told = Coding().of_people(np.array([60.0, 80, 5, 130, np.nan]), np.array(["F", "M", "", "?", "F"]))
    assert told.dtype == np.float32
    assert told.tolist() == [[0, 1, 1, 0], [1, 1, 0, 1], [-2, 1, 0, 0], [2, 1, 0, 0], [0, 0, 1, 0]]
    assert not Coding().of_one(None, None, 3).any() and Coding().of_one(40, "M").tolist() == [[-1, 1, 0, 1]]
    assert Coding.read({"demographics": Coding().to_dict()}) == Coding() and Coding.read({}) is None
    with pytest.raises(UserError, match="entry `demographics`"):
        Coding.read({"demographics": Coding().to_dict() | {"columns": ["age"]}})


def test_age_and_sex_are_kept_back_each_on_its_own_and_as_often_as_told() -> None:
    told = np.tile(np.array([[1.5, 1, 0, 1]], np.float32), (4000, 1))
    held = withheld(told, 0.25, [0, 1])
    age, sex = held[:, 1] == 0, held[:, 3] == 0
    assert (held[age, :2] == 0).all() and (held[~age, :2] == (1.5, 1)).all()
    assert age.mean() == pytest.approx(0.25, abs=0.03) == sex.mean() and (age & sex).mean() < 0.1
    assert (withheld(told, 0.25, [0, 1]) == held).all() and (withheld(told, 0, [0]) == told).all()


def test_age_and_sex_reach_the_stages_and_neither_brain_volume_nor_apparent_age() -> None:
    keras.utils.set_random_seed(0)
    model = build_student(StudentRecipe((4, 8, 8), 16), (52, 44, 1), SCALES, demographics=True)
    images = np.random.default_rng(0).random((8, 52, 44, 1), np.float32)
    unknown, told = np.zeros((8, 4), np.float32), Coding().of_one(85, "M", 8)
    (stages, *measured), (others, *again) = (model.predict_on_batch([images, one]) for one in (unknown, told))
    assert np.abs(stages - others).max() > 0.05
    for one, other in zip(measured, again, strict=True):
        np.testing.assert_array_equal(one, other)


def run_of(folder: Path, data: DataSet) -> SplitRun:
    recipe = load_recipe("measure-demographics", settings=SETTINGS)
    return SplitRun(RunFolder(folder, {}), folder, data, split_dataset(data, "subject"), recipe, "test")


@pytest.mark.slow
def test_the_student_is_trained_with_what_is_known_and_its_file_says_so(tmp_path: Path, phantoms: DataSet) -> None:
    run = run_of(tmp_path, phantoms)
    count = len(run.split.train)
    targets = np.concatenate([np.full((count, 4), 0.25), np.tile([0.8, 60], (count, 1))], axis=1)
    np.save(tmp_path / "soft_targets.npy", targets[None].astype(np.float32))
    (tmp_path / "soft_targets.json").write_text('{"cross_fit": 0, "fluid": false, "temperature": 1.0}')
    teacher = build_student(StudentRecipe((4, 4, 4), 4), run.recipe.preprocessing.input_shape)
    record = make_record(ModelKind(Role.TEACHER), run.recipe.preprocessing, **run.provenance(["teacher"]))
    save_model(teacher, tmp_path / "teacher.keras", record)
    path = distill_phase(run, tmp_path / "soft_targets.npy", tmp_path / "teacher.keras")
    student, record = load_model(path)
    assert [one.name for one in student.inputs] == ["images", "demographics"]
    assert Coding.read(record) == Coding() and record["recipe"]["demographics"] == {"learn": True, "withhold": 0.4}
    images, told = run.training_inputs()[:4], run.training_demographics()
    assert told is not None and told.shape == (count, 4) and (told[:, 2:].sum(axis=1) == 1).all()
    assert np.isfinite(student.predict_on_batch([images, told[:4]])[0]).all()


def test_what_was_learned_from_the_image_stays_and_what_is_told_counts(tmp_path: Path) -> None:
    recipe = load_recipe(
        "measure-demographics",
        settings=[*SETTINGS, "distill.epochs=80", "distill.learning_rate=0.01", "demographics.withhold=0.0"],
    )
    keras.utils.set_random_seed(0)
    student = build_student(recipe.student, (52, 44, 1), SCALES)
    images, rng = np.full((64, 52, 44, 1), 0.5, np.float32), np.random.default_rng(0)
    ages = rng.uniform(60, 90, 64)
    told = Coding().of_people(ages, np.full(64, "F"))
    stage = np.eye(4, dtype=np.float32)[(ages > 75).astype(int)]  # to be had from the age alone
    targets = np.concatenate([stage, np.full((64, 2), np.nan, np.float32)], axis=1)[None]
    loss, path = StagesLoss(0.5), tmp_path / "told.npz"
    model, history = told_student(student, targets, images, told, recipe, loss, path, scales=SCALES)
    before, (logits, *after) = student.predict_on_batch(images), model.predict_on_batch([images, told])
    for one, other in zip(before[1:], after, strict=True):
        np.testing.assert_array_equal(one, other)
    assert history[-1] < history[0]
    assert ((logits.argmax(axis=1) > 0) == (ages > 75)).mean() > 0.75


def test_people_of_whom_nothing_is_known_are_refused(tmp_path: Path, phantoms: DataSet) -> None:
    nobody = replace(phantoms, age=np.full(len(phantoms), np.nan), sex=np.full(len(phantoms), ""))
    with pytest.raises(UserError, match="nobody's age or sex is known.*--people"):
        run_of(tmp_path, nobody).training_demographics()
