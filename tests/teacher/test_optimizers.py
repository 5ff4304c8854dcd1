"""LARS against values of the original code; SAM against a step written in NumPy."""

import contextlib
import json
from pathlib import Path

import keras
import numpy as np
import pytest

from alzedge.teacher.training.optimizers import LARS
from alzedge.teacher.training.sam import SharpnessAware

VECTORS = np.load(Path(__file__).parents[1] / "reference" / "reference_lars.npz")
SETTINGS = [name.split("|")[0] for name in VECTORS.files if name.endswith("|config")]


def variable(path: str, value: np.ndarray) -> keras.Variable:
    """A variable with the path that the original's name is."""
    *scopes, name = path.split("/")
    with contextlib.ExitStack() as stack:
        for scope in scopes:
            stack.enter_context(keras.name_scope(scope))
        made = keras.Variable(value, name=name)
    assert made.path == path
    return made


@pytest.mark.parametrize("setting", SETTINGS)
def test_four_steps_of_lars_are_the_original_s(setting: str) -> None:
    config = json.loads(str(VECTORS[f"{setting}|config"]))
    names = [str(name) for name in VECTORS["names"]]
    variables = [variable(name, VECTORS[f"w0|{name}"]) for name in names]
    optimizer = LARS(
        nesterov=config["use_nesterov"],
        exclude=config["exclude_from_weight_decay"],
        exclude_from_adaptation=config["exclude_from_layer_adaptation"],
        **{key: config[key] for key in ("classic_momentum", "eeta", "momentum", "weight_decay")},
    )
    optimizer = LARS.from_config(json.loads(json.dumps(optimizer.get_config())))
    for step in range(int(VECTORS["steps"])):
        optimizer.learning_rate = float(VECTORS["learning_rates"][step])
        optimizer.apply([keras.ops.convert_to_tensor(VECTORS[f"g|{name}"][step]) for name in names], variables)
        for name, got in zip(names, variables, strict=True):
            want = VECTORS[f"{setting}|w|{name}"][step]
            np.testing.assert_allclose(got.numpy(), want, rtol=2e-6, atol=1e-7, err_msg=f"{name}, step {step}")
    for name, got in zip(names, optimizer.momenta, strict=True):
        np.testing.assert_allclose(got.numpy(), VECTORS[f"{setting}|m|{name}"], rtol=2e-5, atol=1e-9, err_msg=name)


def linear_model(rho: float, *norm: keras.layers.Layer) -> tuple[keras.Model, keras.Model]:
    images = keras.Input((3,))
    x = images
    for layer in norm:
        x = layer(x)
    model = keras.Model(images, keras.layers.Dense(1, kernel_initializer="ones")(x))
    trained = SharpnessAware.of(model, rho)
    optimizer = keras.optimizers.SGD(0.1, momentum=0.5)
    trained.compile(optimizer, keras.losses.MeanSquaredError(), jit_compile=False)
    return model, trained


def test_sam_is_the_paper_s_algorithm_on_a_quadratic() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(8, 3)).astype(np.float32), rng.normal(size=(8, 1)).astype(np.float32)
    model, trained = linear_model(0.3)
    ones = np.hstack([x, np.ones((8, 1))])
    w, velocity = np.array([[1.0], [1], [1], [0]]), np.zeros((4, 1))

    def gradient(w: np.ndarray) -> np.ndarray:
        return 2 * ones.T @ (ones @ w - y) / 8

    for _ in range(3):
        loss = float(np.mean((ones @ w - y) ** 2))
        climb = 0.3 * gradient(w) / np.linalg.norm(gradient(w))
        velocity = 0.5 * velocity - 0.1 * gradient(w + climb)
        w = w + velocity
        assert trained.train_on_batch(x, y, return_dict=True)["loss"] == pytest.approx(loss, rel=1e-5)
    np.testing.assert_allclose(
        np.vstack([model.get_weights()[0], model.get_weights()[1][:, None]]), w, rtol=1e-5, atol=1e-6
    )


def test_sam_without_a_climb_is_the_plain_optimizer() -> None:
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(8, 3)).astype(np.float32), rng.normal(size=(8, 1)).astype(np.float32)
    model, trained = linear_model(0.0, keras.layers.BatchNormalization())
    plain = keras.models.clone_model(model)
    plain.set_weights(model.get_weights())
    plain.compile(keras.optimizers.SGD(0.1, momentum=0.5), keras.losses.MeanSquaredError(), jit_compile=False)
    for _ in range(3):
        trained.train_on_batch(x, y)
        plain.train_on_batch(x, y)
    for got, want in zip(model.get_weights(), plain.get_weights(), strict=True):  # batch norm's memory, too
        np.testing.assert_allclose(got, want, rtol=1e-6)


def test_sam_stays_where_the_gradient_is_zero() -> None:
    model, trained = linear_model(2.0)
    trained.train_on_batch(np.eye(3, dtype=np.float32), np.ones((3, 1), np.float32))
    np.testing.assert_array_equal(model.get_weights()[0], 1)
