"""The tab in which a reviewer reads slices, blind unless told otherwise."""

from dataclasses import dataclass
from typing import Any

import gradio as gr

from alzedge.demo.html.rendering import render
from alzedge.demo.page.bare import BARE
from alzedge.demo.page.desk import Answered
from alzedge.demo.page.labelling import (
    BLIND_READINGS,
    MAX_COMMENT,
    MAX_REVIEWER,
    OPEN_READINGS,
    LabelFolder,
    Reading,
    checked_rows,
    labels_html,
    make_label,
)
from alzedge.errors import UserError
from alzedge.stages import STAGES, TITLES

# Labels outlive a closed tab and a restarted server, in the reviewer's browser; the key hides nothing from its owner.
_STORAGE = {"storage_key": "alzedge-labels-2", "secret": "alzedge-labels"}
_WHOSE = {
    False: "Labels stay in this browser until you download or clear them; nothing is kept on the server.",
    True: "Who runs this server keeps the labels you add, with the names of your files. This browser keeps them too.",
}
_SLICE, _PERSON = "this slice", "the person"
_PRIVATE: dict[str, Any] = {"api_visibility": "private"}
_CATCH_UP = "window.alzedge?.show();"


@dataclass(frozen=True)
class LabellingTab:
    """The controls that others change.

    Attributes:
        about: slice or person; there where an answer has both.
        form: everything to fill in; there where something is on show.
        waiting: stands in its place until then.
    """

    about: gr.Radio
    form: gr.Column
    waiting: gr.HTML

    def updates(self, answered: Answered | None) -> tuple[Any, ...]:
        """Updates of these controls for an answer, or for none."""
        per_person = answered is not None and bool(answered.student.one_person) and answered.student.several
        there = answered is not None
        return gr.Radio(visible=per_person, value=_SLICE), gr.Column(visible=there), gr.HTML(visible=not there)


def add_labelling(answered: gr.State, number: gr.Slider, sha256: str, folder: LabelFolder | None) -> LabellingTab:
    """Add the controls to the tab that is open, and wire them.

    Args:
        answered: holds an `Answered` once something was answered.
        number: of the slice on show, from 1.
        sha256: of the model.
        folder: in which the operator keeps labels, or None.
    """
    rows = gr.BrowserState([], **_STORAGE)
    waiting = gr.HTML(
        render("note", sentence="Upload slices or a volume: here you read them, before you see the model's answer."),
        **BARE,
    )
    with gr.Column(visible=False, elem_classes="form") as form:
        gr.HTML(render("on_show"), js_on_load=_CATCH_UP, **BARE)
        about = gr.Radio([_SLICE, _PERSON], value=_SLICE, label="Your reading is of", visible=False)
        reading = gr.Radio(BLIND_READINGS, value=None, label="Your reading", elem_id="reading")
        comment = gr.Textbox(
            label="Comment", lines=1, max_length=MAX_COMMENT, placeholder="Why, or what is wrong with it"
        )
        with gr.Row():
            reviewer = gr.Textbox(
                label="Reviewer", max_length=MAX_REVIEWER, placeholder="Your name or initials", min_width=150
            )
            blind = gr.Checkbox(True, label="Hide the model's answer", elem_id="blind", min_width=150)
        add = gr.Button("Add label", variant="primary", min_width=120)
    said = gr.HTML("", **BARE)
    table = gr.HTML(labels_html([]), **BARE, elem_id="labels")
    clear = gr.Button("Clear all", size="sm", visible=False, elem_id="clear")
    with gr.Row(visible=False, elem_id="confirm") as confirm:
        yes = gr.Button("Delete them", variant="stop", size="sm", min_width=110)
        no = gr.Button("Keep them", size="sm", min_width=110)
    gr.HTML(render("note", sentence=_WHOSE[folder is not None]), **BARE)

    def on_add(
        answered: Answered | None,
        number: Any,
        about: str,
        stage: int | None,
        comment: str,
        who: str,
        blind: bool,
        kept: Any,
    ) -> tuple[Any, ...]:
        before = checked_rows(kept)
        try:
            if answered is None:
                raise UserError("Nothing is on show; upload something first.")
            of_person = about == _PERSON and answered.student.several
            chosen = Reading(None if of_person else int(number), stage, who or "", comment or "", bool(blind))
            row = make_label(answered.student, chosen, sha256)
            if folder is not None:
                folder.keep(row)
        except UserError as error:
            return _said(str(error)), before, comment, stage
        return _said(f"Added. {_opinion(row['model_stage'], row['model_any_dementia'])}"), [*before, row], "", None

    outputs = [said, rows, comment, reading]
    inputs = [answered, number, about, reading, comment, reviewer, blind, rows]
    add.click(on_add, inputs, outputs, **_PRIVATE)
    blind.change(
        lambda hidden: gr.Radio(choices=BLIND_READINGS if hidden else OPEN_READINGS), blind, reading, **_PRIVATE
    )
    blind.change(fn=None, inputs=blind, js="(hidden) => { window.alzedge.blind(hidden); return []; }", **_PRIVATE)
    # A reading belongs to its slice, and is empty on the next one.
    number.change(
        fn=None,
        inputs=None,
        outputs=[reading, comment, said],
        js="() => [null, '', '']",
        show_progress="hidden",
        **_PRIVATE,
    )
    clear.click(lambda: gr.Row(visible=True), None, confirm, **_PRIVATE)
    no.click(lambda: gr.Row(visible=False), None, confirm, **_PRIVATE)
    yes.click(lambda: (_said("Cleared."), [], gr.Row(visible=False)), None, [said, rows, confirm], **_PRIVATE)
    # Also when the browser finds what it kept.
    rows.change(
        lambda kept: (labels_html(checked_rows(kept)), gr.Button(visible=bool(checked_rows(kept)))),
        rows,
        [table, clear],
        **_PRIVATE,
    )
    return LabellingTab(about, form, waiting)


def _opinion(stage: str, score: str) -> str:
    if not stage:
        return "The model gave no answer here."
    title = TITLES[STAGES.index(stage)].lower()
    return f"The model: score {float(score):.2f} for any dementia; most probable stage {title}."


def _said(sentence: str) -> str:
    return render("said", sentence=sentence)
