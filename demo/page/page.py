"""The page: questions on the left, the slices in the middle, answers on the right, the model's card below."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources
from typing import Any

import gradio as gr

from alzedge.demo.answering.evidence import Evidence, Occlusion
from alzedge.demo.answering.limits import LIMITS, Limits
from alzedge.demo.answering.turns import Turns
from alzedge.demo.answering.uploads import Call, call_here
from alzedge.demo.html.model_card import card_html
from alzedge.demo.html.rendering import render
from alzedge.demo.html.verdict import size_text
from alzedge.demo.page.api import add_api, endpoints
from alzedge.demo.page.ask_side import add_ask_side
from alzedge.demo.page.bare import BARE
from alzedge.demo.page.desk import Answered, Desk, Shown
from alzedge.demo.page.labelling import LabelFolder
from alzedge.demo.page.labelling_tab import LabellingTab, add_labelling
from alzedge.demo.page.links import page_links
from alzedge.demo.page.registering import reporting
from alzedge.demo.page.report_button import add_report
from alzedge.errors import UserError
from alzedge.inference.classifier import Classifier
from alzedge.monitoring.log import Keep
from alzedge.stages import DISCLAIMER, TITLES

_EVIDENCE = [("any dementia", 0), *((title.lower(), stage) for stage, title in enumerate(TITLES, 1))]
_ONE, _SEVERAL = "one person", "different people"
# Programs have endpoints of their own, see `alzedge.demo.page.api`.
_PRIVATE: dict[str, Any] = {"api_visibility": "private"}
# No Python: changes that the browser makes by itself, see page.js.
_IN_BROWSER: dict[str, Any] = {"fn": None, "show_progress": "hidden", **_PRIVATE}
_CATCH_UP = "window.alzedge?.show(); watch('value', () => window.alzedge?.show());"
_ARRIVE = "window.alzedge?.show(); watch('value', () => { window.alzedge?.show(); window.alzedge?.arrived(); });"
_EXPLAIN = "(map) => { window.alzedge.explain(map, %s[map]); return []; }" % [title for title, _ in _EVIDENCE]
_SECONDS_KEPT = 3600
_PROGRESS = gr.Progress()
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
    call: Call = call_here,
    turns: Turns | None = None,
    prepared: bool = True,
    keep: Keep | None = None,
) -> gr.Blocks:
    """Build the page around a loaded model; hand `launch_options` to whoever serves it.

    Args:
        classifier: answers.
        evidence: draws the heat maps; by hiding patches when None.
        teacher: answers beside it.
        labels: where the operator keeps reviewers' labels; nowhere when None.
        limits: on what is uploaded.
        call: what decodes uploads.
        turns: give visitors their turns; one at a time when None.
        prepared: whether volumes are brought into the frame first.
        keep: takes uploaded slices and their answers for a log; None without one.
    """
    desk = Desk(classifier, evidence or Occlusion(classifier), teacher, limits, call, prepared, keep)
    line = turns or Turns()
    with gr.Blocks(title="AlzEdge", analytics_enabled=False) as page:
        gr.HTML(render("banner", sentence=DISCLAIMER), elem_id="disclaimer", **BARE)
        gr.HTML(render("header", size=size_text(classifier.record), links=page_links()), **BARE)
        answered = gr.State(None, time_to_live=_SECONDS_KEPT)
        with gr.Row(equal_height=False, elem_id="sides"):
            with gr.Column(scale=3, min_width=250, elem_id="ask-side"):
                norm = classifier.measures is not None and classifier.measures.norm is not None
                ask = add_ask_side(norm, classifier.demographics is not None)
            with gr.Column(scale=4, min_width=280, elem_id="view-side"):
                view, number, legend = _view(desk.empty)
                fit = gr.HTML("", **BARE, elem_id="fit")
            with (
                gr.Column(scale=6, min_width=330, elem_id="answer-side"),
                gr.Tabs(overflow_behavior="wrap"),
            ):
                with gr.Tab("Answer") as answers_tab:
                    together = gr.Radio(
                        [_ONE, _SEVERAL], value=None, label="These slices are of", visible=False, elem_id="together"
                    )
                    words = gr.HTML(str(desk.empty.answer), js_on_load=_ARRIVE, **BARE, elem_id="answer")
                    add_report(classifier.record, answered, ask.age, ask.sex)
                with gr.Tab("Student and teacher", visible=teacher is not None):
                    beside = gr.HTML(str(desk.empty.comparison), **BARE)
                with gr.Tab("Label") as label_tab:
                    labelling = add_labelling(answered, number, classifier.record["sha256"], labels)
        with gr.Accordion("The model's card", open=False, elem_id="about"):
            gr.HTML(str(card_html(classifier.record)), **BARE)
        label_tab.select(js="() => { window.alzedge.labelling(true); return []; }", **_IN_BROWSER)
        answers_tab.select(js="() => { window.alzedge.labelling(false); return []; }", **_IN_BROWSER)

        shown = _Outputs(view, number, legend, words, beside, answered, together, labelling, ask.files, fit)

        async def answer(request: gr.Request, question: Callable[..., Shown], *inputs: Any) -> tuple[Any, ...]:
            try:
                async with line.turn(visitor_of(request)):
                    return shown.updates(await asyncio.to_thread(question, *inputs))
            except UserError as error:
                return shown.updates(desk.refused(str(error)))

        async def on_upload(
            paths: list[str] | None, age: Any, sex: Any, request: gr.Request, progress: gr.Progress = _PROGRESS
        ) -> tuple[Any, ...]:
            with reporting(progress) as report:
                return await answer(request, desk.upload, paths, report, age, sex)

        async def on_example(age: Any, sex: Any, request: gr.Request) -> tuple[Any, ...]:
            return await answer(request, desk.example, age, sex)

        async def on_slice(stage: int, age: Any, sex: Any, request: gr.Request) -> tuple[Any, ...]:
            return await answer(request, desk.phantom, stage, False, age, sex)

        async def on_head(stage: int, age: Any, sex: Any, request: gr.Request) -> tuple[Any, ...]:
            return await answer(request, desk.phantom, stage, True, age, sex)

        def on_group(kept: Answered | None, choice: str | None, age: Any, sex: Any) -> tuple[Any, ...]:
            if kept is None:  # nothing was answered, and a refusal on show stays
                return tuple(gr.skip() for _ in shown.wording)
            return shown.regrouped(desk.regroup(kept, None if choice is None else choice == _ONE, age, sex))

        asking: dict[str, Any] = {"outputs": shown.all, "concurrency_limit": None, **_PRIVATE}
        told = [ask.age, ask.sex]
        ask.files.upload(on_upload, [ask.files, *told], **asking)
        ask.example.click(on_example, told, **asking)
        ask.slice.click(on_slice, [ask.stage, *told], **asking)
        ask.head.click(on_head, [ask.stage, *told], **asking)
        regroup: dict[str, Any] = {"fn": on_group, "inputs": [answered, together, *told], "outputs": shown.wording}
        for change in (together.input, ask.age.submit, ask.age.blur, ask.sex.input):
            change(**regroup, **_PRIVATE)
        add_api(endpoints(classifier, limits, call, line, prepared, keep))
    return page


def visitor_of(request: gr.Request) -> str:
    """The visitor's address, by which turns are given."""
    client = request.client if request else None
    return str(client.host) if client else ""


def launch_options() -> dict[str, Any]:
    """Arguments for `launch` or `mount_gradio_app`: everything comes from this host, fonts included."""
    return {
        "theme": gr.themes.Default(
            primary_hue="blue", neutral_hue="slate", radius_size="lg", font=_FONT, font_mono=_MONO
        ),
        # Files of their own: Gradio would put its own selectors before ours, and no script may stand within the page.
        "head": '<link rel="stylesheet" href="alzedge/page.css"><script src="alzedge/page.js"></script>',
    }


def page_file(name: str) -> str:
    """Text of a file beside this module."""
    return resources.files("alzedge.demo.page").joinpath(name).read_text("utf-8")


@dataclass(frozen=True)
class _Outputs:
    """The components that an answer changes."""

    view: gr.HTML
    number: gr.Slider
    legend: gr.HTML
    words: gr.HTML
    beside: gr.HTML
    answered: gr.State
    together: gr.Radio
    labelling: LabellingTab
    files: gr.File
    fit: gr.HTML

    @property
    def wording(self) -> list[Any]:
        """Components that change when the same answers are told in another way."""
        labelling = self.labelling
        return [self.words, self.beside, self.answered, labelling.about, labelling.form, labelling.waiting]

    @property
    def all(self) -> list[Any]:
        """All of them."""
        return [self.view, self.number, self.legend, self.together, self.files, self.fit, *self.wording]

    def updates(self, shown: Shown) -> tuple[Any, ...]:
        """New values of all of them. The list of files is emptied, since what was answered is deleted."""
        reply = shown.answered.student if shown.answered else None
        count, first = (len(reply.answers), reply.first + 1) if reply else (1, 1)
        number = gr.Slider(maximum=max(count, 2), value=first, visible=count > 1, label=f"Slice, 1 to {count}")
        together = gr.Radio(value=None, visible=bool(reply and reply.pictures and reply.given))
        return str(shown.view), number, str(shown.legend), together, None, str(shown.fit), *self.regrouped(shown)

    def regrouped(self, shown: Shown) -> tuple[Any, ...]:
        """New values of `wording`."""
        return str(shown.answer), str(shown.comparison), shown.answered, *self.labelling.updates(shown.answered)


def _view(empty: Shown) -> tuple[gr.HTML, gr.Slider, gr.HTML]:
    """The slices and what changes the view of them, all of it in the browser."""
    view = gr.HTML(str(empty.view), js_on_load=_CATCH_UP, **BARE, elem_id="view")
    number = gr.Slider(1, _MOST, 1, step=1, label="Slice", visible=False, elem_id="slice-slider", buttons=[])
    with gr.Column(elem_id="heat"):
        switch = gr.Checkbox(False, label="Show where the evidence lies", container=False, elem_id="heat-switch")
        with gr.Column(elem_id="heat-controls"):
            legend = gr.HTML("", **BARE)
            with gr.Row():
                of = gr.Dropdown(_EVIDENCE, value=0, label="Evidence for", min_width=130, elem_id="evidence")
                opacity = gr.Slider(
                    0, 100, _OPACITY, step=1, label="Opacity, %", elem_id="heat-slider", min_width=130, buttons=[]
                )
    number.change(inputs=number, js="(number) => { window.alzedge.show(number); return []; }", **_IN_BROWSER)
    switch.change(inputs=switch, js="(on) => { window.alzedge.heat(on); return []; }", **_IN_BROWSER)
    opacity.change(inputs=opacity, js="(share) => { window.alzedge.opacity(share); return []; }", **_IN_BROWSER)
    of.change(inputs=of, js=_EXPLAIN, **_IN_BROWSER)
    return view, number, legend
