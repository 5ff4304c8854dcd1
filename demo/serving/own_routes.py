"""Routes of our own beside Gradio's: health, and the page's script, style and picture."""

from collections.abc import Sequence
from importlib import resources
from typing import Any

from fastapi import FastAPI
from starlette.responses import Response

from alzedge import __version__
from alzedge.demo.answering.turns import Turns
from alzedge.demo.page.page import page_file
from alzedge.demo.serving.upkeep import Answers
from alzedge.inference.classifier import Classifier


def add_own_routes(app: FastAPI, classifier: Classifier, turns: Turns, answers: Sequence[Answers]) -> None:
    """Add them, before Gradio's.

    Args:
        app: to add them to.
        classifier: whose hash `/healthz` tells.
        turns: that questions wait for.
        answers: that wait to be fetched.
    """
    script, style = page_file("page.js"), page_file("page.css")
    example = resources.files("alzedge.demo.answering").joinpath("example", "slice4.png").read_bytes()

    @app.get("/healthz")
    async def healthz() -> dict[str, Any]:
        model = classifier.record["sha256"]
        waiting = {"waiting": len(turns), "unread": sum(map(len, answers))}
        return {"status": "ok", "version": __version__, "model": model, **waiting}

    @app.get("/alzedge/page.js")
    async def page_script() -> Response:
        return Response(script, media_type="text/javascript")

    @app.get("/alzedge/page.css")
    async def page_style() -> Response:
        return Response(style, media_type="text/css")

    @app.get("/alzedge/preview.png")
    async def preview() -> Response:
        return Response(example, media_type="image/png")
