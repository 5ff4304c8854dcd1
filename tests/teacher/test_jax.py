"""Training on Keras' JAX backend, with TensorFlow out of reach, and what TensorFlow makes of its files."""

import runpy
from pathlib import Path

import keras
import numpy as np
import pytest
from helpers.commands import run_cli, run_code
from numpy.typing import NDArray

from alzedge.inference.classifier import Classifier
from alzedge.runs.recipe_file import load_recipe

pytestmark = pytest.mark.slow

WITHOUT_TENSORFLOW = """
import sys
sys.modules["tensorflow"] = None
sys.argv = ["alzedge", *{words!r}]
from alzedge.cli import main
main()
"""
VIEWS = """
from dataclasses import replace
import numpy as np
from alzedge.runs.recipe_file import load_recipe
from alzedge.teacher.training.augment import apply_views, draw_views
images = np.random.default_rng(0).random((8, 104, 88, 1), np.float32)
np.save({path!r}, apply_views(images, draw_views(replace(load_recipe("measure").augment, noise=0.0), 8, [0, 1])))
"""
SAM = """
import keras, numpy as np
from alzedge.teacher.training.sam import SharpnessAware
keras.utils.set_random_seed(0)
images = keras.Input((3,))
x = keras.layers.BatchNormalization()(keras.layers.Dense(4, kernel_initializer="ones")(images))
model = keras.Model(images, keras.layers.Dense(1, kernel_initializer="ones")(x))
trained = SharpnessAware.of(model, 0.3)
trained.compile(keras.optimizers.SGD(0.1, momentum=0.5), keras.losses.MeanSquaredError(), jit_compile=keras.backend.backend() == "jax")
rng = np.random.default_rng(0)
x, y = rng.normal(size=(8, 3)).astype(np.float32), rng.normal(size=(8, 1)).astype(np.float32)
losses = [float(trained.train_on_batch(x, y, return_dict=True)["loss"]) for _ in range(3)]
np.save({path!r}, np.concatenate([losses, *(weight.ravel() for weight in model.get_weights())]))
"""


@pytest.fixture(scope="module")
def on_jax(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what both programs save on JAX, run one after the other in a process of their own."""
    pytest.importorskip("jax")
    folder = tmp_path_factory.mktemp("jax")
    both = SAM.format(path=str(folder / "sam.npy")) + VIEWS.format(path=str(folder / "views.npy"))
    result = run_code(both, KERAS_BACKEND="jax")
    assert result.returncode == 0, result.stderr
    return folder


def with_tensorflow(program: str, path: Path) -> NDArray[np.float32]:
    """What a program saves with this process's backend."""
    assert keras.backend.backend() == "tensorflow"
    code = path.with_suffix(".py")
    code.write_text(program.format(path=str(path)))
    runpy.run_path(str(code))
    return np.asarray(np.load(path))


def test_sam_takes_the_same_steps_on_every_backend(on_jax: Path, tmp_path: Path) -> None:
    trained = np.load(on_jax / "sam.npy"), with_tensorflow(SAM, tmp_path / "sam.npy")
    np.testing.assert_allclose(*trained, rtol=1e-4, atol=1e-5)


def test_views_are_the_same_on_every_backend_but_for_noise(on_jax: Path, tmp_path: Path) -> None:
    rendered = np.load(on_jax / "views.npy"), with_tensorflow(VIEWS, tmp_path / "views.npy")
    assert np.ptp(rendered[0]) > 0.5
    np.testing.assert_allclose(*rendered, atol=1e-4)


def test_trained_without_tensorflow_and_exported_with_it(tmp_path: Path, tiny_recipe: Path) -> None:
    for words in (
        ["train", "phantoms", "--recipe", str(tiny_recipe), "--out", str(tmp_path)],
        ["distill", str(tmp_path / "teacher.keras"), "phantoms", "--recipe", str(tiny_recipe), "--out", str(tmp_path)],
    ):
        result = run_code(WITHOUT_TENSORFLOW.format(words=words), KERAS_BACKEND="jax")
        assert result.returncode == 0, result.stderr
    out = tmp_path / "student_int8.tflite"
    result = run_cli("export", tmp_path / "student.keras", "phantoms", "--recipe", tiny_recipe, "--out", out)
    assert result.returncode == 0, result.stderr
    shape = load_recipe(str(tiny_recipe)).preprocessing.input_shape
    assert Classifier.load(out).preprocessing.input_shape == shape
