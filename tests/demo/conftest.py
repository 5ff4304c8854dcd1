"""A browser; a running page for programs, its student and slices that it answers. A module with another student has its own."""

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from helpers.asking import likely_slices
from helpers.browsing import CHROMIUM, FLAGS
from helpers.serving import Served, serving
from numpy.typing import NDArray

from alzedge.inference.classifier import Classifier


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One server for the tests of a module."""
    with serving(tmp_path_factory.mktemp("served")) as served:
        yield served


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    """The bundled student, as the server has it."""
    return Classifier.load()


@pytest.fixture(scope="module")
def slices(classifier: Classifier) -> NDArray[np.uint8]:
    """Twelve slices that the student answers, uint8 (12, 208, 176)."""
    return likely_slices(classifier, 12)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Headless Chromium, one for the tests of a module: while it runs, `asyncio.run` cannot."""
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    from playwright.sync_api import sync_playwright

    with (
        sync_playwright() as playwright,
        contextlib.closing(playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)) as browser,
    ):
        yield browser
