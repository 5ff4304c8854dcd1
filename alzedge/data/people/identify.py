"""Identification of the Kaggle archive's subjects, from a data set and OASIS-1's table to matches, proof and table."""

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from alzedge.data.people.by_pixels.matching import PixelProof, match_pixels
from alzedge.data.people.by_pixels.registration import list_scans
from alzedge.data.people.features import person_features
from alzedge.data.people.proof import Proof, prove_order
from alzedge.data.people.recovery import Match, Recovery, recover_people
from alzedge.data.people.table import Person
from alzedge.errors import UserError
from alzedge.utils.progress import Step

if TYPE_CHECKING:  # a data set is made in the room above, which asks this one for its people
    from alzedge.data.dataset import DataSet

SEARCHES, ROUNDS = 6, 25
COLUMNS = (
    "subject", "oasis_id", "posterior", "known", "runner_up", "runner_up_posterior",
    "age", "sex", "education", "mmse", "cdr", "etiv", "nwbv",
)  # fmt: skip


@dataclass(frozen=True)
class Difference:
    """A subject whom pixels clearly give to another person than the recovery."""

    subject: str
    recovered: str
    posterior: float
    by_pixels: str
    correlation: float


@dataclass(frozen=True, eq=False)
class Identified:
    """The people of an archive, with the evidence.

    Attributes:
        recovery: the matches, one for each subject.
        proof: cross-fitted correlations under the recovered order and under shuffled ones.
        pixels: identities by pixels; None without volumes.
        differences: subjects whom pixels clearly give to another person; empty without volumes.
    """

    recovery: Recovery
    proof: Proof
    pixels: PixelProof | None
    differences: tuple[Difference, ...]


def identify(
    dataset: "DataSet",
    people: Sequence[Person],
    volumes: Path | None = None,
    on_step: Callable[[Step], None] = lambda step: None,
    on_phase: Callable[[str], None] = lambda title: None,
) -> Identified:
    """Find out who is on the images of the Kaggle archive.

    Args:
        dataset: the archive, with its subjects and slices; see `alzedge.data.summaries.kaggle_people.recover_subjects`.
        people: OASIS-1's; see `alzedge.data.people.table.read_people`.
        volumes: folder of OASIS-1's scans, for the proof by pixels.
        on_step: is told of each round of the search.
        on_phase: is told what is done next.

    Raises:
        UserError: more subjects of a class than people of its CDR, or scans that cannot be read.
    """
    files = list_scans(volumes) if volumes is not None else []  # refused before any work
    subjects, labels, stacks = _stacks(dataset)
    on_phase("features")
    features = person_features(stacks)
    on_phase("search")
    recovery = _recover(subjects, labels, features, people, on_step)
    on_phase("proof")
    proof = prove_order(recovery, labels, features, people)
    if volumes is None:
        return Identified(recovery, proof, None, ())
    suggested = {m.subject: [m.person.oasis_id] for m in recovery.matches}
    pixels = match_pixels(subjects, stacks, files, suggested, on_phase)
    return Identified(recovery, proof, pixels, tuple(differences(recovery, pixels)))


def recover(
    dataset: "DataSet", people: Sequence[Person], on_step: Callable[[Step], None] = lambda step: None
) -> tuple[Match, ...]:
    """Find out who is on the images of the Kaggle archive, without the proof; see `identify`."""
    subjects, labels, stacks = _stacks(dataset)
    return _recover(subjects, labels, person_features(stacks), people, on_step).matches


def _recover(
    subjects: Sequence[str],
    labels: NDArray[np.int64],
    features: NDArray[np.float64],
    people: Sequence[Person],
    on_step: Callable[[Step], None],
) -> Recovery:
    steps = SEARCHES * ROUNDS

    def on_round(search: int, number: int, change: float) -> None:
        on_step(Step(search, SEARCHES, (search - 1) * ROUNDS + number, steps, change))

    return recover_people(subjects, labels, features, people, on_round, SEARCHES, ROUNDS)


def differences(recovery: Recovery, proof: PixelProof) -> list[Difference]:
    """List the subjects whom pixels clearly give to another person."""
    return [
        Difference(ours.subject, ours.person.oasis_id, ours.posterior, theirs.person, theirs.correlation)
        for ours, theirs in zip(recovery.matches, proof.matches, strict=True)
        if theirs.clear and theirs.person != ours.person.oasis_id
    ]


def people_csv(recovery: Recovery) -> str:
    """Write one row for each subject: who it is, how sure that is, and the person's row of OASIS-1's table."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(map(_row, recovery.matches))
    return buffer.getvalue()


def summary(identified: Identified) -> str:
    """Say how many people are known, and the proof, as text."""
    matches = identified.recovery.matches
    known = sum(match.known for match in matches)
    sure = sum(match.posterior >= 0.95 for match in matches)
    lines = [
        (
            f"{known} of {len(matches)} people known (posterior 0.9 or more), {sure} of them at 0.95 or more; "
            "the others are treated as unknown"
        ),
        "",
        "proof: correlation of what the images tell, cross-fitted by person, with OASIS-1's table",
        f"{'':8}{'found order':>14}{'shuffled within classes':>26}{'searches on shuffled tables':>30}",
    ]
    for one in identified.proof.covariates:
        shuffled = f"{one.shuffled:.3f} (highest {one.shuffled_highest:.3f})"
        searched = f"{one.searched:.3f} (highest {one.searched_highest:.3f})"
        lines.append(f"{one.covariate:<8}{one.found:>14.3f}{shuffled:>26}{searched:>30}")
    if identified.pixels is not None:
        lines += ["", *_pixel_lines(identified.pixels, identified.differences)]
    return "\n".join(lines)


def _stacks(dataset: "DataSet") -> tuple[list[str], NDArray[np.int64], NDArray[np.uint8]]:
    """Names, labels and slices (P, S, 208, 176) of the subjects, by class and name."""
    order = np.lexsort((dataset.slice, dataset.subject, dataset.labels))
    per_person = len(np.unique(dataset.slice))
    pairs = np.unique(np.char.add(np.char.add(dataset.subject, "/"), dataset.slice.astype(str)))
    if not len(pairs) == len(dataset) == per_person * len(np.unique(dataset.subject)) or dataset.slice.min() < 1:
        raise UserError(
            f"{dataset.name}: its people are identified by the same slices of everybody, and some are missing or there twice; "
            "use the original archive.zip from Kaggle."
        )
    first = order[::per_person]
    images = dataset.images[order].reshape(len(first), per_person, *dataset.images.shape[1:])
    return dataset.subject[first].tolist(), dataset.labels[first], images


def _row(match: Match) -> list[object]:
    scan = match.person.first
    runner_up = "" if match.runner_up is None else match.runner_up.oasis_id
    values = (scan.age, scan.sex, scan.education, scan.mmse, scan.cdr, scan.etiv, scan.nwbv)
    return [
        match.subject,
        match.person.oasis_id,
        f"{match.posterior:.4f}",
        "yes" if match.known else "no",
        runner_up,
        f"{match.runner_up_posterior:.4f}",
        *("" if value is None else value for value in values),
    ]


def _pixel_lines(pixels: PixelProof, found: Sequence[Difference]) -> list[str]:
    clear = sum(match.clear for match in pixels.matches)
    lines = [
        (
            f"pixels: group means registered with correlation {pixels.registered:.3f}; {clear} of {len(pixels.matches)} people "
            f"stand out clearly, {len(found)} of them as somebody else than the search says"
        ),
    ]
    lines += [
        f"  {one.subject}: {one.recovered} (posterior {one.posterior:.2f}), by pixels {one.by_pixels} ({one.correlation:.2f})"
        for one in found
    ]
    return lines
