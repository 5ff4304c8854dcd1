"""Learning curves over people of a model without a budget: ridge regression on whole brains.

    python benchmarks/ceiling.py archive.zip prepared --people oasis_cross-sectional.csv [--out docs/ceiling.png]

Every brightness of a person's slices (104 x 88 pixels, smoothed with a standard deviation of 1 pixel) goes into one ridge
regression (Hoerl and Kennard 1970), for brain volume, age and any dementia: some hundred thousand numbers per person and no
limit of size, where the student has 22 thousand weights and looks at one slice at a time. Means and deviations are those of
the training people; the penalty is the best of seven in leave-one-out among them. Each person is answered by the fold without
it, trained on a share of the other folds' people: of the smaller shares figures and the ends of their intervals, which are
over people, are means over draws. `--out` draws the curves.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from sklearn.linear_model import RidgeCV

from alzedge.data.dataset import UNKNOWN_STAGE, DataSet
from alzedge.data.folds import subject_folds
from alzedge.data.loading import load_dataset
from alzedge.imaging.preprocessing import Preprocessing
from alzedge.metrics.auc import areas
from alzedge.metrics.bootstrap import Floats, draw_people, with_interval
from alzedge.metrics.estimate import Estimate
from alzedge.metrics.people.quantities import agreement

SHARES = (0.125, 0.25, 0.5, 1.0)
DRAWS = 4
PENALTIES = np.logspace(-4, 2, 7)
SMOOTHING = (0.5, 1.0, 1.0)  # pixels, between slices and within
OLD = 60
R, NWBV, AGE = "nWBV, r", "nWBV, mean error", "age, mean error"
AUC, AUC_OLD = "dementia, AUC", f"AUC, {OLD} and more"
TITLES = {R: ".3f", NWBV: ".4f", AGE: ".1f", AUC: ".3f", AUC_OLD: ".3f"}  # with the form of their numbers


@dataclass(frozen=True, eq=False)
class Cohort:
    """People of one source, one scan each.

    Attributes:
        name: of the data set.
        brightness: float32 (people, pixels), of all slices.
        fold: int64 (people,).
        targets: float64 (people,) by name, NaN where unknown.
        age: float64 (people,).
    """

    name: str
    brightness: NDArray[np.float32]
    fold: NDArray[np.int64]
    targets: dict[str, Floats]
    age: Floats


@dataclass(frozen=True)
class Point:
    """Figures by title, of models that learned from so many people."""

    people: int
    figures: dict[str, Estimate]


def read_cohort(path: Path, table: Path) -> Cohort:
    """Read slices of a source, all heights that everybody has, the first scan of each person."""
    dataset = load_dataset(path, people=table)
    dataset = dataset.take(np.flatnonzero(dataset.subject != ""))
    people, first = np.unique(dataset.subject, return_index=True)
    folds = subject_folds(dataset.subject, dataset.labels)
    steps = Preprocessing(steps=("white",), shrink=2)
    brains = np.stack([_brain(dataset, person, steps) for person in people])
    shown = (brains > 0).mean(axis=0) > 0.02
    stage = dataset.labels[first]
    dementia = np.where(stage == UNKNOWN_STAGE, np.nan, stage > 0)
    targets = {"nwbv": dataset.nwbv[first], "age": dataset.age[first], "dementia": dementia}
    return Cohort(path.name, brains[:, shown], folds[first], targets, dataset.age[first])


def _brain(dataset: DataSet, person: str, steps: Preprocessing) -> NDArray[np.float32]:
    mine = np.flatnonzero(dataset.subject == person)
    scan = mine[dataset.scan[mine] == np.sort(dataset.scan[mine])[0]]
    ordered = scan[np.lexsort((dataset.slice[scan], dataset.height[scan]))]
    smooth: NDArray[np.float32] = gaussian_filter(steps(dataset.images[ordered])[..., 0], SMOOTHING)
    return smooth


def answers(cohort: Cohort, target: str, share: float, draw: int) -> Floats:
    """Answer for everybody by the fold without them: float64 (people,)."""
    truth, found = cohort.targets[target], np.full(len(cohort.fold), np.nan)
    rng = np.random.default_rng(draw)
    for fold in range(cohort.fold.max() + 1):
        known = np.flatnonzero((cohort.fold != fold) & ~np.isnan(truth))
        train = rng.permutation(known)[: max(8, round(share * len(known)))]
        asked = np.flatnonzero(cohort.fold == fold)
        found[asked] = _ridge(cohort.brightness, truth, train, asked)
    return found


def _ridge(brightness: NDArray[np.float32], truth: Floats, train: NDArray[np.intp], asked: NDArray[np.intp]) -> Floats:
    """Ridge regression in the few directions that the training people span, which is the same regression."""
    mean, deviation = brightness[train].mean(axis=0), brightness[train].std(axis=0) + 0.02
    known = (brightness[train] - mean) / deviation
    values, directions = np.linalg.eigh((known @ known.T).astype(np.float64))
    kept = values > 1e-6 * values[-1]
    to_coordinates = directions[:, kept] / np.sqrt(values[kept])
    scale = np.sqrt(values[kept].sum() / len(train))
    coordinates = directions[:, kept] * np.sqrt(values[kept]) / scale
    asking = ((brightness[asked] - mean) / deviation @ known.T) @ to_coordinates / scale
    model = RidgeCV(PENALTIES).fit(coordinates, truth[train])
    answered: Floats = model.predict(asking)
    return answered


def figures(cohort: Cohort, found: dict[str, Floats], weights: Floats) -> dict[str, Estimate]:
    """Figures over all people, with intervals."""
    everybody, truth = np.arange(len(cohort.fold)), cohort.targets["dementia"]
    compared = {name: agreement(found[name], cohort.targets[name], everybody, weights) for name in ("nwbv", "age")}
    nwbv, age = (one.figures if one else {} for one in compared.values())
    ranked = {}
    for title, least in ((AUC, 0), (AUC_OLD, OLD)):
        some = np.flatnonzero(~np.isnan(truth) & (cohort.age >= least))
        ranked[title] = with_interval(areas(truth[some] == 1, found["dementia"][some], some, weights)[0])
    named = {R: nwbv.get("r"), NWBV: nwbv.get("mae"), AGE: age.get("mae"), **ranked}
    return {title: one for title, one in named.items() if one is not None}


def curve(cohort: Cohort) -> Iterator[Point]:
    """Yield a point for each share."""
    weights = draw_people(len(cohort.fold), seed=0)
    for share in SHARES:
        draws = [
            figures(cohort, {target: answers(cohort, target, share, draw) for target in cohort.targets}, weights)
            for draw in range(1 if share == 1 else DRAWS)
        ]
        means = {title: _mean([draw[title] for draw in draws]) for title in draws[0]}
        yield Point(round(share * len(cohort.fold) * cohort.fold.max() / (cohort.fold.max() + 1)), means)


def _mean(estimates: list[Estimate]) -> Estimate:
    value, low, high = np.mean([(one.value, one.low, one.high) for one in estimates], axis=0).tolist()
    return Estimate(value, low, high)


def draw_curves(path: Path, found: dict[str, list[Point]]) -> None:
    """Draw every figure over the number of training people, on a logarithmic axis."""
    from matplotlib.figure import Figure

    from alzedge.export.report.plots import save_figure

    figure = Figure(figsize=(13, 3.4), layout="constrained")
    axes = figure.subplots(1, 4)
    for axis, title in zip(axes, (NWBV, AGE, AUC, AUC_OLD), strict=True):
        for data, points in found.items():
            shown = [point.figures[title] for point in points]
            reach = [[one.value - one.low for one in shown], [one.high - one.value for one in shown]]
            people = [point.people for point in points]
            axis.errorbar(people, [one.value for one in shown], reach, marker="o", capsize=3, label=data)
        axis.set(xscale="log", xlabel="people to learn from", title=title)
        axis.set_xticks(people, [str(count) for count in people])
        axis.minorticks_off()
    axes[0].legend()
    save_figure(figure, path)


def main() -> None:
    """Read the options, fit, print."""
    parser = argparse.ArgumentParser(description="Learning curves of an unconstrained linear model over people.")
    parser.add_argument("data", type=Path, nargs="+")
    parser.add_argument("--people", type=Path, required=True, help="OASIS-1's table")
    parser.add_argument("--out", type=Path, help="where to draw the curves")
    options = parser.parse_args()
    found: dict[str, list[Point]] = {}
    for path in options.data:
        cohort = read_cohort(path, options.people)
        print(f"\n| {cohort.name}: people to learn from | {' | '.join(TITLES)} |\n|{'---|' * (1 + len(TITLES))}")
        points = found[cohort.name] = []
        for point in curve(cohort):
            points.append(point)
            cells = (point.figures[title].text(form, form, to="-") for title, form in TITLES.items())
            print(f"| {point.people} | {' | '.join(cells)} |", flush=True)
    if options.out:
        draw_curves(options.out, found)


if __name__ == "__main__":
    main()
