"""Questions of programs to the endpoint `predict`: age and sex are checked before the wait for a turn, and may be missing."""

import json
import re

from alzedge.demo.answering.told import read_told

_ENDPOINT = re.compile(r"/gradio_api/call/(v2/)?predict/?")


def checked_question(path: str, body: bytes) -> bytes:
    """The body of a question as Gradio takes it, which wants an entry for each input.

    Args:
        path: of the request.
        body: JSON, whose `data` holds files and perhaps age and sex; for Gradio's second version of the call they have
            names.

    Raises:
        UserError: an age or a sex that cannot be.
    """
    asked = _ENDPOINT.fullmatch(path)
    question = json.loads(body) if asked else None
    if asked is None or not isinstance(question, dict):
        return body
    if asked[1]:
        read_told(question.get("age"), question.get("sex"))
        return body
    data = question.get("data")
    if not isinstance(data, list) or not data:
        return body
    files, age, sex = [*data, None, None][:3]
    read_told(age, sex)
    return json.dumps({**question, "data": [files, age, sex]}).encode()
