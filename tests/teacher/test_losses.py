"""NT-Xent and distillation against values of the original code, and NT-Xent against the paper."""

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from alzedge.student.distill import distillation_loss
from alzedge.teacher.training.losses import NTXent, nt_xent_loss, nt_xent_loss_of_part

REFERENCE = Path(__file__).parents[1] / "reference"
NT_XENT = np.load(REFERENCE / "reference_ntxent.npz")
SCHEDULE_KD = np.load(REFERENCE / "reference_schedule_kd.npz")


@pytest.mark.parametrize("case", [f"case{i:02d}" for i in range(12)])
def test_nt_xent_and_its_gradient_are_the_original_s(case: str) -> None:
    hidden = tf.Variable(NT_XENT[f"{case}_hidden"])
    normalize, temperature = bool(NT_XENT[f"{case}_hidden_norm"]), float(NT_XENT[f"{case}_temperature"])
    with tf.GradientTape() as tape:
        loss = nt_xent_loss(hidden, temperature, normalize=normalize)
    np.testing.assert_allclose(loss, NT_XENT[f"{case}_loss"], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(tape.gradient(loss, hidden), NT_XENT[f"{case}_grad"], rtol=1e-4, atol=1e-6)


def test_two_devices_share_their_negatives_as_in_the_original() -> None:
    parts = [tf.Variable(NT_XENT[f"replica{i}_hidden"]) for i in (0, 1)]
    temperature = float(NT_XENT["replica_temperature"])
    with tf.GradientTape() as tape:
        everyone = tf.concat(parts, axis=0)
        losses = [nt_xent_loss_of_part(parts[i], everyone, i, temperature) for i in (0, 1)]
        mean = (losses[0] + losses[1]) / 2
    np.testing.assert_allclose(losses, [NT_XENT["replica0_loss"], NT_XENT["replica1_loss"]], rtol=1e-5)
    for i, gradient in enumerate(tape.gradient(mean, parts)):
        want = NT_XENT[f"replica{i}_grad_of_loss_over_replicas"]
        np.testing.assert_allclose(gradient, want, rtol=1e-4, atol=1e-6)
    whole = nt_xent_loss(keras.ops.convert_to_tensor(NT_XENT["global_hidden"]), temperature)
    np.testing.assert_allclose([mean, whole], NT_XENT["global_loss"], rtol=1e-5)


def test_nt_xent_is_the_paper_s_algorithm() -> None:
    """Algorithm 1 of arXiv:2002.05709 word by word; the original adds both directions instead of averaging."""
    z = np.random.default_rng(0).normal(size=(10, 7)).astype(np.float32)
    z_unit = z / np.linalg.norm(z, axis=1, keepdims=True)
    similarity = np.exp(z_unit @ z_unit.T / 0.5)
    total = 0.0
    for i in range(10):
        j = (i + 5) % 10
        total -= np.log(similarity[i, j] / sum(similarity[i, k] for k in range(10) if k != i))
    np.testing.assert_allclose(nt_xent_loss(keras.ops.convert_to_tensor(z), 0.5), total / 5, rtol=1e-5)


def test_nt_xent_of_identical_projections_is_log_of_the_choices() -> None:
    same = keras.ops.ones((8, 3))
    np.testing.assert_allclose(nt_xent_loss(same, 0.1), 2 * np.log(2 * 4 - 1), rtol=1e-5)
    np.testing.assert_allclose(NTXent(0.1)(keras.ops.zeros(8), same), 2 * np.log(7), rtol=1e-5)


@pytest.mark.parametrize("temperature", ["0.1", "0.5", "1", "2", "4"])
def test_distillation_and_its_gradient_are_the_original_s(temperature: str) -> None:
    student = tf.Variable(SCHEDULE_KD["kd|student_logits"])
    with tf.GradientTape() as tape:
        loss = distillation_loss(SCHEDULE_KD["kd|teacher_logits"], student, float(temperature))
    np.testing.assert_allclose(loss, SCHEDULE_KD[f"kd|T{temperature}|loss"], rtol=1e-5)
    np.testing.assert_allclose(
        tape.gradient(loss, student), SCHEDULE_KD[f"kd|T{temperature}|grad"], rtol=1e-4, atol=1e-6
    )
