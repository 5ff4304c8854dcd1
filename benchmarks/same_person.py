"""One person, two sources: does a model answer alike for the Kaggle slices and for the OASIS-1 volume of the same person?

    alzedge subjects archive.zip --people oasis_cross-sectional.csv --csv people.csv
    alzedge prepare oasis1 --out prepared
    python benchmarks/same_person.py archive.zip prepared people.csv [--model FILE] [--fold 0] [--csv answers.csv]

Of each person whom people.csv knows and whose first scan is prepared, the model is asked three times: about the 32 Kaggle
slices of 1 mm, about the volume (of 2 mm voxels in OASIS-1's copies in MNI space) as `alzedge predict volume.nii.gz`
answers it, and about the volume's slices at the Kaggle slices' heights. Printed are the correlation over people, the mean
difference (volume minus Kaggle) and the mean size of it, for the score for any dementia and, where the model measures
them, brain volume and apparent age; and the share of slices that the guard takes.
"""

import argparse
import csv
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from alzedge.data.folds import oasis_folds
from alzedge.data.loading import load_dataset
from alzedge.inference.answer import Answer, Prediction
from alzedge.inference.classifier import Classifier
from alzedge.inference.sources import read_source
from alzedge.preparation import frame

SCAN = "{}_MR1"
VOLUME = "volume.nii.gz"
QUANTITIES: dict[str, Callable[[Answer], float | None]] = {
    "score for any dementia": lambda answer: answer.any_dementia.value if answer.any_dementia else None,
    "brain volume (nWBV)": lambda answer: answer.brain_volume.value if answer.brain_volume else None,
    "apparent age": lambda answer: answer.apparent_age.value if answer.apparent_age else None,
}


@dataclass(frozen=True)
class Asked:
    """Answers for one person.

    Attributes:
        person: identifier in OASIS-1.
        kaggle, volume, same_heights: to the three questions.
    """

    person: str
    kaggle: Prediction
    volume: Prediction
    same_heights: Prediction


def known_people(table: Path) -> dict[str, str]:
    """OASIS-1's identifier by subject, of the people whom `alzedge subjects --people` is sure of."""
    with table.open(newline="", encoding="utf-8") as file:
        return {row["subject"]: row["oasis_id"] for row in csv.DictReader(file) if row["known"] == "yes"}


def ask(classifier: Classifier, archive: Path, prepared: Path, people: dict[str, str]) -> Iterator[Asked]:
    """Ask about everybody who is in both sources."""
    kaggle = load_dataset(archive)
    for subject, person in people.items():
        volume = prepared / SCAN.format(person) / VOLUME
        slices = kaggle.images[kaggle.subject == subject]
        if volume.is_file() and len(slices):
            (cut,) = read_source(volume, frame.kaggle_levels())
            predictions = (classifier.predict(source) for source in (slices, volume, cut.pixels))
            yield Asked(person, *predictions)


def agreement(pairs: NDArray[np.float64]) -> str:
    """Correlation, mean difference and mean size of the difference of (N, 2) values."""
    difference = pairs[:, 1] - pairs[:, 0]
    correlation = np.corrcoef(pairs.T)[0, 1]
    return f"{len(pairs):>6} {correlation:>12.3f} {difference.mean():>12.4f} {np.abs(difference).mean():>12.4f}"


def accepted(predictions: Iterable[Prediction]) -> float:
    """Share of slices that were not refused."""
    return float(np.mean([answer.refused is None for one in predictions for answer in one.slices]))


def report(asked: list[Asked]) -> None:
    """Print the table."""
    print(f"{'':<42} {'people':>6} {'correlation':>12} {'difference':>12} {'its size':>12}")
    for name, read in QUANTITIES.items():
        for other, of in (("the volume", lambda one: one.volume), ("its slices at the same heights", _same_heights)):
            pairs = [(read(one.kaggle.person), read(of(one).person)) for one in asked]
            both = np.array([pair for pair in pairs if None not in pair], np.float64)
            if len(both) > 2:
                print(f"{name + ',':<42}\n{'  ' + other:<42} {agreement(both)}")
    shares = [accepted(map(of, asked)) for of in (lambda one: one.kaggle, lambda one: one.volume, _same_heights)]
    print("slices accepted: Kaggle {:.1%}, volume {:.1%}, volume at the same heights {:.1%}".format(*shares))


def _same_heights(one: Asked) -> Prediction:
    return one.same_heights


def write_csv(path: Path, asked: list[Asked]) -> None:
    """Write every person's values, one row each."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["person", *(f"{name}: {source}" for name in QUANTITIES for source in ("Kaggle", "volume"))])
        for one in asked:
            values = [read(source.person) for read in QUANTITIES.values() for source in (one.kaggle, one.volume)]
            writer.writerow([one.person, *("" if value is None else value for value in values)])


def main() -> None:
    """Read the options, ask, print."""
    parser = argparse.ArgumentParser(description="Compare a model's answers for one person from two sources.")
    parser.add_argument("archive", type=Path)
    parser.add_argument("prepared", type=Path, help="folder that alzedge prepare wrote")
    parser.add_argument("people", type=Path, help="CSV of alzedge subjects --people TABLE --csv FILE")
    parser.add_argument("--model", type=Path, help="a model file; by default the bundled one")
    parser.add_argument("--fold", type=int, default=0, help="whose people the model has not seen")
    parser.add_argument("--csv", type=Path, help="where to write every person's values")
    options = parser.parse_args()
    classifier = Classifier.load(options.model)
    asked = list(ask(classifier, options.archive, options.prepared, known_people(options.people)))
    if not asked:
        raise SystemExit("Nobody is in both sources; name the archive, the prepared scans and the table of the people.")
    folds = oasis_folds()
    unseen = [one for one in asked if folds[one.person] == options.fold]
    for title, some in (("everybody who is in both sources", asked), (f"people of fold {options.fold}", unseen)):
        print(f"\n{title}")
        report(some)
    if options.csv:
        write_csv(options.csv, asked)


if __name__ == "__main__":
    main()
