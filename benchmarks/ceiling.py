"""How much do more people help, and what does a model without a budget reach? Learning curves of whole-brain ridge regression.

    python benchmarks/ceiling.py archive.zip prepared --people oasis_cross-sectional.csv [--out docs/ceiling.png]

Every brightness of a person's slices (104 x 88 pixels, smoothed with a standard deviation of 1 pixel) goes into one ridge
regression (Hoerl and Kennard 1970), for brain volume, age and any dementia: some hundred thousand numbers per person and no
limit of size, where the student has 22 thousand weights and looks at one slice at a time. Means and deviations are those of
the training people; the penalty is the best of seven in leave-one-out among them. Each person is answered by the fold without
it, trained on a share of the other folds' people: of the smaller shares the figures are means over draws, intervals are over
people. `--out` draws the curves.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from sklearn.linear_model import RidgeCV
from sklearn.metrics import roc_auc_score

from alzedge.data.dataset import UNKNOWN_STAGE, DataSet
from alzedge.data.folds import subject_folds
from alzedge.data.loading import load_dataset
from alzedge.imaging.preprocessing import Preprocessing

SHARES = (0.125, 0.25, 0.5, 1.0)
DRAWS = 4
PENALTIES = np.logspace(-4, 2, 7)
REPLICATES = 1000
SMOOTHING = (0.5, 1.0, 1.0)  # pixels, between slices and within
OLD = 60
Floats = NDArray[np.float64]


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


def figures(cohort: Cohort, found: dict[str, Floats], people: NDArray[np.intp]) -> dict[str, float]:
    """Figures over some people, who may come several times."""
    truth = {name: values[people] for name, values in cohort.targets.items()}
    found = {name: values[people] for name, values in found.items()}
    dementia, old = ~np.isnan(truth["dementia"]), cohort.age[people] >= OLD
    return {
        "nWBV, r": float(np.ma.corrcoef(found["nwbv"], np.ma.masked_invalid(truth["nwbv"]))[0, 1]),
        "nWBV, mean error": float(np.nanmean(np.abs(found["nwbv"] - truth["nwbv"]))),
        "age, mean error": float(np.nanmean(np.abs(found["age"] - truth["age"]))),
        "dementia, AUC": roc_auc_score(truth["dementia"][dementia], found["dementia"][dementia]),
        f"AUC, {OLD} and more": roc_auc_score(truth["dementia"][dementia & old], found["dementia"][dementia & old]),
    }


def curve(cohort: Cohort) -> Iterator[tuple[float, dict[str, float], dict[str, tuple[float, float]]]]:
    """Yield each share with its figures, means over draws, and their 95 % intervals over people."""
    rng = np.random.default_rng(0)
    everybody = np.arange(len(cohort.fold))
    resamples = [rng.choice(everybody, len(everybody)) for _ in range(REPLICATES)]
    for share in SHARES:
        draws = [
            {target: answers(cohort, target, share, draw) for target in cohort.targets}
            for draw in range(1 if share == 1 else DRAWS)
        ]
        each = [figures(cohort, found, everybody) for found in draws]
        mean = {name: float(np.mean([one[name] for one in each])) for name in each[0]}
        spread = [figures(cohort, draws[number % len(draws)], people) for number, people in enumerate(resamples)]
        limits = {name: np.percentile([one[name] for one in spread], (2.5, 97.5)) for name in mean}
        yield share, mean, {name: (float(low), float(high)) for name, (low, high) in limits.items()}


def draw_curves(
    path: Path, found: dict[str, list[tuple[int, dict[str, float], dict[str, tuple[float, float]]]]]
) -> None:
    """Draw every figure over the number of training people, on a logarithmic axis."""
    from matplotlib.figure import Figure

    from alzedge.export.report.plots import save_figure

    figure = Figure(figsize=(13, 3.4), layout="constrained")
    axes = figure.subplots(1, 4)
    for axis, name in zip(
        axes, ("nWBV, mean error", "age, mean error", "dementia, AUC", f"AUC, {OLD} and more"), strict=True
    ):
        for data, points in found.items():
            people = [point[0] for point in points]
            middle = [point[1][name] for point in points]
            reach = np.abs(np.array([point[2][name] for point in points]).T - middle)
            axis.errorbar(people, middle, reach, marker="o", capsize=3, label=data)
        axis.set(xscale="log", xlabel="people to learn from", title=name, xticks=people)
        axis.set_xticklabels(people)
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
    found = {}
    for path in options.data:
        cohort = read_cohort(path, options.people)
        print(
            f"\n| {cohort.name}: people to learn from | nWBV, r | nWBV, mean error | age, mean error | dementia, AUC | AUC, {OLD} and more |"
        )
        print("|---|---|---|---|---|---|")
        points = found[cohort.name] = []
        for share, mean, limits in curve(cohort):
            people = round(share * len(cohort.fold) * cohort.fold.max() / (cohort.fold.max() + 1))
            points.append((people, mean, limits))
            cells = (f"{mean[name]:.4g} ({limits[name][0]:.3g}-{limits[name][1]:.3g})" for name in mean)
            print(f"| {people} | {' | '.join(cells)} |", flush=True)
    if options.out:
        draw_curves(options.out, found)


if __name__ == "__main__":
    main()
