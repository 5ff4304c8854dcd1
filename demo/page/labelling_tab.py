"""The tab in which a reviewer reads slices: blind first, then beside the model's answer."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from alzedge.demo.answering.uploads import discard
from alzedge.demo.html.rendering import render
from alzedge.demo.page.bare import BARE
from alzedge.demo.page.desk import Answered
from alzedge.demo.page.labelling import (
    MAX_COMMENT,
    MAX_REVIEWER,
    READINGS,
    LabelFolder,
    Reading,
    checked_rows,
    labels_html,
    labels_sr_html,
    make_label,
    resumed,
)
from alzedge.errors import UserError
from alzedge.stages import STAGES, TITLES

# Labels outlive a closed tab and a restarted server, in the reviewer's browser; the key hides nothing from its owner.
_STORAGE = {"storage_key": "alzedge-labels-3", "secret": "alzedge-labels"}
_WHOSE = {
    False: "Labels stay in this browser until you download or clear them; nothing is kept on the server.",
    True: "Who runs this server keeps the labels you add, without names of files. This browser keeps them too.",
}
_SLICE, _PERSON = "this slice", "the person"
_PRIVATE: dict[str, Any] = {"api_visibility": "private"}
_CATCH_UP = "window.alzedge?.show();"
# The sixth input after the first tells whether the model's answer was seen on the page, which the browser knows.
_FILL_IN = "(...told) => { told[6] = window.alzedge.seen(); return told; }"


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
        render(
            "note",
            sentence="Stay in this tab and upload slices or a volume: you read them before you see the model's answer.",
        ),
        **BARE,
    )
    with gr.Column(visible=False, elem_classes="form") as form:
        gr.HTML(render("on_show"), js_on_load=_CATCH_UP, **BARE)
        about = gr.Radio([_SLICE, _PERSON], value=_SLICE, label="Your reading is of", visible=False)
        reading = gr.Radio(READINGS, value=None, label="Your reading", elem_id="reading")
        comment = gr.Textbox(
            label="Comment", lines=1, max_length=MAX_COMMENT, placeholder="Why, or what is wrong with it"
        )
        reviewer = gr.Textbox(label="Reviewer", max_length=MAX_REVIEWER, placeholder="Your initials")
        with gr.Row():
            add = gr.Button("Add label", variant="primary", min_width=120, elem_id="add-label")
            undo = gr.Button("Undo", min_width=90, elem_id="undo")
        gr.HTML(render("keys"), **BARE)
        seen = gr.Checkbox(False, visible=False)  # page.js fills it in
    said = gr.HTML("", **BARE)
    table = gr.HTML(labels_html([]), **BARE, elem_id="labels")
    with gr.Row():
        resume = gr.UploadButton("Resume from a CSV", size="sm", file_types=[".csv"], min_width=110, elem_id="resume")
        as_sr = gr.Button("As DICOM SR", size="sm", min_width=110, elem_id="labels-sr")
    sr_links = gr.HTML("", **BARE, elem_id="sr-links")
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
        seen: bool,
        kept: Any,
    ) -> tuple[Any, ...]:
        before = checked_rows(kept)
        try:
            if answered is None:
                raise UserError("Nothing is on show; upload something first.")
            of_person = about == _PERSON and answered.student.several
            chosen = Reading(None if of_person else int(number), stage, who or "", comment or "", not seen)
            row = make_label(answered.student, chosen, sha256, before)
            if folder is not None:
                folder.keep(row)
        except UserError as error:
            return _said(str(error)), before, comment, stage
        return _said(f"Added. {_opinion(row['model_stage'], row['model_any_dementia'])}"), [*before, row], "", None

    def on_undo(kept: Any) -> tuple[Any, ...]:
        before = checked_rows(kept)
        if not before:
            return _said("Nothing to undo."), before
        if folder is not None:
            folder.drop(before[-1])
        return _said(f"Taken back: {before[-1]['slice']}."), before[:-1]

    def on_resume(path: str | None, kept: Any) -> tuple[Any, ...]:
        before = checked_rows(kept)
        if path is None:
            return "", before
        try:
            after = resumed(before, Path(path).read_bytes(), Path(path).name)
        except UserError as error:
            return _said(str(error)), before
        finally:
            discard([path])
        return _said(f"{len(after) - len(before)} labels taken from the file."), after

    def on_sr(kept: Any) -> str:
        try:
            return str(labels_sr_html(checked_rows(kept)))
        except UserError as error:
            return _said(str(error))

    outputs = [said, rows, comment, reading]
    inputs = [answered, number, about, reading, comment, reviewer, seen, rows]
    added = add.click(on_add, inputs, outputs, js=_FILL_IN, **_PRIVATE)
    added.then(fn=None, inputs=said, js="(said) => { window.alzedge.added(said); return []; }", **_PRIVATE)
    undo.click(on_undo, rows, [said, rows], **_PRIVATE)
    resume.upload(on_resume, [resume, rows], [said, rows], **_PRIVATE)
    as_sr.click(on_sr, rows, sr_links, **_PRIVATE)
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
        lambda kept: (labels_html(checked_rows(kept)), gr.Button(visible=bool(checked_rows(kept))), ""),
        rows,
        [table, clear, sr_links],
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
