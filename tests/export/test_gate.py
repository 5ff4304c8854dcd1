"""The gate: a worse model is refused, an equal one is not called worse, and too few people cannot tell."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers.commands import assert_refused, call_cli

from alzedge.data.dataset import DataSet
from alzedge.data.folds import subject_folds
from alzedge.data.phantom_set import make_phantoms
from alzedge.data.predictions import Predictions
from alzedge.errors import UserError
from alzedge.export.evaluate.gate.compare import check_people, power_of
from alzedge.export.evaluate.gate.gate import gate, sign
from alzedge.export.evaluate.gate.people import PairedPeople
from alzedge.export.evaluate.gate.settings import GateSettings
from alzedge.metrics.people.person_answers import PersonAnswers
from alzedge.model_file.bundled import bundled_model
from alzedge.model_file.decision import Check, Decision, Outcome, SignedDecision, Verdict
from alzedge.model_file.read_write import read_record, read_tflite, write_tflite
from alzedge.runs.recipe_file import load_recipe

SETTINGS = GateSettings(calls=0, replicates=400)


def answers_for(labels: np.ndarray, skill: float, seed: int) -> PersonAnswers:
    """Answers of a model whose score for dementia is `skill` standard deviations higher for people who have it."""
    rng = np.random.default_rng(seed)
    demented = 1 / (1 + np.exp(-(skill * (labels > 0) - skill / 2 + rng.normal(size=len(labels)))))
    probabilities = np.column_stack([1 - demented, *[demented / 3] * 3])
    unknown = np.full((len(labels), 3), np.nan)
    return PersonAnswers(probabilities, unknown, unknown, None)


def paired(people: int, new: float, champion: float | None, seed: int = 0, same: bool = False) -> PairedPeople:
    labels = np.arange(people) % 2
    nothing = np.full(people, np.nan)
    groups = {"all": np.ones(people, bool), "women": np.arange(people) % 3 == 0, "men": np.arange(people) % 3 != 0}
    theirs = None if champion is None else answers_for(labels, champion, seed + (0 if same else 1000))
    return PairedPeople("drawn", labels, nothing, nothing, groups, answers_for(labels, new, seed), theirs)


def outcome_of(people: PairedPeople, settings: GateSettings = SETTINGS) -> Outcome:
    checks = check_people(people, settings).checks
    return Decision(checks, None, None, "", len(people), "").outcome


def test_a_worse_model_is_refused_and_the_same_one_blessed() -> None:
    assert outcome_of(paired(300, 0.6, 2.0)) is Outcome.REFUSED
    assert outcome_of(paired(300, 2.0, 2.0, same=True)) is Outcome.BLESSED


def test_an_equal_model_is_not_called_worse_and_few_people_cannot_tell() -> None:
    outcomes = [outcome_of(paired(80, 1.4, 1.4, seed)) for seed in range(20)]
    assert Outcome.REFUSED not in outcomes and outcomes.count(Outcome.CANNOT_TELL) > 10


def test_without_a_champion_floors_alone_decide() -> None:
    assert outcome_of(paired(200, 1.5, None)) is Outcome.BLESSED
    assert outcome_of(paired(200, 0.0, None)) is not Outcome.BLESSED
    assert outcome_of(paired(200, 1.5, None), replace(SETTINGS, floor=0.95)) is Outcome.REFUSED


def test_a_loss_among_women_alone_refuses() -> None:
    people = paired(600, 2.0, 2.0, same=True)
    women = people.groups["women"]
    spoiled = people.new.probabilities.copy()
    spoiled[women] = (
        spoiled[women][:, [1, 0, 2, 3]]
        * [1, 3, 0, 0]
        / (spoiled[women][:, [1, 0, 2, 3]] * [1, 3, 0, 0]).sum(axis=1, keepdims=True)
    )
    lost = replace(people, new=replace(people.new, probabilities=spoiled))
    failed = [check.name for check in check_people(lost, SETTINGS).checks if check.verdict is Verdict.FAILED]
    assert "AUC of women, new less champion (drawn)" in failed
    assert not any(name.startswith("AUC of men") for name in failed)


def test_a_measure_that_the_champion_had_must_not_get_lost() -> None:
    people = paired(60, 2.0, 2.0, same=True)
    volumes = np.column_stack([np.linspace(0.7, 0.9, 60)] * 3)
    assert people.champion is not None
    told = replace(people, nwbv=volumes[:, 0], champion=replace(people.champion, brain_volume=volumes))
    assert outcome_of(told) is Outcome.REFUSED
    both = replace(told, new=replace(told.new, brain_volume=volumes))
    assert outcome_of(both) is Outcome.BLESSED
    wrong = replace(told, new=replace(told.new, brain_volume=volumes[:, :] + 0.03))
    assert outcome_of(wrong) is Outcome.REFUSED


@pytest.mark.parametrize(
    ("low", "high", "at_least", "verdict"),
    [
        (-0.04, 0.02, True, Verdict.PASSED),
        (-0.06, 0.02, True, Verdict.UNSURE),
        (-0.2, -0.06, True, Verdict.FAILED),
        (0.9, 1.0, False, Verdict.FAILED),
        (-1.0, -0.06, False, Verdict.PASSED),
        (-1.0, 1.0, False, Verdict.UNSURE),
    ],
)
def test_a_verdict_follows_from_the_interval_and_the_limit(
    low: float, high: float, at_least: bool, verdict: Verdict
) -> None:
    assert Check("x", (low + high) / 2, low, high, -0.05, at_least).verdict is verdict


def test_the_power_agrees_with_a_simulation() -> None:
    """An equal model's estimate is normal around 0: passes are counted."""
    error, margin = 0.02, 0.05
    drawn = np.random.default_rng(0).normal(0, error, 200_000)
    passed = float((drawn - 1.6449 * error >= -margin).mean())
    power, needed = power_of(error, margin, 100)
    assert power == pytest.approx(passed, abs=0.005) and needed is not None
    assert power_of(error * (100 / needed) ** 0.5, margin, needed)[0] == pytest.approx(0.8, abs=0.01)
    assert power_of(0.0, margin, 40) == (1.0, 40)
    assert power_of(error, 0.0, 40) == (pytest.approx(0.05, abs=1e-3), None)


def write_predictions(path: Path, dataset: DataSet, right: float, seed: int) -> Path:
    """Predictions pooled over folds that give the true stage a share `right`, on average, and noise to the others."""
    rng = np.random.default_rng(seed)
    shares = rng.dirichlet(np.ones(4), len(dataset)) * (1 - right) + np.eye(4)[dataset.labels] * right
    folds = subject_folds(dataset.subject, dataset.labels)
    replace(Predictions.of(dataset, 0, shares), fold=folds.astype(np.int64)).save(path)
    return path


@pytest.mark.slow
def test_the_command_tells_the_outcomes_apart_by_exit_codes(tmp_path: Path) -> None:
    dataset = make_phantoms(40, 5)
    small = ("--set", "phantoms.subjects=40", "--set", "phantoms.slices=5", "--replicates", 200, "--floor-margin", 1)
    good, other, bad, weak = (
        write_predictions(tmp_path / f"{name}.csv", dataset, right, seed)
        for name, right, seed in (("good", 0.5, 0), ("other", 0.5, 1), ("bad", 0.0, 2), ("weak", 0.1, 3))
    )
    blessed = call_cli("gate", other, "phantoms", "--against", good, *small)
    assert blessed.returncode == 0 and "BLESSED" in blessed.stdout, blessed.stderr + blessed.stdout
    refused = call_cli("gate", bad, "phantoms", "--against", good, *small, "--json", tmp_path / "decision.json")
    assert refused.returncode == 3 and "REFUSED" in refused.stdout and "power:" in refused.stdout
    assert json.loads((tmp_path / "decision.json").read_text())["outcome"] == "refused"
    cannot = call_cli("gate", weak, "phantoms", "--against", weak, *small, "--floor", 0.9)
    assert cannot.returncode == 4 and "CANNOT TELL" in cannot.stdout, cannot.stdout


def test_a_decision_is_written_into_the_file_and_covered_by_its_hash(tmp_path: Path, people: DataSet) -> None:
    """The bundled model against itself, on phantoms, which neither has seen."""
    model, champion = tmp_path / "new.tflite", bundled_model()
    model.write_bytes(champion.read_bytes())
    decision = gate(model, champion, people, load_recipe("quick"), SETTINGS, signed_by="A. Smith")
    before = read_tflite(model)
    again = sign(model, decision)
    flatbuffer, record = read_tflite(model)
    assert flatbuffer == before[0] and record["sha256"] == again != before[1]["sha256"]
    told = SignedDecision.read(record)
    assert told.outcome == decision.outcome and told.signed_by == "A. Smith"
    assert told.against == read_record(champion)["sha256"] == record["gate"]["candidate"]
    assert record["gate"]["checks"][0]["verdict"] in list(Verdict)
    with pytest.raises(UserError, match="not the file that was decided on"):
        sign(model, decision)
    model.write_bytes(model.read_bytes().replace(b'"outcome": "', b'"outcome": "x'[:-1] + b"X", 1))
    with pytest.raises(UserError):
        read_record(model)


def test_a_model_that_has_seen_the_people_is_not_compared(tmp_path: Path, people: DataSet) -> None:
    """A file of the official split, whose test slices are of the people it was trained on."""
    flatbuffer, record = read_tflite(bundled_model())
    dataset = {"name": "x", "synthetic": True, "fingerprint": people.fingerprint, "slices": 240, "people": 40}
    split = record["split"] | {"name": "official", "fold": None, "unseen_people": False}
    seen = tmp_path / "seen.tflite"
    write_tflite(seen, flatbuffer, record | {"dataset": dataset, "split": split})
    with pytest.raises(UserError, match="seen.tflite: Trained on"):
        gate(seen, None, people, load_recipe("quick"), SETTINGS)
    with pytest.raises(UserError, match="people are unknown"):
        gate(seen, None, replace(people, subject=np.full(len(people), "")), load_recipe("quick"), SETTINGS)


def test_predictions_and_a_file_are_not_compared(tmp_path: Path) -> None:
    assert_refused(call_cli("gate", bundled_model(), "--against", tmp_path / "no.tflite"), "no such model file")
