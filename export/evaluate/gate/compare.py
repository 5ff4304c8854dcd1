"""The gate's checks on people: a paired bootstrap, in which both models answer for the people who were drawn."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from alzedge.export.evaluate.gate.people import PairedPeople
from alzedge.export.evaluate.gate.settings import GateSettings
from alzedge.metrics.auc import areas
from alzedge.metrics.bootstrap import Floats, draw_people, ratio
from alzedge.metrics.people.person_answers import PersonAnswers
from alzedge.metrics.people_figures import ALL, GROUPS
from alzedge.metrics.scores import MIN_PEOPLE, Resamples, confidences
from alzedge.metrics.tasks import ANY_DEMENTIA
from alzedge.model_file.decision import Check

_ENDS = (5.0, 95.0)  # of a two-sided interval of 90 %: each end is a one-sided bound of 95 %
WANTED_POWER = 0.8
_NORMAL = NormalDist()
_Z_LEVEL, _Z_POWER = _NORMAL.inv_cdf(0.95), _NORMAL.inv_cdf(WANTED_POWER)


@dataclass(frozen=True)
class Power:
    """Chances of one comparison with the champion.

    Attributes:
        check: name of the check.
        power: chance, 0 to 1, that a model exactly as good as the champion passes it.
        people_needed: number of people for a power of 0.8; None where no number is enough, as for a margin of 0.
    """

    check: str
    power: float
    people_needed: int | None


@dataclass(frozen=True)
class PeopleChecks:
    """Checks on the people of one source, and the power of those that compare and decide."""

    checks: tuple[Check, ...]
    powers: tuple[Power, ...]
    notes: tuple[str, ...] = ()


class _Collector:
    """Judges figures under all resamples, and keeps what follows."""

    def __init__(self, source: str) -> None:
        self.source, self.checks, self.powers = source, list[Check](), list[Power]()

    def add(self, name: str, values: Floats, limit: float, people: int, at_least: bool, decides: bool = True) -> None:
        if np.isnan(values[0]):
            return
        low, high = (float(end) for end in np.nanpercentile(values[1:], _ENDS))
        title = f"{name} ({self.source})"
        self.checks.append(Check(title, float(values[0]), low, high, limit, at_least, decides, people))

    def compare(self, name: str, difference: Floats, margin: float, people: int, lower: bool, decides: bool) -> None:
        """Non-inferiority: the difference, new less champion, must not be worse than the margin."""
        self.add(name, difference, margin if lower else -margin, people, not lower, decides)
        error = float(np.nanstd(difference[1:]))
        if decides and not np.isnan(difference[0]):
            power, needed = power_of(error, margin, people)
            self.powers.append(Power(f"{name} ({self.source})", power, needed))


def power_of(error: float, margin: float, people: int) -> tuple[float, int | None]:
    """Power of a non-inferiority test at 5 % for an equal model, and the people needed for a power of 0.8.

    The normal approximation (Blackwelder 1982, Controlled Clinical Trials 3:345): an equal model passes when the estimate
    lies less than the margin below zero by 1.645 standard errors or more.

    Args:
        error: standard error of the difference on `people` people.
        margin: 0 or more.
        people: number of them.
    """
    if error == 0:
        return 1.0, people
    power = _NORMAL.cdf(margin / error - _Z_LEVEL)
    if margin == 0:
        return power, None
    return power, math.ceil(people * ((_Z_LEVEL + _Z_POWER) * error / margin) ** 2)


def check_people(people: PairedPeople, settings: GateSettings) -> PeopleChecks:
    """Check a new model on the people of one source: floors, and where there is a champion every comparison with it.

    Args:
        people: held out from both models.
        settings: limits.
    """
    found = _Collector(people.source)
    labels = ANY_DEMENTIA.labels(people.labels)
    staged = np.flatnonzero(labels >= 0)
    few = min(int((labels == 0).sum()), int((labels == 1).sum())) < MIN_PEOPLE
    notes = () if not few else (f"{people.source}: fewer than {MIN_PEOPLE} people with or without dementia.",)
    if not few:
        _check_ranking(found, people.take(staged), labels[staged] == 1, settings)
    _check_measures(found, people, settings)
    return PeopleChecks(tuple(found.checks), tuple(found.powers), notes)


def _check_ranking(
    found: _Collector, people: PairedPeople, positive: NDArray[np.bool_], settings: GateSettings
) -> None:
    weights = draw_people(len(people), settings.seed, settings.replicates)
    own = np.arange(len(people))
    auc = _auc(people.new, positive, weights)
    found.add("AUC of any dementia", auc, settings.floor, len(people), at_least=True)
    if people.csf is not None:
        above = auc - areas(positive, people.csf, own, weights)[0]
        found.add("AUC, new less dark pixels", above, -settings.floor_margin, len(people), at_least=True)
    if people.champion is None:
        return
    difference = auc - _auc(people.champion, positive, weights)
    found.compare("AUC, new less champion", difference, settings.margin, len(people), lower=False, decides=True)
    ours, theirs = (_confidences(answers, positive, weights) for answers in (people.new, people.champion))
    brier = ours["brier",] - theirs["brier",]
    found.compare("Brier score, new less champion", brier, settings.brier_margin, len(people), lower=True, decides=True)
    # On a few hundred people calibration error is far too noisy to be shown to be equal: it can refuse and not bless.
    excess, margin = ours["ece",] - theirs["ece",], settings.calibration_margin
    found.compare("calibration error, new less champion", excess, margin, len(people), lower=True, decides=False)
    for group, places in _groups(people, positive):
        some = people.take(places)
        if some.champion is not None:
            drawn = weights[:, places]
            loss = _auc(some.new, positive[places], drawn) - _auc(some.champion, positive[places], drawn)
            title = f"AUC of {GROUPS[group]}, new less champion"
            found.compare(title, loss, settings.group_margin, len(places), lower=False, decides=False)


def _groups(people: PairedPeople, positive: NDArray[np.bool_]) -> Iterator[tuple[str, NDArray[np.intp]]]:
    """Groups by age and sex in which both classes have enough people."""
    for name, members in people.groups.items():
        places = np.flatnonzero(members)
        count = int(positive[places].sum())
        if name != ALL and min(count, len(places) - count) >= MIN_PEOPLE:
            yield name, places


def _check_measures(found: _Collector, people: PairedPeople, settings: GateSettings) -> None:
    """Errors of brain volume and apparent age, where the new model measures them and the table knows them."""
    for name, truth, answers, margin in (
        ("error of brain volume", people.nwbv, "brain_volume", settings.volume_margin),
        ("error of apparent age, years", people.age, "age", settings.age_margin),
    ):
        new = getattr(people.new, answers)[:, 0]
        known = np.isfinite(new) & np.isfinite(truth)
        champion = None if people.champion is None else getattr(people.champion, answers)[:, 0]
        measured = champion is not None and bool((np.isfinite(champion) & np.isfinite(truth)).any())
        if known.sum() < MIN_PEOPLE:
            if measured:  # a counted figure: what the champion measures has gone
                found.add(f"{name}: people it is measured for", np.zeros(2), 1, 0, at_least=True)
            continue
        weights = draw_people(int(known.sum()), settings.seed, settings.replicates)
        error = _mean(np.abs(new - truth)[known], weights)
        naive = _mean(np.abs(truth - np.median(truth[known]))[known], weights)
        found.add(f"{name}, new less the same answer for all", error - naive, 0.0, int(known.sum()), at_least=False)
        if champion is not None and np.isfinite(champion[known]).all():
            excess = error - _mean(np.abs(champion - truth)[known], weights)
            found.compare(f"{name}, new less champion", excess, margin, int(known.sum()), lower=True, decides=True)


def _auc(answers: PersonAnswers, positive: NDArray[np.bool_], weights: Floats) -> Floats:
    return areas(positive, ANY_DEMENTIA.scores(answers.probabilities)[:, 1], np.arange(len(positive)), weights)[0]


def _confidences(answers: PersonAnswers, positive: NDArray[np.bool_], weights: Floats) -> Resamples:
    scores = ANY_DEMENTIA.scores(answers.probabilities)
    return confidences(positive.astype(np.int64), scores, np.arange(len(positive)), weights)


def _mean(values: Floats, weights: Floats) -> Floats:
    return ratio(weights @ values, weights.sum(axis=1))
