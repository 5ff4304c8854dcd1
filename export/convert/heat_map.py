"""Heat maps: the evidence by place on the slice, as a second output of the student."""

import keras
from keras import layers

from alzedge.errors import UserError
from alzedge.student.model import FROM_IMAGE, JOINT

# Makes any hidden unit that is on saturate at 1 after clipping, in float32 and in int8 alike.
_STEEP = 1e4


def with_heat_map(student: keras.Model) -> keras.Model:
    """Give a student its class activation map as a second output.

    Behind the average over the last map stand two dense layers with a ReLU between them, so a
    logit is, for a given image, a linear function of the last map: its gradient is exact, and
    gradient times activation says what each place added to the logit (Zhou et al. 2016,
    arXiv:1512.04150; for a network that ends in an average the same as Grad-CAM and HiResCAM,
    Draelos and Carin 2020, arXiv:2011.08891). Both dense layers become 1 x 1 convolutions over
    the map, with the hidden units that are off for this image switched off at every place. Of a student that is told age
    and sex the dense layer on both is one more of them: what was told switches units, and adds the same to every place.

    Args:
        student: from `alzedge.export.convert.plain.plain`: float32 images (N, rows, columns,
            1), perhaps with demographics, to logits (N, 4), or to a list that begins with them, with layers `average`, `hidden` and `logits`.

    Returns:
        Model from the same inputs to the same outputs and then `heat_map` (N, h, w, 4). The mean of the
        heat map over its places plus a constant that depends only on which hidden units are
        on, and on what was told, is the logit.

    Raises:
        UserError: a network of another form.
    """
    try:
        average, hidden, logits = (student.get_layer(name) for name in ("average", "hidden", "logits"))
    except ValueError as error:
        raise UserError(
            "Heat maps need a student of AlzEdge: its layers average, hidden, logits are missing."
        ) from error
    heat = _switched(_by_place(hidden, average.input, "hidden_by_place"), hidden.output, "")
    if JOINT in {layer.name for layer in student.layers}:
        both = _by_place(student.get_layer(FROM_IMAGE), heat, "joint_by_place")
        heat = _switched(both, student.get_layer(JOINT).output, "_joint")
    heat = _by_place(logits, heat, "heat_map")
    return keras.Model(student.input, [*student.outputs, heat], name="student_heat_map")


def _by_place(dense: layers.Dense, maps: keras.KerasTensor, name: str) -> keras.KerasTensor:
    """A dense layer's weights, without its bias, at every place of maps (N, h, w, channels)."""
    everywhere = layers.Conv2D(dense.units, 1, use_bias=False, name=name)
    made = everywhere(maps)
    everywhere.set_weights([dense.get_weights()[0][None, None]])
    return made


def _switched(maps: keras.KerasTensor, units: keras.KerasTensor, suffix: str) -> keras.KerasTensor:
    """Maps (N, h, w, units) with those units that are 0 for this image switched off at every place."""
    on = layers.Rescaling(_STEEP, name=f"steep{suffix}")(units)
    on = layers.ReLU(max_value=1.0, name=f"on{suffix}")(on)
    on = layers.Reshape((1, 1, units.shape[-1]), name=f"on_everywhere{suffix}")(on)
    return layers.Multiply(name=f"only_what_is_on{suffix}")([maps, on])
