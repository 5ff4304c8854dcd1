"""Slices answered many at a time have the answers that each has by itself, bit for bit."""

import numpy as np
import pytest

from alzedge.inference.classifier import Classifier
from alzedge.inference.measures.readings import Readings
from alzedge.inference.measures.single import SingleSlices


@pytest.mark.parametrize("told", [(None, None), (74.0, "F")])
def test_the_rule_for_many_slices_is_that_for_one(told: tuple[float | None, str | None]) -> None:
    measures = Classifier.load().measures
    assert measures is not None and measures.by_level is not None
    rng, count = np.random.default_rng(0), 300
    stages = rng.dirichlet([0.3] * 4, count).astype(np.float32).astype(np.float64)
    heights = np.where(rng.random(count) < 0.2, np.nan, rng.uniform(-80, 90, count))  # unknown, known, and out of reach
    readings = Readings(stages, heights, rng.uniform(0.5, 1.1, count), rng.uniform(-10, 110, count))
    for row, one in enumerate(SingleSlices(measures)(readings, *told)):
        alone = measures.person(readings.take(np.array([row])), *told)
        assert one.probabilities.tolist() == alone.probabilities.tolist()
        assert (one.brain_volume, one.apparent_age) == (alone.brain_volume, alone.apparent_age)


def test_a_rule_without_measures_is_the_probabilities_themselves() -> None:
    record = {name: value for name, value in Classifier.load().record.items() if name != "measures"}
    classifier = Classifier(Classifier.load().interpreter, record, guarded=False)
    images = np.random.default_rng(0).integers(0, 255, (3, 208, 176), np.uint8)
    expected = classifier.probabilities(images).tolist()
    assert [list(answer.probabilities.values()) for answer in classifier.answers(images)] == expected
