"""Training steps on replicas of a model: the model itself, or a copy in another precision or on several devices."""

import contextlib
from typing import Any

import keras
import numpy as np
from keras import layers, ops
from numpy.typing import NDArray

from alzedge.errors import UserError
from alzedge.runs.recipe import TrainingRecipe
from alzedge.teacher.training.sam import SharpnessAware

# inputs, or a list of them for a model that has several, and targets
Batch = tuple[NDArray[Any] | list[NDArray[Any]], NDArray[Any]]


def make_replicas(model: keras.Model, recipe: TrainingRecipe, devices: int) -> keras.Model:
    """Make the Keras model that is trained in the place of `model`.

    Args:
        model: functional, float32.
        recipe: `precision`, `sam_rho` and `batch_size` are used.
        devices: number of data-parallel replicas; batch norm then sees the batches of all of them.

    Returns:
        `model` itself, SAM around it, or a copy with the same weights, mirrored on the devices, and bfloat16 in all
        layers but the last where the recipe says so.

    Raises:
        UserError: fewer devices than asked for, or a backend that cannot do it.
    """
    backend = keras.backend.backend()
    if devices > 1 and backend != "tensorflow":
        raise UserError(f"--devices needs the TensorFlow backend, and Keras runs on {backend}.")
    if recipe.sam_rho and backend not in ("tensorflow", "jax"):
        raise UserError(f"SAM needs the backend TensorFlow or JAX, and Keras runs on {backend}.")
    if recipe.sam_rho and devices > 1:
        raise UserError("SAM runs on one device; set sam_rho to 0 in the recipe, or leave out --devices.")
    if recipe.batch_size % devices:
        raise UserError(f"--devices {devices} cannot share batches of {recipe.batch_size}; change one of them.")
    if recipe.precision != "float32" or devices > 1:
        model = _copy(model, recipe.precision, devices)
    return SharpnessAware.of(model, recipe.sam_rho) if recipe.sam_rho else model


def train_step(replicas: keras.Model, batch: Batch, devices: int) -> float:
    """Train on one batch, arrays of inputs and targets; returns its loss."""
    if devices == 1:
        return float(replicas.train_on_batch(*batch, return_dict=True)["loss"])
    replicas.make_train_function()
    replicas.reset_metrics()
    return float(replicas.train_function(iter([_deal(replicas, batch, devices)]))["loss"])


def validation_loss(replicas: keras.Model, batch: Batch, devices: int) -> float:
    """Compute the loss of one batch without training, batch norm and dropout as in inference."""
    if devices == 1:
        return float(replicas.test_on_batch(*batch, return_dict=True)["loss"])
    replicas.make_test_function()
    replicas.reset_metrics()
    return float(replicas.test_function(iter([_deal(replicas, batch, devices)]))["loss"])


def _deal(replicas: keras.Model, batch: Batch, devices: int) -> tuple[Any, ...]:
    """Split the arrays of a batch into as many equal, contiguous parts as there are devices.

    Keras' `train_on_batch` would give the whole of a plain array to every device, and takes no distributed one.
    """
    strategy = replicas.distribute_strategy

    def spread(array: NDArray[Any]) -> Any:
        parts = np.split(array, devices)
        return strategy.experimental_distribute_values_from_function(
            lambda context: ops.convert_to_tensor(parts[context.replica_id_in_sync_group])
        )

    return tuple(keras.tree.map_structure(spread, batch))


def _copy(model: keras.Model, precision: str, devices: int) -> keras.Model:
    # The loss is float32, or small differences between logits would be rounded away.
    last = model.output._keras_history.operation.name

    def remake(layer: layers.Layer) -> layers.Layer:
        config = layer.get_config()
        if precision == "bfloat16" and layer.name != last:
            config["dtype"] = "mixed_bfloat16"
        if devices > 1 and isinstance(layer, layers.BatchNormalization):
            config["synchronized"] = True
        return layer.__class__.from_config(config)

    with _scope(devices):
        copy = keras.models.clone_model(model, clone_function=remake)
    copy.set_weights(model.get_weights())
    return copy


def _scope(devices: int) -> contextlib.AbstractContextManager[Any]:
    """Scope in which variables are mirrored on several of TensorFlow's devices."""
    if devices == 1:
        return contextlib.nullcontext()
    import tensorflow as tf

    kind = "GPU" if tf.config.list_logical_devices("GPU") else "CPU"
    names = [device.name for device in tf.config.list_logical_devices(kind)]
    if len(names) < devices:
        raise UserError(f"--devices {devices}: TensorFlow sees {len(names)} {kind} here.")
    scope: contextlib.AbstractContextManager[Any] = tf.distribute.MirroredStrategy(names[:devices]).scope()
    return scope
