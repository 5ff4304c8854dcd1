"""docs/studies.md and docs/studies.html, which one program writes from stored results."""

import json
import tomllib

import pytest
from helpers.programs import DOCS, docs_program

pytestmark = pytest.mark.skipif(not DOCS.is_dir(), reason="needs the checkout with its documents")


def test_the_page_is_the_one_made_from_the_stored_results() -> None:
    program = docs_program("studies")
    stored = json.loads((DOCS / "studies.json").read_text("utf-8"))
    written = tomllib.loads((DOCS / "studies.toml").read_text("utf-8"))["study"]
    studies = program.studies_of(stored, written)
    assert program.markdown(studies) == (DOCS / "studies.md").read_text("utf-8"), "run python docs/studies.py"
    html = program.page(studies)
    assert html == program.page(program.studies_of(stored, written))  # equal figures, equal text
    for study in studies:
        assert study.survives in html or study.survives.replace("'", "&#39;") in html
        assert study.tables or study.survives == program.NOT_RUN
