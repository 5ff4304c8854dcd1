"""A running page for programs, and slices that its student answers; a module with another student has its own."""

from collections.abc import Iterator

import numpy as np
import pytest
from helpers.asking import likely_slices
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
