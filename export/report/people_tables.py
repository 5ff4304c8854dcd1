"""Tables on people: who they are, figures by age and sex, and what is measured; for reports, cards and the results page."""

from collections.abc import Mapping

from alzedge.metrics.estimate import Estimate
from alzedge.metrics.people_figures import (
    ABOVE_CSF,
    ADJUSTED,
    ALL,
    AUC,
    BRAIN_VOLUME,
    GROUP_FIGURES,
    GROUPS,
    MEASURE_FIGURES,
    OLDER,
    PEOPLE_BASELINES,
    QUANTITIES,
    Demographics,
    GroupFigures,
    Ranked,
    SourceFigures,
    Spread,
)
from alzedge.metrics.tasks import ANY_DEMENTIA, CDR1
from alzedge.utils.text_table import Rows

# Columns of the first table on people: task, group and figure.
_HEADLINES = tuple((task, group, AUC) for task in (ANY_DEMENTIA, CDR1) for group in (ALL, OLDER))
_ADJUSTED = (ANY_DEMENTIA, ALL, ADJUSTED)
_SHORT = {ANY_DEMENTIA.name: "any dementia", CDR1.name: "CDR 1 or more"}
_SEXES = {"F": "women", "M": "men", "unknown": "sex unknown"}
_VALUES = {
    "age": ("age, years", ".1f"),
    "education": ("education, OASIS's code 1 to 5", ".1f"),
    "mmse": ("MMSE, 0 to 30", ".1f"),
    "etiv": ("eTIV, cm3", ".0f"),
    "nwbv": ("nWBV, share", ".3f"),
}
_SIGNED = (ABOVE_CSF, "excess")  # between ends below 0 a dash cannot be read
_PLAIN = ("r", "coverage", "coverage_of_sets", "size_of_sets")  # figures without the quantity's unit


def headline_rows(figures: SourceFigures, models: Mapping[str, str] | None = None) -> Rows:
    """AUC for all people and for those of 60 and more, a row per method: baselines, then models.

    Args:
        figures: of one source.
        models: those to show by name, with their titles; all where None.
    """
    shown = models or {name: name for name in figures.models}
    columns = (*_HEADLINES, _ADJUSTED)
    titles = [f"{_SHORT[task.name]}, {_count(figures, task.name, group)}" for task, group, _ in _HEADLINES]
    rows = [["AUC per person", *titles, f"{_SHORT[ANY_DEMENTIA.name]}, among people of similar age"]]
    methods = [(f"baseline: {PEOPLE_BASELINES[name]}", ranked) for name, ranked in figures.baselines.items()]
    methods += [(title, figures.models[name]) for name, title in shown.items() if name in figures.models]
    for title, ranked in methods:
        rows.append([title, *(_cell(_look_up(ranked, task.name, group), figure) for task, group, figure in columns)])
    return rows


def _count(figures: SourceFigures, task: str, group: str) -> str:
    """Title of a group with its number of people of known stage."""
    everybody = [*figures.models.values(), *figures.baselines.values()]
    found = next((one for ranked in everybody if (one := _look_up(ranked, task, group))), None)
    return f"{GROUPS[group]} ({found.people if found else 0})"


def _look_up(ranked: Ranked, task: str, group: str) -> GroupFigures | None:
    return ranked.get(task, {}).get(group)


def _cell(figures: GroupFigures | None, name: str) -> str:
    figure = figures.figures.get(name) if figures else None
    if figure is None:
        return "-"
    return figure.text(".3f", ".2f") if name in _SIGNED else figure.short()


def group_rows(groups: Mapping[str, GroupFigures]) -> Rows:
    """All figures of one task and model, a row per group."""
    rows = [["people", "number", "of them positive", *GROUP_FIGURES.values()]]
    for name, of in groups.items():
        rows.append([GROUPS[name], str(of.people), str(of.positive), *(_cell(of, figure) for figure in GROUP_FIGURES)])
    return rows


def measure_rows(figures: SourceFigures, models: Mapping[str, str] | None = None) -> Rows:
    """Agreement of what is measured with the table, a row per figure, a column per model and level; empty without any."""
    shown = models or {name: name for name in figures.measures}
    columns = [
        (f"{title}, per {level}", name, level)
        for name, title in shown.items()
        for level in ("person", "slice")
        if any(level in levels for levels in figures.measures.get(name, {}).values())
    ]
    if not columns:
        return []
    rows = [["figure", *(title for title, *_ in columns)]]
    for quantity, title in QUANTITIES.items():
        found = [figures.measures[name].get(quantity, {}).get(level) for _, name, level in columns]
        if any(found):
            rows.append([f"{title}: people", *("-" if one is None else str(one.people) for one in found)])
        for figure, name in MEASURE_FIGURES.items():
            values = [one.figures.get(figure) if one else None for one in found]
            if any(values):
                rows.append([f"{title}: {name}", *(_measure_cell(quantity, figure, value) for value in values)])
    return rows


def _measure_cell(quantity: str, figure: str, value: Estimate | None) -> str:
    if value is None:
        return "-"
    if figure in _PLAIN:
        return value.text(".3f")
    return value.text(".4f" if quantity == BRAIN_VOLUME else ".1f")


def people_rows(sides: Mapping[str, Demographics]) -> Rows:
    """Describe the people of each side, a column per side."""
    rows = [["", *sides]]
    rows.append(["people", *(str(side.people) for side in sides.values())])
    rows.append(["scans", *(str(side.scans) for side in sides.values())])
    rows.append(["slices", *(str(side.slices) for side in sides.values())])
    rows += _counted({name: side.sexes for name, side in sides.items()}, _SEXES)
    bands = {name: title for name, title in GROUPS.items() if name not in (ALL, OLDER, "women", "men")}
    rows += _counted({name: side.groups for name, side in sides.items()}, bands)
    stages = dict.fromkeys(stage for side in sides.values() for stage in side.stages)
    titles = {stage: "stage unknown: never examined" if stage == "unknown" else stage for stage in stages}
    rows += _counted({name: side.stages for name, side in sides.items()}, titles)
    for value, (title, form) in _VALUES.items():
        spreads = [side.values.get(value) for side in sides.values()]
        if any(spreads):
            rows.append([f"{title}: mean ± SD (range), known of", *(_spread(one, form) for one in spreads)])
    return rows


def _counted(sides: Mapping[str, Mapping[str, int]], titles: Mapping[str, str]) -> Rows:
    counts = [[titles[name], *(str(side.get(name, 0)) for side in sides.values())] for name in titles]
    return [row for row in counts if any(cell != "0" for cell in row[1:])]


def _spread(spread: Spread | None, form: str) -> str:
    if spread is None:
        return "unknown"
    ends = f"{spread.low:{form}} to {spread.high:{form}}"
    return f"{spread.mean:{form}} ± {spread.sd:{form}} ({ends}), {spread.known}"


def chance_sentences(figures: SourceFigures) -> list[str]:
    """A sentence for each baseline that was refitted to permuted labels."""
    return [
        f"Fitted to labels permuted over people, {of.runs} times, the baseline of {PEOPLE_BASELINES[name]} reaches a mean AUC "
        f"of {auc.value:.3f} for any dementia (95 % of the runs between {auc.low:.3f} and {auc.high:.3f})."
        for name, of in figures.permuted.items()
        if (auc := of.figures[AUC]) is not None
    ]
