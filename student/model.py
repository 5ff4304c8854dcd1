"""The student's network."""

import keras
from keras import layers

from alzedge.inference.measures.demographics import COLUMNS, DEMOGRAPHICS
from alzedge.runs.recipe import StudentRecipe
from alzedge.runs.truths import Scales
from alzedge.stages import STAGES
from alzedge.teacher.measures import measure_heads

# Names of the first dense layer and of the layer of logits.
HIDDEN, LOGITS = "hidden", "logits"
# Names of the layers between the last dense layer of a student of the image alone and its logits, where age and sex enter.
FROM_IMAGE, FROM_DEMOGRAPHICS, JOINT = "joint_image", "joint_demographics", "joint"


def build_student(
    recipe: StudentRecipe, input_shape: tuple[int, int, int], scales: Scales | None = None, demographics: bool = False
) -> keras.Model:
    """Build three blocks of convolution, batch norm, ReLU and max-pool, then two dense layers.

    The last block's map is averaged over the image in between: a dense layer on the whole
    map would hold most of the weights, and would learn where a head lies in the frame.

    Age and sex, where they are a second input, reach the logits of the stages alone, by one more dense layer on what is
    seen and what is told (concatenation, as in Esmaeilzadeh et al. 2018, arXiv:1810.00523). Brain volume and apparent age
    are of the image alone: a head that is told the age would give it back, and the percentile of a brain volume would no
    longer be a measurement.

    Args:
        recipe: filters and pool of each block, units of the first dense layer, batch norm on the average or not.
        input_shape: rows, columns and channels of float32 images.
        scales: of brain volume and age, for a student that measures them; None: the stage alone.
        demographics: whether age and sex are a second input.

    Returns:
        Model from images (N, rows, columns, channels), or from `[images, demographics]` with (N, 4) of
        `alzedge.inference.measures.demographics`, to logits (N, 4), in the order of `STAGES`, or to
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
    x = layers.Dense(recipe.hidden, activation="relu", kernel_initializer="he_normal", name=HIDDEN)(x)
    told = keras.Input((len(COLUMNS),), name=DEMOGRAPHICS) if demographics else None
    logits = layers.Dense(len(STAGES), name=LOGITS)(x if told is None else _joint(x, told, recipe.hidden))
    outputs = logits if scales is None else [logits, *measure_heads(x, scales)]
    return keras.Model(images if told is None else [images, told], outputs, name="student")


def _joint(hidden: keras.KerasTensor, told: keras.KerasTensor, units: int) -> keras.KerasTensor:
    """A dense layer on both, as two that are added: in an int8 file each keeps a scale of its own.

    The second has no bias, so that a person of whom nothing is told adds nothing.
    """
    seen = layers.Dense(units, kernel_initializer="he_normal", name=FROM_IMAGE)(hidden)
    said = layers.Dense(units, use_bias=False, kernel_initializer="he_normal", name=FROM_DEMOGRAPHICS)(told)
    return layers.ReLU(name=JOINT)(layers.Add(name=f"{JOINT}_sum")([seen, said]))
