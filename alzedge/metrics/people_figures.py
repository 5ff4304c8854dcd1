"""Figures of one source's people as frozen objects: by age and sex, of measured quantities, and who the people are.

They are the entry `sources` of a split in `metrics.json`. `alzedge.metrics.people` computes them.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from alzedge.metrics.estimate import Figures, figures_from_json, figures_to_json

ALL, OLDER = "all", "60_up"
# Groups of people by name, with their titles.
GROUPS = {
    ALL: "all people",
    OLDER: "people of 60 and more",
    "women": "women",
    "men": "men",
    "under_60": "under 60",
    "60_69": "60 to 69",
    "70_79": "70 to 79",
    "80_up": "80 and more",
}
CSF, HISTOGRAM = "csf", "histogram"
# Baselines that train no network, by name: of pixels, and of the table of people alone.
PEOPLE_BASELINES = {
    CSF: "dark pixels (share of CSF)",
    HISTOGRAM: "64-bin histogram",
    "age": "age",
    "nwbv": "nWBV of the table",
    "nwbv_age_sex": "nWBV of the table, age and sex",
    "mmse": "MMSE, a test without an image",
}
AUC, ADJUSTED, ABOVE_CSF = "roc_auc", "roc_auc_age_adjusted", "roc_auc_above_csf"
# Figures of a group, by name.
GROUP_FIGURES = {
    AUC: "AUC",
    ADJUSTED: "AUC among people of similar age",
    ABOVE_CSF: "AUC above that of dark pixels",
    "sensitivity": "sensitivity",
    "specificity": "specificity",
    "ece": "calibration error",
    "excess": "mean probability less share",
}
# Figures of a measured quantity, by name.
MEASURE_FIGURES = {
    "r": "correlation r",
    "mae": "mean absolute error",
    "bias": "bias",
    "loa_low": "limits of agreement, lower",
    "loa_high": "limits of agreement, upper",
    "table_sd": "standard deviation of the table's values",
    "coverage": "share inside the 90 % interval",
    "coverage_of_sets": "share whose set holds the stage",
    "size_of_sets": "stages in a set",
    "retest_sd": "SD between two scans of one person",
    "retest_sd_table": "SD between two scans, the table's",
}
BRAIN_VOLUME, AGE, STAGE_SET = "brain_volume", "age", "stage_set"
QUANTITIES = {BRAIN_VOLUME: "brain volume (nWBV)", AGE: "apparent age (years)", STAGE_SET: "set of stages"}


@dataclass(frozen=True)
class GroupFigures:
    """Ranking and calibration of one task in one group of people.

    Attributes:
        people: whose answer counts.
        positive: of them those of the positive class.
        figures: by name in `GROUP_FIGURES`; None where a class has fewer than five people or a value is unknown.
    """

    people: int
    positive: int
    figures: Figures


@dataclass(frozen=True)
class MeasureFigures:
    """Agreement of one quantity with the table, or of the sets of stages with the stage.

    Attributes:
        n: answers compared.
        people: they are of.
        figures: by name in `MEASURE_FIGURES`, in the quantity's unit.
    """

    n: int
    people: int
    figures: Figures


@dataclass(frozen=True)
class Permuted:
    """AUC of any dementia by a baseline that was fitted to permuted labels.

    Attributes:
        runs: permutations of the labels over people.
        figures: `roc_auc`, the mean over the runs, and the interval that holds 95 % of them.
    """

    runs: int
    figures: Figures


@dataclass(frozen=True)
class Spread:
    """Mean, standard deviation and range of a value, over `known` people."""

    known: int
    mean: float
    sd: float
    low: float
    high: float


@dataclass(frozen=True)
class Demographics:
    """Description of the people on one side of a split.

    Attributes:
        people, scans, slices: how many.
        sexes: people by 'F', 'M' and 'unknown'.
        stages: people by stage, and 'unknown': never examined.
        groups: people by name in `GROUPS`; the age bands leave out whose age is unknown.
        values: of age, education, mmse, etiv and nwbv, over people; without those that nobody's is known of.
    """

    people: int
    scans: int
    slices: int
    sexes: dict[str, int]
    stages: dict[str, int]
    groups: dict[str, int]
    values: dict[str, Spread]

    @staticmethod
    def from_json(content: Mapping[str, Any]) -> "Demographics":
        """Read what `dataclasses.asdict` made of one."""
        values = {name: Spread(**spread) for name, spread in content["values"].items()}
        return Demographics(**{**content, "values": values})


# By name of the task and of the group.
Ranked = dict[str, dict[str, GroupFigures]]
# By name of the quantity and level, 'slice' or 'person'.
Measures = dict[str, dict[str, MeasureFigures]]


@dataclass(frozen=True)
class SourceFigures:
    """Evidence on the people of one source.

    Attributes:
        people: by side, 'training' and 'test'.
        models: by name of the model.
        baselines: by name in `PEOPLE_BASELINES`, those that could be fitted.
        permuted: by name of the baseline.
        measures: by name of the model, of those that measure something.
    """

    people: dict[str, Demographics]
    models: dict[str, Ranked]
    baselines: dict[str, Ranked]
    permuted: dict[str, Permuted]
    measures: dict[str, Measures]

    def to_json(self) -> dict[str, Any]:
        """One source of a split in `metrics.json`."""
        return {
            "people": {name: asdict(side) for name, side in self.people.items()},
            "models": {name: _ranked_to_json(ranked) for name, ranked in self.models.items()},
            "baselines": {name: _ranked_to_json(ranked) for name, ranked in self.baselines.items()},
            "permuted": {name: _to_json(of) for name, of in self.permuted.items()},
            "measures": {
                model: {name: {level: _to_json(of) for level, of in levels.items()} for name, levels in by_name.items()}
                for model, by_name in self.measures.items()
            },
        }

    @staticmethod
    def from_json(content: Mapping[str, Any]) -> "SourceFigures":
        """Read what `to_json` wrote.

        Raises:
            KeyError, TypeError, ValueError, AttributeError: something else.
        """
        return SourceFigures(
            {name: Demographics.from_json(side) for name, side in content["people"].items()},
            {name: _ranked_from_json(ranked) for name, ranked in content["models"].items()},
            {name: _ranked_from_json(ranked) for name, ranked in content["baselines"].items()},
            {name: Permuted(**_from_json(of)) for name, of in content["permuted"].items()},
            {
                model: {
                    name: {level: MeasureFigures(**_from_json(of)) for level, of in levels.items()}
                    for name, levels in by_name.items()
                }
                for model, by_name in content["measures"].items()
            },
        )


def _to_json(figures: GroupFigures | MeasureFigures | Permuted) -> dict[str, Any]:
    return {**vars(figures), "figures": figures_to_json(figures.figures)}


def _from_json(content: Mapping[str, Any]) -> dict[str, Any]:
    return {**content, "figures": figures_from_json(content["figures"])}


def _ranked_to_json(ranked: Ranked) -> dict[str, Any]:
    return {task: {group: _to_json(of) for group, of in groups.items()} for task, groups in ranked.items()}


def _ranked_from_json(content: Mapping[str, Any]) -> Ranked:
    return {
        task: {group: GroupFigures(**_from_json(of)) for group, of in groups.items()}
        for task, groups in content.items()
    }
