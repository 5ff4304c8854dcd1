"""False alarms and detections of `alzedge drift`: the figures of docs/monitoring.md.

    python benchmarks/bench_drift.py archive.zip oasis_cross-sectional.csv prepared --columns columns.npz

The Kaggle archive, OASIS-1's table, and what `alzedge prepare` wrote of OASIS-1's scans. People are drawn again and again: 100
for the reference, 20, 40 or 80 others as new ones, unchanged or with slices that are changed. Measuring takes two
minutes and is kept in --columns, which is of one model: remove it for another. The draws take five.
"""

import argparse
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from scipy.stats import ks_2samp

from alzedge.data.dataset import DataSet
from alzedge.data.loading import load_dataset
from alzedge.inference.classifier import Classifier
from alzedge.monitoring.drift import LEVEL, compare
from alzedge.monitoring.measure import measure
from alzedge.monitoring.permutation import holm
from alzedge.monitoring.quantities import WATCHED

REFERENCE, NEW = 100, (20, 40, 80)
UNDRIFTED, DRIFTED = 1000, 200
Columns = dict[str, NDArray[np.float64]]
Change = Callable[[NDArray[np.uint8]], NDArray[np.uint8]]


def blurred(radius: float) -> Change:
    """Gaussian blur; the background stays black."""

    def change(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        soft = np.asarray(Image.fromarray(image).filter(ImageFilter.GaussianBlur(radius)))
        return np.where(image > 0, soft, 0).astype(np.uint8)

    return change


def brighter(factor: float) -> Change:
    """Greys times a factor, cut off at white."""
    return lambda image: np.clip(np.rint(image * factor), 0, 255).astype(np.uint8)


CHANGES: dict[str, Change] = {
    "blur, SD 0.5 pixels": blurred(0.5),
    "blur, SD 1 pixel": blurred(1.0),
    "brightness + 5 %": brighter(1.05),
    "brightness + 10 %": brighter(1.10),
    "brightness - 10 %": brighter(0.90),
}


def people_columns(dataset: DataSet, classifier: Classifier) -> Columns:
    """Columns of the people of a data set, and their names."""
    people = measure(dataset, classifier).people
    assert people is not None
    watched = {name: people.numbers[name] for name in (*WATCHED, "age")}
    return {**watched, "subject": np.unique(dataset.subject)}


def prepared_slices(folder: Path, like: DataSet) -> DataSet:
    """First scans of OASIS-1 in slices at the Kaggle set's heights, as `alzedge prepare` wrote them."""
    of_one = like.take(np.flatnonzero(like.subject == like.subject[0]))
    heights = np.sort(of_one.height)
    names, images = [], []
    for scan in sorted(folder.glob("*_MR1/slices")):
        files = sorted(scan.glob("*.png"))
        assert len(files) == len(heights)
        images += [np.asarray(Image.open(file)) for file in files]
        names += [scan.parent.name.removesuffix("_MR1")] * len(files)
    rows = np.resize(np.arange(len(of_one)), len(images))
    nobody = np.full(len(images), np.nan)
    return replace(
        of_one.take(rows),
        images=np.stack(images),
        subject=np.array(names),
        height=np.resize(heights, len(images)),
        age=nobody,
    )


def measured_columns(arguments: argparse.Namespace) -> dict[str, Columns]:
    """Columns of all versions of the people, from the file if it is there."""
    path: Path = arguments.columns
    if path.is_file():
        kept = np.load(path)
        versions = {name.split("|")[0] for name in kept.files}
        return {v: {n.split("|")[1]: kept[n] for n in kept.files if n.startswith(f"{v}|")} for v in versions}
    classifier = Classifier.load()
    kaggle = load_dataset(arguments.archive, people=arguments.people)
    found = {"unchanged": people_columns(kaggle, classifier)}
    for name, change in CHANGES.items():
        images = np.stack([change(image) for image in kaggle.images])
        found[name] = people_columns(replace(kaggle, images=images), classifier)
    found["OASIS-1's scans"] = people_columns(prepared_slices(arguments.prepared, kaggle), classifier)
    found["slices"] = dict(measure(kaggle, classifier).slices.numbers) | {"subject": kaggle.subject}
    np.savez(path, **{f"{v}|{n}": values for v, columns in found.items() for n, values in columns.items()})
    return found


def rows_of(columns: Columns, rows: NDArray[np.intp]) -> Columns:
    """Columns of some people."""
    return {name: columns[name][rows] for name in WATCHED}


def share(found: list[bool]) -> str:
    """A share of draws as text."""
    return f"{np.mean(found):.1%}"


def false_alarms(versions: Mapping[str, Columns], rng: np.random.Generator) -> None:
    """Compare people who do not differ: by our test over people, and by Kolmogorov-Smirnov over slices and over people."""
    people, slices = versions["unchanged"], versions["slices"]
    _, person = np.unique(slices["subject"], return_inverse=True)
    ours, by_slice, by_person, each_slice, each_person = [], [], [], [], []
    for draw in range(UNDRIFTED):
        order = rng.permutation(len(people["subject"]))
        reference, new = order[:REFERENCE], order[REFERENCE : REFERENCE + NEW[draw % len(NEW)]]
        ours.append(bool(compare("", rows_of(people, reference), rows_of(people, new)).drifted))
        sides = [np.isin(person, rows) for rows in (reference, new)]
        p = kolmogorov_smirnov({n: (slices[n][sides[0]], slices[n][sides[1]]) for n in WATCHED})
        by_slice.append(min(holm(p).values()) < LEVEL)
        each_slice += [value < LEVEL for value in p.values()]
        p = kolmogorov_smirnov({n: (people[n][reference], people[n][new]) for n in WATCHED})
        by_person.append(min(holm(p).values()) < LEVEL)
        each_person += [value < LEVEL for value in p.values()]
    print(f"\n{UNDRIFTED} draws of people who do not differ, {NEW} new ones against {REFERENCE}: draws with an alarm\n")
    print("| test | any feature, corrected | one feature alone |\n|---|---|---|")
    print(f"| permutations of people (`alzedge drift`) | {share(ours)} | - |")
    print(f"| Kolmogorov-Smirnov over people | {share(by_person)} | {share(each_person)} |")
    print(f"| Kolmogorov-Smirnov over slices | {share(by_slice)} | {share(each_slice)} |")


def kolmogorov_smirnov(pairs: Mapping[str, tuple[NDArray[np.float64], NDArray[np.float64]]]) -> dict[str, float]:
    """P values of features that are not the same for everybody."""
    known = {name: [side[~np.isnan(side)] for side in pair] for name, pair in pairs.items()}
    varied = {name: pair for name, pair in known.items() if np.ptp(np.concatenate(pair)) > 0}
    return {name: float(ks_2samp(*pair, method="asymp").pvalue) for name, pair in varied.items()}


def detections(versions: Mapping[str, Columns], rng: np.random.Generator) -> None:
    """Compare people who differ: changed slices, scans of other people by another way, older and younger people."""
    plain, scans = versions["unchanged"], versions["OASIS-1's scans"]
    everybody = np.arange(len(plain["subject"]))
    of_scans = {str(name): row for row, name in enumerate(scans["subject"].tolist())}
    cases = [(name, versions[name], everybody, everybody) for name in CHANGES]
    linked = np.array([row for row, name in enumerate(plain["subject"].tolist()) if str(name) in of_scans])
    moved = {n: np.full(len(everybody), np.nan) for n in WATCHED}
    for name in WATCHED:
        moved[name][linked] = [scans[name][of_scans[str(plain["subject"][row])]] for row in linked]
    cases.append(("OASIS-1's scans of other people, prepared another way", moved, everybody, linked))
    age = plain["age"]
    older, young = (np.flatnonzero(found) for found in (age >= np.nanmedian(age), age < 70))
    cases.append(("older: the upper half of all ages", plain, everybody, older))
    cases.append(("older: the upper half against people under 70", plain, young, older))
    print(
        f"\n{DRIFTED} draws each, {REFERENCE} people in the reference (40 of those under 70): draws with drift found\n"
    )
    print("| change | " + " | ".join(f"{n} new people" for n in NEW) + " | features that drift most often |")
    print("|---|" + "---|" * (len(NEW) + 1))
    for name, columns, old, new in cases:
        cells, often = [], dict.fromkeys(WATCHED, 0)
        for count in NEW:
            found = []
            for _ in range(DRIFTED):
                came = rng.choice(new, count, replace=False)
                pool = np.setdiff1d(old, came)
                reference = rng.choice(pool, min(REFERENCE, 40 if old is young else REFERENCE), replace=False)
                drift = compare("", rows_of(plain, reference), rows_of(columns, came))
                found.append(bool(drift.drifted))
                for feature in drift.drifted:
                    often[feature] += 1
            cells.append(share(found))
        most = sorted((n for n in often if often[n]), key=lambda n: -often[n])[:3]
        print(f"| {name} | {' | '.join(cells)} | {', '.join(most)} |", flush=True)
    mean = [f"{np.nanmean(age[rows]):.1f}" for rows in (everybody, older, young)]
    print(f"\nMean ages: all {mean[0]}, upper half {mean[1]}, under 70 {mean[2]} years.")


def main() -> None:
    """Measure, draw, print tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", type=Path)
    parser.add_argument("people", type=Path)
    parser.add_argument("prepared", type=Path)
    parser.add_argument("--columns", type=Path, required=True, help="keeps what was measured; of one model")
    arguments = parser.parse_args()
    versions = measured_columns(arguments)
    false_alarms(versions, np.random.default_rng(1))
    detections(versions, np.random.default_rng(2))


if __name__ == "__main__":
    main()
