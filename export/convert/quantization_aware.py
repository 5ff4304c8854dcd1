"""Quantization-aware training: the student learns to live with int8 before it becomes int8."""

import keras
import tensorflow as tf
import tensorflow_model_optimization as tfmot
import tf_keras

from alzedge.export.convert.probabilities import PROBABILITIES, output_names
from alzedge.export.convert.tf_keras import fine_tune, rebuild
from alzedge.export.convert.tflite import Images, Save, to_int8_as_trained
from alzedge.runs.recipe import Recipe
from alzedge.teacher.training.loop import set_seed
from alzedge.utils.progress import OnStep, quiet

# How tfmot ends the names of the ranges it keeps of activations.
_RANGES = ("output_", "post_activation_", "quantize_layer_")


def quantization_aware(
    student: keras.Model,
    teacher: keras.Model,
    images: Images,
    calibration: Images,
    recipe: Recipe,
    on_step: OnStep = quiet,
) -> bytes:
    """Train with the quantization in place (Jacob et al. 2018, arXiv:1712.05877; tfmot's default 8-bit scheme).

    Args:
        student: images to logits; not changed.
        teacher: images to logits; see `alzedge.export.convert.tf_keras.fine_tune`.
        images: float32 (N, rows, columns, 1), the training side.
        calibration: some of them, where the ranges of activations begin.
        recipe: see `fine_tune`.
        on_step: called after every step.

    Returns:
        Flatbuffer of one image to probabilities, int8 throughout.
    """
    set_seed(recipe.seed)
    plain = rebuild(student)
    quantized = tfmot.quantization.keras.quantize_model(plain)
    _begin_ranges(quantized, plain, calibration)
    fine_tune(quantized, teacher, images, recipe, on_step)
    # Behind the training, not part of it: the softmax of TFLite has a scale of its own, 1/256.
    logits, *others = quantized.outputs
    probabilities = tf_keras.layers.Softmax(name=PROBABILITIES)(logits)
    named = dict(zip(output_names(student), [probabilities, *others], strict=True))
    return to_int8_as_trained(_saver(tf_keras.Model(quantized.input, named, name=student.name)))


def _begin_ranges(quantized: tf_keras.Model, plain: tf_keras.Model, calibration: Images) -> None:
    """Set the ranges of activations to what the float model shows.

    tfmot begins at -6 to 6 and moves by a thousandth a step, so that a few epochs end far from the truth.
    """
    outputs = {layer.name: layer.output for layer in plain.layers}
    shown = tf_keras.Model(plain.input, outputs).predict_on_batch(calibration)
    for layer in quantized.layers:
        name = layer.layer.name if hasattr(layer, "layer") else plain.input_names[0]
        for weight in layer.weights:
            kind = weight.name.split("/")[-1].split(":")[0]
            if kind.startswith(_RANGES) and kind.endswith("_min"):
                weight.assign(min(0.0, float(shown[name].min())))  # 0 must be a whole number of steps away
            elif kind.startswith(_RANGES) and kind.endswith("_max"):
                weight.assign(max(0.0, float(shown[name].max())))


def _saver(model: tf_keras.Model) -> Save:
    one = tf.TensorSpec((1, *model.input_shape[1:]), tf.float32, name="images")
    call = tf.function(lambda images: model(images, training=False), input_signature=[one])
    bare = tf.Module()  # the model itself would bring along every layer's training, in seconds
    bare.kept = model.variables
    return lambda folder: tf.saved_model.save(bare, folder, signatures=call.get_concrete_function())
