"""Cross-fitted targets: teachers and a regression on CSF that predict only for people they were not fitted on."""

from pathlib import Path

import numpy as np
import pytest
from helpers.commands import CROSS_FIT
from sklearn.metrics import roc_auc_score

from alzedge.data.dataset import DataSet
from alzedge.data.phantom_set import make_phantoms
from alzedge.errors import UserError
from alzedge.runs.recipe_file import load_recipe
from alzedge.student.cross_fit import _joined, cross_fitted_targets, deal_people
from alzedge.student.distill import soft_targets
from alzedge.student.targets import cross_fitted_regression, csf_by_person
from alzedge.teacher.finetune import build_teacher, finetune


def test_parts_keep_a_person_together_and_every_stage_apart(phantoms: DataSet) -> None:
    part = deal_people(phantoms.subject, phantoms.labels, 4)
    for person in np.unique(phantoms.subject):
        assert len(np.unique(part[phantoms.subject == person])) == 1
    people = [len(np.unique(phantoms.subject[part == k])) for k in range(4)]
    assert sum(people) == 20 and max(people) - min(people) <= 1
    with pytest.raises(UserError, match="2 training people are too few"):
        deal_people(np.array(["a", "b"]), np.array([0, 1]), 3)


def test_the_regression_on_csf_answers_only_for_people_it_was_not_fitted_on() -> None:
    data = make_phantoms(40, 6)
    _, first, person = np.unique(data.subject, return_index=True, return_inverse=True)
    backwards = np.arange(len(data))[::-1]
    values = csf_by_person(data.images, person, data.slice)
    assert values.shape == (40, 64)
    np.testing.assert_array_equal(
        values, csf_by_person(data.images[backwards], person[backwards], data.slice[backwards])
    )
    part = deal_people(data.subject, data.labels, 4)[first]
    labels = data.labels[first]
    answers = cross_fitted_regression(values, labels, part)
    assert roc_auc_score(labels > 0, 1 - answers[:, 0]) > 0.9  # phantoms are drawn with more CSF by stage
    # Whatever a person's own label: nobody's answer changes by it but those of the other parts.
    labels[0] = 3 - labels[0]
    changed = (cross_fitted_regression(values, labels, part) != answers).any(axis=1)
    assert not changed[part == part[0]].any() and changed[part != part[0]].all()


def test_half_of_the_joint_target_is_the_regression() -> None:
    logits = np.log(np.array([[[0.7, 0.1, 0.1, 0.1], [0.1, 0.7, 0.1, 0.1]]], np.float32))
    opinion = np.array([[0.0, 0.0, 1.0, 0.0]])
    joint = _joined(logits, np.array([0, 0]), opinion)
    np.testing.assert_allclose(joint[0, 0], [0.275, 0.125, 0.55, 0.05], rtol=1e-6)
    np.testing.assert_allclose(joint.sum(axis=-1), 1, rtol=1e-6)


@pytest.mark.slow
def test_cross_fitted_targets_come_from_teachers_without_the_person(phantoms: DataSet, tmp_path: Path) -> None:
    (tmp_path / "crossfit.toml").write_text(CROSS_FIT)
    recipe = load_recipe(str(tmp_path / "crossfit.toml"))
    images, labels, people = recipe.preprocessing(phantoms.images), phantoms.labels, phantoms.subject
    start = build_teacher(recipe, images.shape[1:])
    found = cross_fitted_targets(start, images, labels, people, recipe, tmp_path / "parts")
    assert found.logits.shape == (2, 100, 4) and found.parts == 2
    raw = found.logits * np.float32(found.temperature)
    part = deal_people(people, labels, 2)
    others, own = np.flatnonzero(part != 0), np.flatnonzero(part == 0)
    teacher, _ = finetune(start, images[others], labels[others], recipe, tmp_path / "own.npz", people=people[others])
    np.testing.assert_allclose(raw[:, own], soft_targets(teacher, images, recipe, rows=own), rtol=1e-4, atol=1e-5)
    every, again = soft_targets(teacher, images, recipe), soft_targets(teacher, images, recipe, rows=own)
    np.testing.assert_allclose(every[:, own], again, rtol=1e-4, atol=1e-5)
