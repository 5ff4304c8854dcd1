"""Recovery of made-up people with gaps and exceptions; without evidence it claims nothing; and the real archive."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from alzedge.data.people.candidates import CDR_OF_CLASS, covariates_of
from alzedge.data.people.features import person_features, white_matter
from alzedge.data.people.proof import prove_order
from alzedge.data.people.recovery import Recovery, recover_people
from alzedge.data.people.regression import cross_fitted
from alzedge.data.people.table import Person, read_people
from alzedge.errors import UserError

COUNTS = (75, 60, 20, 2)


def _hidden(people: Sequence[Person]) -> tuple[list[Person], np.ndarray]:
    """Who the subjects are: a choice in order, two neighbours exchanged, and one of CDR 0.5 last; and their labels."""
    random = np.random.default_rng(3)
    found: list[Person] = []
    for label, count in enumerate(COUNTS):
        of_class = [person for person in people if person.first.cdr == CDR_OF_CLASS[label]]
        chosen = [of_class[k] for k in sorted(random.choice(len(of_class), count, replace=False))]
        if label == 0:
            chosen[30], chosen[31] = chosen[31], chosen[30]
        if label == 1:
            chosen.append(chosen.pop(25))
        found += chosen
    return found, np.repeat(np.arange(4), COUNTS)


def _features(hidden: Sequence[Person], noise: float, seed: int = 5) -> np.ndarray:
    """What images would tell: a random mixture of the covariates and noise, 60 columns."""
    random = np.random.default_rng(seed)
    known = np.array([covariates_of(person) for person in hidden])
    known = (known - known.mean(axis=0)) / known.std(axis=0)
    return np.asarray(known @ random.normal(size=(4, 60)) + noise * random.normal(size=(len(hidden), 60)))


def _recover(people: Sequence[Person], noise: float) -> tuple[Recovery, np.ndarray]:
    hidden, labels = _hidden(people)
    names = [f"subject-{row:03d}" for row in range(len(hidden))]
    found = recover_people(names, labels, _features(hidden, noise), people)
    return found, np.array([m.person is p for m, p in zip(found.matches, hidden, strict=True)])


@pytest.fixture(scope="module")
def recovered(made_up_people: list[Person]) -> tuple[Recovery, np.ndarray]:
    """Of images that tell much: who was found for each subject, and whether rightly."""
    return _recover(made_up_people, noise=2.0)


def test_finds_made_up_people(recovered: tuple[Recovery, np.ndarray]) -> None:
    found, right = recovered
    posterior = np.array([match.posterior for match in found.matches])
    assert found.settled
    assert right.mean() > 0.97
    assert right[posterior >= 0.95].all() and (posterior >= 0.95).mean() > 0.8
    assert right[[30, 31]].all(), "the exchanged neighbours"
    last = found.matches[sum(COUNTS[:2]) - 1]
    assert right[sum(COUNTS[:2]) - 1] and last.outside > 0.5, "the one out of order"
    assert len({match.person.oasis_id for match in found.matches}) == len(found.matches)


@pytest.mark.slow
def test_probabilities_hold_when_images_tell_less(made_up_people: list[Person]) -> None:
    found, right = _recover(made_up_people, noise=6.0)
    posterior = np.array([match.posterior for match in found.matches])
    first = np.arange(len(right)) < COUNTS[0]  # the class with gaps
    assert (posterior[first] < 0.9).mean() > 0.2, "some must stay unknown"
    assert abs(posterior[first].mean() - right[first].mean()) < 0.1
    assert (~right & first & (posterior >= 0.95)).sum() <= 1


@pytest.mark.slow
def test_claims_nobody_without_evidence(made_up_people: list[Person]) -> None:
    hidden, labels = _hidden(made_up_people)
    noise = np.random.default_rng(0).normal(size=(len(hidden), 60))
    found = recover_people([""] * len(hidden), labels, noise, made_up_people)
    of_first = found.matches[: COUNTS[0]]
    assert sum(match.known for match in of_first) < 0.1 * COUNTS[0]


@pytest.mark.slow
def test_runner_up_is_somebody_else(made_up_people: list[Person]) -> None:
    found, _ = _recover(made_up_people, noise=8.0)
    for match in found.matches:
        assert match.runner_up is not None and match.runner_up is not match.person
        assert match.posterior + match.runner_up_posterior <= 1 + 1e-9


def test_too_few_people_in_the_table(made_up_people: list[Person]) -> None:
    hidden, labels = _hidden(made_up_people)
    fewer = [person for person in made_up_people if person.first.cdr != 1.0]
    with pytest.raises(UserError, match="0 people of CDR 1 .* 20 subjects"):
        recover_people([""] * len(hidden), labels, _features(hidden, 1), fewer)
    with pytest.raises(UserError, match="nobody"):
        recover_people([""] * len(hidden), labels, _features(hidden, 1), [])


@pytest.mark.slow
def test_same_people_with_one_and_two_threads(tmp_path: Path) -> None:
    code = (
        "import numpy as np\n"
        "from alzedge.data.people.ordering import OrderPrior, order_posterior\n"
        "from alzedge.data.people.features import person_features\n"
        "from alzedge.data.people.regression import cross_fitted\n"
        "r = np.random.default_rng(0)\n"
        "f = person_features(r.integers(0, 255, (40, 4, 208, 176), np.uint8))\n"
        "e = cross_fitted(f, r.normal(size=(40, 4)))\n"
        "p = order_posterior(-((e[:, None] - r.normal(size=(1, 55, 4))) ** 2).sum(2), OrderPrior.for_counts(40, 55))\n"
        "np.save({!r}, np.concatenate([e.ravel(), p.pairs.ravel()]))\n"
    )
    results = []
    for threads in ("1", "2"):
        path = tmp_path / f"{threads}.npy"
        environment = os.environ | {"OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads}
        subprocess.run([sys.executable, "-c", code.format(str(path))], check=True, env=environment, timeout=300)
        results.append(np.load(path))
    np.testing.assert_allclose(results[0], results[1], rtol=0, atol=1e-9)


def test_regressions_never_see_the_person_they_are_for() -> None:
    random = np.random.default_rng(0)
    features, targets = random.normal(size=(60, 20)), random.normal(size=(60, 2))
    before = cross_fitted(features, targets)
    changed = targets.copy()
    changed[17] += 100
    np.testing.assert_array_equal(before[17], cross_fitted(features, changed)[17])
    assert not np.allclose(before[18], cross_fitted(features, changed)[18])


def test_proof_tells_a_found_order_from_shuffled_ones(
    made_up_people: list[Person], recovered: tuple[Recovery, np.ndarray]
) -> None:
    hidden, labels = _hidden(made_up_people)
    features = _features(hidden, 2.0)
    found, _ = recovered
    steps: list[int] = []
    proof = prove_order(found, labels, features, made_up_people, shuffles=20, searches=1, report=steps.append)
    assert steps == [1]
    for covariate in proof.covariates:
        assert covariate.found > 0.8
        assert covariate.shuffled_highest < 0.5 < covariate.found - 0.2
        assert covariate.searched < covariate.found - 0.2
    without = prove_order(found, labels, np.random.default_rng(0).normal(size=features.shape), made_up_people, 5, 0)
    assert all(abs(covariate.found) < 0.3 and np.isnan(covariate.searched) for covariate in without.covariates)


def test_white_matter_is_the_bright_peak() -> None:
    histogram = np.zeros((1, 256))
    histogram[0, 0] = 30000
    for grey, count in ((40, 900), (110, 3000), (180, 4000)):
        histogram[0, grey - 5 : grey + 6] += count / 11
    assert abs(int(white_matter(histogram)[0]) - 180) <= 5
    assert white_matter(np.zeros((1, 256)))[0] == 1


def test_features_of_empty_slices_are_finite() -> None:
    volumes = np.zeros((3, 4, 208, 176), np.uint8)
    volumes[1, :, 60:140, 50:120] = 180
    assert np.isfinite(person_features(volumes)).all()


@pytest.mark.slow
def test_the_real_archive(archive: Path, oasis_table: Path) -> None:
    """No key is shipped: the order, the table's covariates and the settled search speak for themselves."""
    from alzedge.data.loading import load_dataset

    dataset = load_dataset(archive)
    order = np.lexsort((dataset.slice, dataset.subject))
    names = dataset.subject[order][::32].tolist()
    labels = dataset.labels[order][::32]
    features = person_features(dataset.images[order].reshape(200, 32, 208, 176))
    people = read_people(oasis_table)
    found = recover_people(names, labels, features, people)
    assert found.settled
    assert sum(match.known for match in found.matches) >= 190
    outside = [match.subject for match in found.matches if match.outside > 0.9]
    assert len(outside) <= 3
    young = [match for match in found.matches if match.known and match.person.first.age < 60]
    assert 25 <= len(young) <= 29 and all(match.person.first.cdr == 0 for match in young)
    proof = {c.covariate: c for c in prove_order(found, labels, features, people, shuffles=20, searches=0).covariates}
    for name, least in (("nWBV", 0.9), ("age", 0.7), ("eTIV", 0.7), ("sex", 0.6)):
        assert proof[name].found > least > proof[name].shuffled_highest
