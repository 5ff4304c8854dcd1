"""The controls that ask: the example, files, age and sex of the person, phantoms."""

from dataclasses import dataclass

import gradio as gr

from alzedge.demo.html.rendering import render
from alzedge.demo.page.bare import BARE
from alzedge.stages import TITLES

_WANTED = "Upload slices or a head"
_STAGES = [(title, stage) for stage, title in enumerate(TITLES)]
_SEXES = [("not told", ""), ("female", "F"), ("male", "M")]


@dataclass(frozen=True)
class AskSide:
    """The controls that ask."""

    example: gr.Button
    files: gr.File
    age: gr.Textbox
    sex: gr.Dropdown
    stage: gr.Dropdown
    slice: gr.Button
    head: gr.Button


def add_ask_side(norm: bool, weighed: bool) -> AskSide:
    """The controls that ask; age and sex where the model has a normative curve to set them on, or weighs them itself."""
    uses = " and ".join([*(["for the percentile"] if norm else []), *(["for the score"] if weighed else [])])
    example = gr.Button("Try the example", variant="primary", elem_id="example")
    files = gr.File(label=_WANTED, file_count="multiple", height=170, elem_id="files")
    gr.HTML(
        render("note", sentence="Pictures of slices, or a head's T1 scan: NIfTI, Analyze pair, DICOM series."), **BARE
    )
    with gr.Row(visible=norm or weighed, elem_id="told"):
        age = gr.Textbox(label="Age", placeholder="years", max_length=6, min_width=80, elem_id="age")
        sex = gr.Dropdown(_SEXES, value="", label="Sex", min_width=80, elem_id="sex")
    note = f"Of the person, optional: {uses}, and not kept."
    gr.HTML(render("note", sentence=note), visible=norm or weighed, **BARE)
    stage = gr.Dropdown(
        _STAGES, value=2, label="Or draw a phantom with", info="From formulas: not a picture of anybody."
    )
    with gr.Row(elem_classes="phantoms"):
        one = gr.Button("Draw a slice", min_width=90, size="md")
        head = gr.Button("Draw a head", min_width=90, size="md")
    return AskSide(example, files, age, sex, stage, one, head)
