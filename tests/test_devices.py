"""Training on two devices is training on one, shown on two virtual CPUs."""

from conftest import assert_refused, run_cli, run_code

_CODE = """
import tempfile
from dataclasses import replace
from pathlib import Path
import numpy as np
import tensorflow as tf
tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2)
from alzedge.recipe import PretrainRecipe, Recipe, TeacherRecipe
from alzedge.teacher.pretrain import pretrain
folder = Path(tempfile.mkdtemp())
images = np.random.default_rng(0).random((16, 52, 44, 1), dtype=np.float32)
people = np.arange(16).astype(str)
recipe = Recipe(teacher=TeacherRecipe(width=0.0625), pretrain=PretrainRecipe(epochs=2, batch_size=8, optimizer="sgd", learning_rate=0.01))
ends = []
for devices in (1, 2):
    model, losses = pretrain(images, recipe, folder / f"{devices}.npz", people=people, devices=devices)
    ends.append((losses, model.get_weights()))
    print(devices, losses)
(one, weights), (two, others) = ends
np.testing.assert_allclose(two, one, rtol=1e-3)
differences = [float(np.abs(a - b).max()) for a, b in zip(weights, others)]
print("largest difference of a weight", max(differences))
assert max(differences) < 2e-3
first = pretrain(images, replace(recipe, pretrain=replace(recipe.pretrain, epochs=1)), folder / "part.npz", people=people, devices=2)[1]
again, resumed = pretrain(images, recipe, folder / "2.npz", people=people, devices=2)
assert resumed == two and first[0] == two[0] or abs(first[0] - two[0]) < 1
"""


def test_two_devices_end_where_one_does_with_negatives_from_both() -> None:
    result = run_code(_CODE)
    assert result.returncode == 0, result.stdout + result.stderr
    print(result.stdout)


def test_more_devices_than_there_are_is_a_sentence(tmp_path, tiny_recipe) -> None:  # type: ignore[no-untyped-def]
    result = run_cli("train", "--recipe", tiny_recipe, "--out", tmp_path / "out", "--devices", "7")
    assert_refused(result, "--devices 7")
