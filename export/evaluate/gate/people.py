"""Two models' answers for the same held-out people, one source at a time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from alzedge.data.dataset import DataSet
from alzedge.metrics.baselines import Sides
from alzedge.metrics.bootstrap import Floats
from alzedge.metrics.people.baselines import baseline_answers, side_people
from alzedge.metrics.people.cohort import Cohort
from alzedge.metrics.people.evidence import Asked, source_names
from alzedge.metrics.people.person_answers import PersonAnswers, answer_people
from alzedge.metrics.people_figures import CSF
from alzedge.metrics.tasks import ANY_DEMENTIA


@dataclass(frozen=True, eq=False)
class PairedPeople:
    """P held-out people of one source, and what each model answers for them.

    Attributes:
        source: its name.
        labels: int64 (P,), index into `STAGES`; -1 where nobody examined the person.
        nwbv, age: float64 (P,), the table's; NaN where unknown.
        groups: members of each group by age and sex, bool (P,).
        new: the new model's answers.
        champion: likewise; None without a champion.
        csf: float64 (P,), probability of any dementia by the share of dark pixels; None where there was nobody to fit it to.
    """

    source: str
    labels: NDArray[np.int64]
    nwbv: Floats
    age: Floats
    groups: Mapping[str, NDArray[np.bool_]]
    new: PersonAnswers
    champion: PersonAnswers | None = None
    csf: Floats | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, places: NDArray[np.intp]) -> "PairedPeople":
        """The people at `places`, in that order."""
        return PairedPeople(
            self.source,
            self.labels[places],
            self.nwbv[places],
            self.age[places],
            {name: members[places] for name, members in self.groups.items()},
            take_answers(self.new, places),
            None if self.champion is None else take_answers(self.champion, places),
            None if self.csf is None else self.csf[places],
        )


def take_answers(answers: PersonAnswers, places: NDArray[np.intp]) -> PersonAnswers:
    """The answers for the people at `places`."""
    sets = None if answers.stage_set is None else answers.stage_set[places]
    return PersonAnswers(answers.probabilities[places], answers.brain_volume[places], answers.age[places], sets)


def pair_people(
    new: Asked, champion: Asked | None, dataset: DataSet, rows: NDArray[np.intp], sides: Sides
) -> list[PairedPeople]:
    """Put two models' answers for the same slices side by side, a person a row.

    Args:
        new, champion: asked about `rows`.
        dataset: whose people are known.
        rows: int (N,), ascending, the held-out slices.
        sides: rows that train and that test, of the split or of each fold; the baseline is fitted to the former.

    Returns:
        One for each source of the data; a person who was scanned twice counts by the first scan.
    """
    names = source_names(dataset)
    paired = []
    for name in np.unique(names[rows]).tolist():
        own = [(train[names[train] == name], test[names[test] == name]) for train, test in sides]
        sided = side_people(dataset, [(train, test) for train, test in own if len(test)])
        places = np.flatnonzero(names[rows] == name)
        csf = None
        if CSF in sided.values:
            answered = baseline_answers(replace(sided, values={CSF: sided.values[CSF]}))[CSF]
            scores = answered.get(ANY_DEMENTIA.name)
            csf = None if scores is None else 1 - scores[:, 0]
        given = [None if one is None else _ask(one, places, sided.test) for one in (new, champion)]
        if given[0] is not None:
            paired.append(_paired(name, sided.test, given[0], given[1], csf))
    return paired


def _ask(asked: Asked, places: NDArray[np.intp], cohort: Cohort) -> PersonAnswers:
    return answer_people(asked.readings.take(places), cohort.slices, cohort.subject, asked.rule)


def _paired(
    name: str, cohort: Cohort, new: PersonAnswers, champion: PersonAnswers | None, csf: Floats | None
) -> PairedPeople:
    return PairedPeople(name, cohort.labels, cohort.nwbv, cohort.age, cohort.groups(), new, champion, csf)


def people_in(paired: Sequence[PairedPeople]) -> int:
    """Number of people of the source that has most: sources may show the same people."""
    return max(map(len, paired), default=0)
