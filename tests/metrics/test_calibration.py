"""Expected calibration error against cases done by hand, and a temperature that is found again."""

import numpy as np
import pytest
from sklearn.metrics import log_loss

from alzedge.errors import UserError
from alzedge.metrics.calibration import confidence_bin, expected_calibration_error, fit_temperature


def logits(n: int, temperature: float) -> tuple[np.ndarray, np.ndarray]:
    """Logits that are `temperature` times too large for the labels drawn from them."""
    rng = np.random.default_rng(0)
    honest = rng.normal(0, 1.5, (n, 4))
    shares = softmax(honest)
    labels = (rng.random((n, 1)) > shares.cumsum(axis=1)).sum(axis=1).clip(0, 3)
    return honest * temperature, labels


def softmax(given: np.ndarray) -> np.ndarray:
    powers = np.exp(given - given.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def test_error_is_the_distance_of_confidence_and_accuracy_by_bin() -> None:
    p = np.array([[0.9, 0.1], [0.92, 0.08], [0.55, 0.45], [0.42, 0.58]])
    y = np.array([0, 1, 0, 0])
    # 0.9 and 0.92 share a bin, right once in two; so do 0.55 and 0.58.
    by_hand = (abs(1 - 1.82) + abs(1 - 1.13)) / 4
    assert expected_calibration_error(p, y) == pytest.approx(by_hand)
    assert expected_calibration_error(p, y, bins=1) == pytest.approx(abs(2 - 0.9 - 0.92 - 0.55 - 0.58) / 4)
    assert confidence_bin(np.array([0, 1 / 15, 0.0667, 1]), 15).tolist() == [0, 0, 1, 14]


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_the_temperature_is_found_again_and_lowers_loss_and_error(temperature: float) -> None:
    given, labels = logits(20000, temperature)
    found = fit_temperature(given, labels)
    assert found == pytest.approx(temperature, rel=0.03)
    assert fit_temperature(np.log(softmax(given)), labels) == pytest.approx(found)
    loss = [log_loss(labels, softmax(given / t)) for t in (found, found * 1.01, found / 1.01)]
    assert loss[0] < min(loss[1:])
    assert expected_calibration_error(softmax(given / found), labels) < 0.02


def test_a_weight_counts_like_as_many_rows() -> None:
    given, labels = logits(500, 2.0)
    times = np.random.default_rng(1).integers(0, 3, 500)
    repeated = fit_temperature(np.repeat(given, times, axis=0), np.repeat(labels, times))
    assert fit_temperature(given, labels, times) == pytest.approx(repeated)


def test_answers_that_are_all_right_stay_finite() -> None:
    given, _ = logits(50, 1.0)
    assert 0 < fit_temperature(given, given.argmax(axis=1)) < 0.1


def test_answers_that_are_missing_are_refused() -> None:
    for given in (np.zeros((0, 4)), np.array([[0, 0, np.nan, 0]])):
        with pytest.raises(UserError, match="No temperature"):
            fit_temperature(given, np.zeros(len(given), np.int64))
