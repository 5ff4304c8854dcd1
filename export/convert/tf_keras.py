"""The student in tf_keras, the older Keras that TensorFlow's model optimization toolkit (tfmot) understands."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tf_keras
from numpy.typing import NDArray

from alzedge.errors import UserError
from alzedge.runs.recipe import Recipe
from alzedge.student.distill import distillation_loss
from alzedge.teacher.measures import MEASURES, answers, measures_loss
from alzedge.teacher.training.augment import apply_views, draw_views
from alzedge.teacher.training.loop import steps_per_epoch
from alzedge.utils.progress import OnStep, Step, quiet

_VIEW = 47  # name of the random stream
# What a Keras 3 layer's settings hold that tf_keras does not know or that does not matter once there are weights.
_UNKNOWN = ("dtype", "renorm", "synchronized", "quantization_config")
_UNIMPORTANT = ("_initializer", "_regularizer", "_constraint")
_TOLERANCE = 1e-4
_SAMPLE = 1000  # slices that tell the spread of answers

Images = NDArray[np.float32]


def rebuild(student: keras.Model) -> tf_keras.Model:
    """Build a Keras 3 model of common layers again in tf_keras and copy its weights, layer by layer.

    Raises:
        UserError: a layer that tf_keras lacks, or the two do not answer the same.
    """
    made: dict[int, Any] = {}
    for layer in student.layers:
        if isinstance(layer, keras.layers.InputLayer):
            made[id(layer.output)] = tf_keras.Input(layer.batch_shape[1:], name=layer.name)
            continue
        twin = _twin(layer)
        made[id(layer.output)] = twin(keras.tree.map_structure(lambda tensor: made[id(tensor)], layer.input))
        twin.set_weights(layer.get_weights())
    inputs, outputs = ([made[id(tensor)] for tensor in side] for side in (student.inputs, student.outputs))
    model = tf_keras.Model(inputs[0], outputs[0] if len(outputs) == 1 else outputs, name=student.name)
    _compare(student, model)
    return model


def _twin(layer: keras.layers.Layer) -> tf_keras.layers.Layer:
    twin = getattr(tf_keras.layers, type(layer).__name__, None)
    if twin is None:
        raise UserError(f"tf_keras has no layer {type(layer).__name__}; export this model as int8.")
    settings = {
        name: value
        for name, value in layer.get_config().items()
        if name not in _UNKNOWN and not name.endswith(_UNIMPORTANT)
    }
    return twin.from_config(settings)


def _compare(student: keras.Model, model: tf_keras.Model) -> None:
    images = np.random.default_rng(0).random((4, *student.input_shape[1:]), np.float32)
    pairs = zip(*(keras.tree.flatten(m.predict_on_batch(images)) for m in (student, model)), strict=True)
    difference = max(float(np.abs(np.asarray(a) - np.asarray(b)).max()) for a, b in pairs)
    if not difference <= _TOLERANCE * max(
        1.0, *(float(np.abs(array).max()) for array in keras.tree.flatten(student.predict_on_batch(images)))
    ):
        raise UserError(f"The student answers otherwise in tf_keras (difference {difference:.1e}); export it as int8.")


def fine_tune(
    model: tf_keras.Model,
    teacher: keras.Model,
    images: Images,
    recipe: Recipe,
    on_step: OnStep = quiet,
    on_batch: Callable[[int], None] = lambda step: None,
    on_epoch: Callable[[int], None] = lambda epoch: None,
) -> None:
    """Train `model` in place on the teacher's soft targets, the same view for both, as in distillation.

    Args:
        model: tf_keras, images to logits.
        teacher: Keras 3, the same images to the same outputs.
        images: float32 (N, rows, columns, 1), the training side.
        recipe: `compress`, `augment`, `seed` and the temperature of `distill` are used.
        on_step: called after every step.
        on_batch, on_epoch: called before every step and after every epoch, with their numbers.

    Raises:
        UserError: a batch larger than the data, or a loss that is not a number.
    """
    settings, temperature = recipe.compress, recipe.distill.temperature
    steps = steps_per_epoch(len(images), settings.batch_size)
    total = steps * settings.epochs
    schedule = tf_keras.optimizers.schedules.CosineDecay(settings.learning_rate, total)
    optimizer = tf_keras.optimizers.AdamW(schedule, weight_decay=settings.weight_decay)
    measuring = len(model.outputs) > 1
    trained = tf_keras.Model(model.inputs, tf_keras.layers.Concatenate()(model.outputs)) if measuring else model
    taught = answers if measuring else lambda teacher, view: np.asarray(teacher.predict_on_batch(view))
    trained.compile(optimizer, _loss(teacher, images, recipe) if measuring else _soft_targets_loss(temperature))
    for epoch in range(settings.epochs):
        drawn = draw_views(recipe.augment, len(images), [recipe.seed, _VIEW, epoch])
        order = np.random.default_rng([recipe.seed, _VIEW, epoch]).permutation(len(images))
        for step in range(steps):
            done = epoch * steps + step
            index = order[step * settings.batch_size : (step + 1) * settings.batch_size]
            view = apply_views(images[index], drawn[index])
            on_batch(done)
            loss = float(trained.train_on_batch(view, taught(teacher, view)))
            if not np.isfinite(loss):
                raise UserError(f"The loss is {loss} in epoch {epoch + 1}; lower compress.learning_rate in the recipe.")
            on_step(Step(epoch + 1, settings.epochs, done + 1, total, loss))
        on_epoch(epoch)


def _soft_targets_loss(temperature: float) -> Callable[[Any, Any], Any]:
    return lambda targets, logits: distillation_loss(targets, logits, temperature)


def _loss(teacher: keras.Model, images: Images, recipe: Recipe) -> Callable[[Any, Any], Any]:
    """Loss of a measuring student, brain volume and age in units of their spread over the teacher's answers."""
    if len(teacher.outputs) != 1 + len(MEASURES):
        raise UserError("The student measures brain volume and age and its teacher does not; name one that does.")
    deviations = answers(teacher, images[:: max(1, len(images) // _SAMPLE)])[:, -len(MEASURES) :].std(axis=0)
    weight = recipe.measures.stage
    return lambda targets, outputs: measures_loss(targets, outputs, [float(one) for one in deviations], weight)
