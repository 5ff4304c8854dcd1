"""The tab where a reviewer accepts or corrects what the model said."""

from html import escape
from typing import Any

import gradio as gr

from alzedge.demo.page.desk import Told
from alzedge.demo.page.labelling import (
    ACCEPT,
    MAX_COMMENT,
    READINGS,
    LabelFolder,
    checked_rows,
    labels_html,
    make_label,
)
from alzedge.errors import UserError

# Labels outlive a closed tab and a restarted server, in the reviewer's browser; the key hides nothing from its owner.
_STORAGE = {"storage_key": "alzedge-labels", "secret": "alzedge-labels"}
_WHOSE = {
    False: "Labels stay in this browser until you download or clear them; nothing is kept on the server.",
    True: "Who runs this server keeps the labels you add, with the names of your files. This browser keeps them too.",
}
_SLICE, _PERSON = "this slice", "the person"
_CATCH_UP = "window.alzedge?.show();"


def add_labelling(told: gr.State, number: gr.Slider, sha256: str, folder: LabelFolder | None) -> None:
    """Add the controls to the tab that is open, and wire them.

    Args:
        told: holds a `Told` once something was answered.
        number: of the slice on show, from 1.
        sha256: of the model.
        folder: where the operator keeps labels, or None.
    """
    rows = gr.BrowserState([], **_STORAGE)
    gr.HTML(
        '<p class="eyebrow">On show</p><p><strong data-show="heading">nothing yet</strong> <span class="of" data-show="name">'
        "</span></p>",
        js_on_load=_CATCH_UP,
        padding=False,
    )
    about = gr.Radio([_SLICE, _PERSON], value=_SLICE, label="Your label is for")
    reading = gr.Radio(READINGS, value=ACCEPT, label="Your reading")
    comment = gr.Textbox(label="Comment", lines=2, max_length=MAX_COMMENT, placeholder="Why, or what is wrong with it")
    with gr.Row():
        add = gr.Button("Add label", variant="primary", min_width=120)
        clear = gr.Button("Clear all", min_width=120)
    said = gr.HTML("", padding=False)
    table = gr.HTML(labels_html([]), padding=False, elem_id="labels")
    gr.HTML(f'<p class="of">{_WHOSE[folder is not None]}</p>', padding=False)

    def on_add(told: Told | None, number: Any, about: str, reading: int, comment: str, kept: Any) -> tuple[Any, ...]:
        found = checked_rows(kept)
        try:
            if told is None:
                raise UserError("Nothing is on show; upload something or draw a phantom first.")
            per_person = about == _PERSON and told.student.several
            row = make_label(told.student, None if per_person else int(number), reading, comment or "", sha256)
            if folder is not None:
                folder.keep(row)
        except UserError as error:
            return _said(str(error)), found, comment
        return _said("Added."), [*found, row], ""

    outputs = [said, rows, comment]
    add.click(on_add, [told, number, about, reading, comment, rows], outputs, api_visibility="private")
    clear.click(lambda: (_said("Cleared."), [], ""), None, outputs, api_visibility="private")
    # Also when the browser finds what it kept.
    rows.change(lambda kept: labels_html(checked_rows(kept)), rows, table, api_visibility="private")


def _said(sentence: str) -> str:
    return f'<p role="status">{escape(sentence)}</p>'
