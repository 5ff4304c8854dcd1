"""The page: what is asked on the left, what is answered on the right, who answers below."""

from dataclasses import dataclass
from importlib import resources
from typing import Any

import gradio as gr

from alzedge.demo.answering.evidence import Evidence, Occlusion
from alzedge.demo.answering.uploads import LIMITS, Limits
from alzedge.demo.html import answer, comparison, viewer
from alzedge.demo.html.model_card import card_html
from alzedge.demo.page.api import add_api
from alzedge.demo.page.desk import Desk, Shown
from alzedge.demo.page.labelling import LabelFolder
from alzedge.demo.page.labelling_tab import add_labelling
from alzedge.inference.classifier import Classifier
from alzedge.stages import DISCLAIMER, TITLES

_INTRO = """<header class="brand"><svg viewBox="0 0 176 208" aria-hidden="true"><path d="M88 20c-44 0-70 42-70 86s28 82 70
82 70-38 70-82-26-86-70-86Zm0 0v168M78 82c-12 12-12 44 2 58M98 82c12 12 12 44-2 58"/></svg><div><h1>AlzEdge</h1>
<p>How far along is dementia on this brain scan? A network of a few kilobytes estimates it, and says how far to
trust it.</p></div></header>"""
_WANTED = "JPEG or PNG slices, a NIfTI volume or a DICOM series"
_NOTE = "Synthetic, drawn from formulas: not a picture of anybody."
_STAGES = [(title, stage) for stage, title in enumerate(TITLES)]
# Programs have endpoints of their own, see `alzedge.demo.page.api`.
_PRIVATE: dict[str, Any] = {"api_visibility": "private"}
# No Python: what the browser does by itself, see page.js.
_IN_BROWSER: dict[str, Any] = {"fn": None, "show_progress": "hidden", **_PRIVATE}
_CATCH_UP = "window.alzedge?.show(); watch('value', () => window.alzedge?.show());"
_SECONDS_KEPT = 3600
# The reader's own: nothing to load, from here or elsewhere.
_FONT, _MONO = ("system-ui", "sans-serif"), ("ui-monospace", "monospace")
# More than any head has: a visitor whom Gradio has forgotten may go on sliding.
_MOST = 10_000
_OPACITY = 50  # page.css starts with the same


def build_page(
    classifier: Classifier,
    evidence: Evidence | None = None,
    teacher: Classifier | None = None,
    labels: LabelFolder | None = None,
    limits: Limits = LIMITS,
) -> gr.Blocks:
    """The page around a loaded model; hand `launch_options` to whoever serves it.

    Args:
        classifier: answers.
        evidence: draws the heat maps; by hiding patches when None.
        teacher: answers beside it.
        labels: where the operator keeps reviewers' labels; nowhere when None.
        limits: on what is uploaded.
    """
    desk = Desk(classifier, evidence or Occlusion(classifier), teacher, limits)
    with gr.Blocks(title="AlzEdge", analytics_enabled=False) as page:
        gr.HTML(f"<strong>{DISCLAIMER}</strong>", elem_id="disclaimer", padding=False)
        gr.HTML(_INTRO, padding=False)
        told = gr.State(None, time_to_live=_SECONDS_KEPT)
        with gr.Row(equal_height=False, elem_classes="sides-of-page"):
            with gr.Column(scale=5, min_width=320):
                ask = _questions()
                view, number, explained = _view()
            with gr.Column(scale=6, min_width=320), gr.Tabs(overflow_behavior="wrap"):
                with gr.Tab("Answer"):
                    words = gr.HTML(answer.EMPTY, js_on_load=_CATCH_UP, padding=False, elem_id="answer")
                with gr.Tab("Student and teacher", visible=teacher is not None):
                    beside = gr.HTML(comparison.EMPTY, padding=False)
                with gr.Tab("Label"):
                    add_labelling(told, number, classifier.record["sha256"], labels)
        with gr.Accordion("The model's card", open=False):
            gr.HTML(card_html(classifier.record), padding=False)

        told_outputs = [words, beside, told]
        outputs = [view, number, explained, *told_outputs]
        ask.files.upload(
            lambda paths, together: _updates(desk.upload(paths, together)),
            [ask.files, ask.together],
            outputs,
            **_PRIVATE,
        )
        ask.files.clear(lambda: _updates(Shown()), None, outputs, **_PRIVATE)
        ask.slice.click(lambda stage: _updates(desk.phantom(stage, head=False)), ask.stage, outputs, **_PRIVATE)
        ask.head.click(lambda stage: _updates(desk.phantom(stage, head=True)), ask.stage, outputs, **_PRIVATE)
        ask.together.change(
            lambda told, together: _told_updates(desk.regroup(told, together)),
            [told, ask.together],
            told_outputs,
            **_PRIVATE,
        )
        add_api(classifier, limits)
    return page


def launch_options() -> dict[str, Any]:
    """Arguments for `launch` or `mount_gradio_app`: everything comes from this host, fonts included."""
    room = resources.files("alzedge.demo.page")
    return {
        "theme": gr.themes.Default(
            primary_hue="blue", neutral_hue="slate", radius_size="lg", font=_FONT, font_mono=_MONO
        ),
        "css": room.joinpath("page.css").read_text("utf-8"),
        "head": f"<script>{room.joinpath('page.js').read_text('utf-8')}</script>",
    }


@dataclass(frozen=True)
class _Questions:
    """The controls that ask."""

    files: gr.File
    together: gr.Checkbox
    stage: gr.Dropdown
    slice: gr.Button
    head: gr.Button


def _questions() -> _Questions:
    files = gr.File(label=_WANTED, file_count="multiple", height=160)
    together = gr.Checkbox(True, label="Several slices are of one person", container=False)
    stage = gr.Dropdown(_STAGES, value=2, label="Or draw a phantom with", info=_NOTE)
    with gr.Row(elem_classes="phantoms"):
        one = gr.Button("Draw a slice", variant="primary", min_width=110, size="md")
        head = gr.Button("Draw a head", min_width=110, size="md")
    return _Questions(files, together, stage, one, head)


def _view() -> tuple[gr.HTML, gr.Slider, gr.HTML]:
    """The slices and what changes the view of them, all of it in the browser."""
    view = gr.HTML(viewer.EMPTY, js_on_load=_CATCH_UP, padding=False)
    number = gr.Slider(1, _MOST, 1, step=1, label="Slice", visible=False, elem_id="slice-slider", buttons=[])
    with gr.Row(elem_classes="heat-controls"):
        opacity = gr.Slider(
            0, 100, _OPACITY, step=1, label="Heat map, %", elem_id="heat-slider", min_width=150, buttons=[]
        )
        of = gr.Dropdown(
            [("the most probable", -1), *_STAGES],
            value=-1,
            label="Evidence for",
            min_width=150,
            elem_id="evidence",
        )
    evidence = gr.HTML("", padding=False, elem_classes="of")
    number.change(inputs=number, js="(number) => { window.alzedge.show(number); return []; }", **_IN_BROWSER)
    opacity.change(inputs=opacity, js="(share) => { window.alzedge.opacity(share); return []; }", **_IN_BROWSER)
    of.change(inputs=of, js="(stage) => { window.alzedge.explain(stage); return []; }", **_IN_BROWSER)
    return view, number, evidence


def _updates(shown: Shown) -> tuple[Any, ...]:
    """What is shown, in the order of the page's outputs."""
    reply = shown.told.student if shown.told else None
    count, first = (len(reply.answers), reply.first + 1) if reply else (1, 1)
    number = gr.Slider(maximum=max(count, 2), value=first, visible=count > 1, label=f"Slice, 1 to {count}")
    return shown.view, number, shown.evidence, *_told_updates(shown)


def _told_updates(shown: Shown) -> tuple[Any, ...]:
    return shown.answer, shown.comparison, shown.told
