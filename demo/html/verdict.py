"""Sentences about a score for any dementia and about what a model cannot tell, the same wherever they appear."""

from dataclasses import dataclass

from markupsafe import Markup

from alzedge.demo.html.rendering import render
from alzedge.inference.answer import Answer
from alzedge.inference.measures.operating_point import AnyDementia, OperatingPoint
from alzedge.metrics.record_facts import (
    any_dementia,
    file_bytes,
    is_calibrated,
    is_synthetic,
    largest_unseen,
)
from alzedge.metrics.tasks import STAGES4
from alzedge.model_file.read_write import Record

# The sides of the threshold, and of none; page.js says the same as the reader moves along the slices.
HEADINGS = {
    "above": "Any dementia: above the threshold",
    "below": "Any dementia: below the threshold",
    "": "Any dementia: no threshold known",
    "refused": "No answer: not a slice as the model knows them",
}


@dataclass(frozen=True)
class Verdict:
    """One answer at the operating point.

    Attributes:
        score: 1 - P(no dementia), 0 to 1.
        side: "above", "below" or, without a threshold, "".
        shares: probabilities in order of the stages.
    """

    score: float
    side: str
    shares: tuple[float, ...]

    @property
    def heading(self) -> str:
        """The answer in five words."""
        return HEADINGS[self.side]


def side_of(answer: Answer, threshold: float | None) -> str:
    """Side of the threshold on which an answer lies: a key of `HEADINGS`."""
    if answer.probabilities is None:
        return "refused"
    above = AnyDementia(any_dementia(answer), threshold).above
    return "" if above is None else "above" if above else "below"


def verdict_of(answer: Answer, threshold: float | None) -> Verdict:
    """An answer, not a refusal, beside the threshold."""
    probabilities = answer.probabilities or {}
    return Verdict(any_dementia(answer), side_of(answer, threshold), tuple(probabilities.values()))


def threshold_of(record: Record) -> float | None:
    """The file's operating threshold on the score for any dementia; None where it carries none."""
    point = OperatingPoint.read(record)
    return None if point is None else point.threshold


def operating_html(record: Record, per_slice: bool, brief: bool = False) -> Markup:
    """Sensitivity and specificity at the operating threshold, with intervals, for those who know no statistics.

    Args:
        record: of the model.
        per_slice: the answer beside it is about one slice.
        brief: in one line that opens.
    """
    point, test = OperatingPoint.read(record), largest_unseen(record)
    ece = test.level(not per_slice).of(STAGES4, "ece") if test and not is_synthetic(record) else None
    return render(
        "operating",
        point=point,
        synthetic=is_synthetic(record),
        per_slice=per_slice,
        brief=brief and point is not None and point.sensitivity is not None and point.specificity is not None,
        who="people" if point and point.level == "person" else "slices of people",
        ece=None if ece is None else ece.value,
        calibrated=is_calibrated(record),
    )


def size_text(record: Record) -> str:
    """Size of the model file in words."""
    size = file_bytes(record)
    return "a few kilobytes" if size is None else f"{size / 1024:,.0f} KiB"
