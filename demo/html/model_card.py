"""The model's card on the page, from the record in the model's own file."""

from markupsafe import Markup

from alzedge.demo.answering.origin import Origin, Refusals
from alzedge.demo.html.rendering import render
from alzedge.errors import UserError
from alzedge.imaging.preprocessing import Preprocessing
from alzedge.inference.measures.rule import Measures
from alzedge.metrics.record_facts import file_bytes, is_synthetic, read_measurements
from alzedge.metrics.tasks import FIGURES, TASKS
from alzedge.model_file.read_write import Record
from alzedge.stages import STAGES

_WHOM = {
    True: "people it had never seen",
    False: "other slices of people it had seen",
    None: "other slices, perhaps of people it had seen",
}
# In words where the step's own name says little; files of version 0.1 call CSF by another word.
_STEPS = {"fluid": "CSF", "white": "white matter made equally bright"}


def card_html(record: Record) -> Markup:
    """Draw the card.

    Args:
        record: of the model that answers; its texts are escaped, its numbers read as numbers.
    """
    preprocessing = Preprocessing.from_dict(record["preprocessing"])
    rows, columns, _ = preprocessing.input_shape
    return render(
        "card",
        kind=record.get("kind"),
        version=record.get("alzedge"),
        licence=record.get("licence"),
        sha256=record.get("sha256"),
        stages=STAGES,
        steps=[_STEPS.get(step, step) for step in preprocessing.steps],
        rows=rows,
        columns=columns,
        synthetic=is_synthetic(record),
        origin=Origin.read(record),
        size=file_bytes(record),
        refuses=Refusals.read(record),
        measures=_measures(record),
        tests=read_measurements(record),
        whom=_WHOM,
        tasks=TASKS,
        figures=FIGURES,
    )


def _measures(record: Record) -> Measures | None:
    """The record's rules; a model with wrong ones does not come so far, but its card can be drawn."""
    try:
        return Measures.read(record)
    except UserError:
        return None
