"""Training on two devices is training on one but for rounding, shown on two virtual CPUs."""

import pytest
from helpers.commands import assert_refused, call_cli, run_code

_TWO_CPUS = """
import tempfile
from pathlib import Path
import keras, numpy as np, tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
folder = Path(tempfile.mkdtemp())

class Killed(BaseException): pass

def killed_at(stop):
    def on_step(step):
        if step.step == stop:
            raise Killed
    return on_step

def compare(what, start, one, two, losses, others):
    moved = sum(float(np.square(a - b).sum()) for a, b in zip(one, start)) ** 0.5
    apart = sum(float(np.square(a - b).sum()) for a, b in zip(one, two)) ** 0.5
    print(f"{what}: weights moved by {moved:.3g}, are {apart / moved:.1e} of that apart; losses {losses} and {others}")
    np.testing.assert_allclose(others, losses, rtol=1e-4)
    assert moved > 0.1 and apart < 1e-3 * moved, what
"""

_SMALL = (
    _TWO_CPUS
    + """
from alzedge.runs.recipe import TrainingRecipe
from alzedge.teacher.training.losses import NTXent
from alzedge.teacher.pretrain import side_by_side
from alzedge.teacher.training.sampling import shuffled
from alzedge.teacher.training.loop import EarlyStopping, fit, set_seed
first, second = np.random.default_rng(0).random((2, 40, 16, 16, 1), dtype=np.float32)

def train(devices, recipe, name, on_step=lambda step: None):
    set_seed(0)
    layers = keras.layers
    model = keras.Sequential([keras.Input((16, 16, 1)), layers.Conv2D(8, 3, strides=2), layers.BatchNormalization(),
                              layers.ReLU(), layers.Flatten(), layers.Dense(16)])
    model = keras.Model(model.inputs, model.outputs[0])
    start = model.get_weights()
    pairs = lambda index, epoch: (side_by_side(first[index], second[index], devices), np.zeros(2 * len(index), np.float32))
    losses = fit(model, NTXent(0.5), recipe, pairs, shuffled(np.arange(32), 0), folder / f"{name}.npz", on_step,
                 EarlyStopping(np.arange(32, 40), 9), devices)
    return start, model.get_weights(), losses

for settings in ({"optimizer": "sgd", "learning_rate": 0.05}, {"optimizer": "lars", "learning_rate": 1.0}):
    recipe = TrainingRecipe(epochs=3, batch_size=8, warmup=0, **settings)
    name = settings["optimizer"]
    start, one, losses = train(1, recipe, name)
    if name == "sgd":
        try:
            train(2, recipe, name + "-2", killed_at(6))
            raise AssertionError("not killed")
        except Killed:
            pass
    _, two, others = train(2, recipe, name + "-2")
    compare(name, start, one, two, losses, others)
"""
)

_PRETRAIN = (
    _TWO_CPUS
    + """
from alzedge.runs.recipe import PretrainRecipe, Recipe, TeacherRecipe
from alzedge.teacher.networks.backbones import build_encoder
from alzedge.teacher.networks.heads import contrastive_model
from alzedge.teacher.pretrain import pretrain
from alzedge.teacher.training.loop import set_seed
images = np.random.default_rng(0).random((16, 52, 44, 1), dtype=np.float32)
people = np.arange(16).astype(str)
settings = PretrainRecipe(epochs=2, batch_size=8, optimizer="sgd", learning_rate=2e-3)
recipe = Recipe(teacher=TeacherRecipe(width=0.0625), pretrain=settings)
set_seed(recipe.seed)
start = contrastive_model(build_encoder(recipe.teacher, images.shape[1:])).get_weights()
(one, losses), (two, others) = (
    pretrain(images, recipe, folder / f"{devices}.npz", people=people, devices=devices) for devices in (1, 2)
)
compare("pretrain", start, one.get_weights(), two.get_weights(), losses, others)
"""
)


@pytest.mark.slow
@pytest.mark.parametrize("code", [_SMALL, _PRETRAIN], ids=["small", "pretrain"])
def test_two_devices_end_where_one_does_with_negatives_from_both(code: str) -> None:
    """Also when they are stopped on the way, with synchronised batch norm, and with validation images."""
    result = run_code(code)
    assert result.returncode == 0, result.stdout + result.stderr
    print(result.stdout)


def test_more_devices_than_there_are_is_a_sentence(tmp_path, tiny_recipe) -> None:  # type: ignore[no-untyped-def]
    result = call_cli("train", "--recipe", tiny_recipe, "--out", tmp_path / "out", "--devices", "7")
    assert_refused(result, "--devices 7")
