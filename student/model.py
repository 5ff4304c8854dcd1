"""The student's network."""

import keras
from keras import layers

from alzedge.runs.recipe import StudentRecipe
from alzedge.runs.truths import Scales
from alzedge.stages import STAGES
from alzedge.teacher.measures import measure_heads

# Name of the layer of logits.
LOGITS = "logits"


def build_student(
    recipe: StudentRecipe, input_shape: tuple[int, int, int], scales: Scales | None = None
) -> keras.Model:
    """Build three blocks of convolution, batch norm, ReLU and max-pool, then two dense layers.

    The last block's map is averaged over the image in between: a dense layer on the whole
    map would hold most of the weights, and would learn where a head lies in the frame.

    Args:
        recipe: filters and pool of each block, units of the first dense layer, batch norm on the average or not.
        input_shape: rows, columns and channels of float32 images.
        scales: of brain volume and age, for a student that measures them; None: the stage alone.

    Returns:
        Model from (N, rows, columns, channels) to logits (N, 4), in the order of `STAGES`, or to
        `[logits, brain_volume, age]`; see `alzedge.teacher.measures`.
    """
    x = images = keras.Input(input_shape, name="images")
    for i, (filters, pool) in enumerate(zip(recipe.filters, recipe.pools, strict=True), start=1):
        x = layers.Conv2D(filters, 3, padding="same", use_bias=False, kernel_initializer="he_normal", name=f"conv{i}")(
            x
        )
        x = layers.BatchNormalization(momentum=0.9, epsilon=1e-3, name=f"norm{i}")(x)
        x = layers.ReLU(name=f"relu{i}")(x)
        if pool > 1:
            x = layers.MaxPooling2D(pool, name=f"pool{i}")(x)
    x = layers.GlobalAveragePooling2D(name="average")(x)
    if recipe.pooled_norm:
        x = layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name="norm_average")(x)
    x = layers.Dense(recipe.hidden, activation="relu", kernel_initializer="he_normal", name="hidden")(x)
    logits = layers.Dense(len(STAGES), name=LOGITS)(x)
    outputs = logits if scales is None else [logits, *measure_heads(x, scales)]
    return keras.Model(images, outputs, name="student")
