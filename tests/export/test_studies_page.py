"""docs/studies.md and docs/studies.html, which one program writes from stored results."""

import importlib.util
import json
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def program() -> ModuleType:
    spec = importlib.util.spec_from_file_location("studies_page", ROOT / "docs/studies.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_the_one_made_from_the_stored_results(program: ModuleType) -> None:
    stored = json.loads((ROOT / "docs/studies.json").read_text("utf-8"))
    written = tomllib.loads((ROOT / "docs/studies.toml").read_text("utf-8"))["study"]
    studies = program.studies_of(stored, written)
    assert program.markdown(studies) == (ROOT / "docs/studies.md").read_text("utf-8"), "run python docs/studies.py"
    html = program.page(studies)
    assert html == program.page(program.studies_of(stored, written))  # equal figures, equal text
    for study in studies:
        assert study.survives in html or study.survives.replace("'", "&#39;") in html
        assert study.tables or study.survives == program.NOT_RUN
