"""Questions of programs to the endpoint `predict`, checked before they wait for their turn."""

import json
import re

from alzedge.demo.answering.told import read_told
from alzedge.errors import UserError

_ENDPOINT = re.compile(r"/gradio_api/call/(v2/)?predict/?")


def wrong_question(path: str, body: bytes) -> str | None:
    """The sentence that says what is wrong with the age or sex in a question; None where nothing is.

    Args:
        path: of the request.
        body: JSON, whose `data` holds files, age and sex; for Gradio's second version of the call they have names.
    """
    asked = _ENDPOINT.fullmatch(path)
    question = json.loads(body) if asked else None
    if asked is None or not isinstance(question, dict):
        return None
    data = question.get("data")
    told = [question.get(name) for name in ("age", "sex")] if asked[1] else data[1:3] if isinstance(data, list) else []
    try:
        read_told(*told, *[None] * (2 - len(told)))
    except UserError as error:
        return str(error)
    return None
