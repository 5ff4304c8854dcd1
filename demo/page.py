"""The page: one slice in, four probabilities out, with who answered and how long it took."""

import html
import time
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
from numpy.typing import NDArray

from alzedge import __version__
from alzedge.demo.api import add_api
from alzedge.errors import UserError
from alzedge.images import HEIGHT, WIDTH, decode_slice, read_bytes
from alzedge.modelfile import Record
from alzedge.phantoms import draw_anatomy, draw_slice
from alzedge.runtime import Classifier
from alzedge.stages import DISCLAIMER, STAGES, TITLES

_CSS = """
.notice {border-left: 4px solid #d55e00; padding: .6em 1em; background: var(--block-background-fill)}
.bars {display: grid; grid-template-columns: max-content 1fr max-content; gap: .5em .8em; align-items: center}
.bars .track {background: var(--neutral-200); border-radius: 4px; height: 1.1em}
.dark .bars .track {background: var(--neutral-700)}
.bars .fill {background: #0072b2; border-radius: 4px; height: 100%}
.bars .top {font-weight: 600}
.bars .fill.best {background: #d55e00}
.slice img {image-rendering: pixelated}
"""

_CAVEAT = "The model has learned from real slices only, so on a phantom its answer shows how the page works, no more."
_WHOM = {
    True: "people it had never seen",
    False: "other slices of people it had seen",
    None: "other slices, perhaps of people it had seen",
}
_EMPTY = "<p>Upload a slice or draw a phantom, and the answer appears here.</p>"
_INTRO = f"""# AlzEdge
How far along is dementia on this brain slice? A student network of a few kilobytes estimates the stage from one
axial MRI slice: skull-stripped, T1-weighted, {WIDTH} pixels wide and {HEIGHT} high, 8-bit grey, JPEG or PNG."""


def build_page(classifier: Classifier) -> gr.Blocks:
    """The page around a loaded model; hand `launch_options` to whoever serves it."""
    with gr.Blocks(title="AlzEdge", analytics_enabled=False) as page:
        gr.Markdown(_INTRO)
        gr.HTML(f'<div class="notice" role="note"><strong>{DISCLAIMER}</strong></div>', padding=False)
        with gr.Row():
            with gr.Column():
                upload = gr.File(
                    label="Upload a slice", file_types=[".jpg", ".jpeg", ".png"], type="filepath", height=120
                )
                with gr.Row():
                    stage = gr.Dropdown(
                        [(title, i) for i, title in enumerate(TITLES)], value=2, label="or draw a phantom with", scale=2
                    )
                    draw = gr.Button("Draw a phantom", variant="primary", scale=1)
                gr.Markdown("A phantom is a synthetic slice drawn from formulas. It is not a picture of anybody.")
                shown = gr.Image(
                    label="The slice",
                    interactive=False,
                    height=HEIGHT + 60,
                    format="png",
                    buttons=[],
                    elem_classes="slice",
                )
            with gr.Column():
                answer = gr.HTML(_EMPTY, label="Answer", padding=False)
                gr.Markdown(_about(classifier.record))

        on_phantoms = classifier.record["dataset"]["synthetic"]
        caveat = "" if on_phantoms else f"<p>{_CAVEAT}</p>"

        def on_upload(path: str | None) -> tuple[NDArray[np.uint8] | None, str]:
            return answer_file(classifier, path)

        def on_draw(label: int) -> tuple[NDArray[np.uint8], str]:
            image = random_phantom(label)
            start = time.perf_counter()
            # Not asked of the guard, which knows a phantom from a real slice and would refuse it.
            shares = dict(zip(classifier.labels, classifier.probabilities(image[np.newaxis])[0].tolist(), strict=True))
            name = f"a phantom drawn with: {TITLES[label].lower()}"
            return image, answer_html(classifier, shares, name, time.perf_counter() - start) + caveat

        upload.change(on_upload, upload, [shown, answer], api_visibility="private")
        draw.click(on_draw, stage, [shown, answer], api_visibility="private")
        add_api(classifier)
    return page


def launch_options() -> dict[str, Any]:
    """Arguments for `launch` or `mount_gradio_app`."""
    return {"css": _CSS}


def random_phantom(label: int) -> NDArray[np.uint8]:
    """A fresh phantom of stage `STAGES[label]`, at a height where the ventricles show."""
    rng = np.random.default_rng()
    return draw_slice(draw_anatomy(label, rng), rng.uniform(0.4, 0.6), rng)


def answer_file(classifier: Classifier, path: str | None) -> tuple[NDArray[np.uint8] | None, str]:
    """Slice and answer of an uploaded file; for a file that is no slice, what is wrong with it."""
    if path is None:
        return None, _EMPTY
    name = Path(path).name
    start = time.perf_counter()
    try:
        data = read_bytes(Path(path))
        answer = classifier.answer_image(data, name)
        if answer.probabilities is None:
            return None, _refusal(f"{name}: {answer.refused}.")
        image = decode_slice(data, name)
    except UserError as error:
        return None, _refusal(str(error).replace(path, name))
    return image, answer_html(classifier, answer.probabilities, name, time.perf_counter() - start)


def _refusal(reason: str) -> str:
    return f'<div class="notice" role="alert"><strong>No answer.</strong> {html.escape(reason)}</div>'


def answer_html(classifier: Classifier, probabilities: dict[str, float], name: str, seconds: float) -> str:
    """The four probabilities as bars, in order of severity, with model and time."""
    shares = list(probabilities.values())
    best = shares.index(max(shares))
    rows = "".join(_bar(TITLES[i], share, i == best) for i, share in enumerate(shares))
    kind, sha256 = classifier.record["kind"], classifier.record["sha256"]
    return (
        f"<h3>{TITLES[best]}, {shares[best]:.0%}</h3><p>on {html.escape(name)}</p>"
        f'<div class="bars" role="list">{rows}</div>'
        f"<p>Answered by <code>{html.escape(kind)}</code> (sha256 {sha256[:12]}) in {1000 * seconds:.1f} ms, "
        f"preprocessing included. {DISCLAIMER}</p>"
    )


def _bar(title: str, share: float, best: bool) -> str:
    top, fill = (' class="top"', "fill best") if best else ("", "fill")
    return (
        f"<span{top}>{title}</span>"
        f'<span class="track" role="img" aria-label="{title}: {share:.1%}">'
        f'<span class="{fill}" style="display:block;width:{100 * share:.1f}%"></span></span>'
        f"<span{top}>{share:.1%}</span>"
    )


def _about(record: Record) -> str:
    lines = [f"**The model.** `{record['kind']}`, AlzEdge {__version__}, answers: {', '.join(STAGES)}."]
    for name, found in record.get("metrics", {}).items():
        level = "person" if "person" in found else "slice"
        accuracy, auc = found["slice"]["stages4"]["accuracy"], found[level]["any_dementia"]["roc_auc"]
        whom = _WHOM[found["unseen_people"]]
        text = f"- On {whom} ({name} split, {found['measured_on']}): right about {accuracy['value']:.0%} of slices "
        text += f"(95 % interval {accuracy['low']:.0%} to {accuracy['high']:.0%}; "
        text += f"always guessing the commonest stage: {found['floors']['majority']:.0%})"
        if auc is not None:
            text += f"; tells any dementia from none per {level} with an AUC of {auc['value']:.2f}"
        lines.append(text + ".")
    if record["dataset"]["synthetic"]:
        lines.append("- Trained on phantoms: its answers say nothing about real slices.")
    return "\n".join(lines)
