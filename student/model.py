"""The student's network."""

import keras
from keras import layers

from alzedge.runs.recipe import StudentRecipe
from alzedge.stages import STAGES


def build_student(recipe: StudentRecipe, input_shape: tuple[int, int, int]) -> keras.Model:
    """Three blocks of convolution, batch norm, ReLU and max-pool, then two dense layers.

    The last block's map is averaged over the image in between: a dense layer on the whole
    map would hold most of the weights, and would learn where a head lies in the frame.

    Args:
        recipe: filters of each block, units of the first dense layer.
        input_shape: rows, columns and channels of float32 images.

    Returns:
        Model from (N, rows, columns, channels) to logits (N, 4), in the order of `STAGES`.
    """
    x = images = keras.Input(input_shape, name="images")
    for i, filters in enumerate(recipe.filters, start=1):
        x = layers.Conv2D(filters, 3, padding="same", use_bias=False, kernel_initializer="he_normal", name=f"conv{i}")(
            x
        )
        x = layers.BatchNormalization(momentum=0.9, epsilon=1e-3, name=f"norm{i}")(x)
        x = layers.ReLU(name=f"relu{i}")(x)
        x = layers.MaxPooling2D(2, name=f"pool{i}")(x)
    x = layers.GlobalAveragePooling2D(name="average")(x)
    x = layers.Dense(recipe.hidden, activation="relu", kernel_initializer="he_normal", name="hidden")(x)
    logits = layers.Dense(len(STAGES), name="logits")(x)
    return keras.Model(images, logits, name="student")
