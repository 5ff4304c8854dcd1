"""Age, sex and the other values of OASIS-1's table brought to the Kaggle archive's slices, once the people are known."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from alzedge.data.people.recovery import Match

if TYPE_CHECKING:
    from alzedge.data.dataset import DataSet


def link_people(dataset: "DataSet", matches: Sequence[Match]) -> "DataSet":
    """Call the people of the Kaggle archive by OASIS-1's identifiers and add what the table says of them.

    Whoever is not known (posterior below 0.9) keeps the archive's name, and no value.

    Args:
        dataset: the archive, with its subjects.
        matches: of each subject; see `alzedge.data.people.recovery.recover_people`.
    """
    known = {match.subject: match.person for match in matches if match.known}
    subjects, of = np.unique(dataset.subject, return_inverse=True)
    people = [known.get(str(subject)) for subject in subjects]

    def column(name: str) -> NDArray[np.float64]:
        values = [None if person is None else getattr(person.first, name) for person in people]
        return np.array(values, np.float64)[of]

    names = np.array([s if p is None else p.oasis_id for s, p in zip(subjects, people, strict=True)], str)[of]
    return replace(
        dataset,
        subject=names,
        scan=np.char.add(names, "/kaggle"),
        sex=np.array(["" if person is None else person.first.sex for person in people], str)[of],
        age=column("age"),
        education=column("education"),
        mmse=column("mmse"),
        etiv=column("etiv"),
        nwbv=column("nwbv"),
    )
