"""Heat maps: the evidence by place on the slice, as a second output of the student."""

import keras
from keras import layers

from alzedge.errors import UserError

# Makes any hidden unit that is on saturate at 1 after clipping, in float32 and in int8 alike.
_STEEP = 1e4


def with_heat_map(student: keras.Model) -> keras.Model:
    """Give a student its class activation map as a second output.

    Behind the average over the last map stand two dense layers with a ReLU between them, so a
    logit is, for a given image, a linear function of the last map: its gradient is exact, and
    gradient times activation says what each place added to the logit (Zhou et al. 2016,
    arXiv:1512.04150; for a network that ends in an average the same as Grad-CAM and HiResCAM,
    Draelos and Carin 2020, arXiv:2011.08891). Both dense layers become 1 x 1 convolutions over
    the map, with the hidden units that are off for this image switched off at every place.

    Args:
        student: from `alzedge.export.convert.plain.plain`: float32 images (N, rows, columns,
            1) to logits (N, 4), or to a list that begins with them, with layers `average`, `hidden` and `logits`.

    Returns:
        Model from the same images to the same outputs and then `heat_map` (N, h, w, 4). The mean of the
        heat map over its places plus a constant that depends only on which hidden units are
        on is the logit.

    Raises:
        UserError: a network of another form.
    """
    try:
        average, hidden, logits = (student.get_layer(name) for name in ("average", "hidden", "logits"))
    except ValueError as error:
        raise UserError(
            "Heat maps need a student of AlzEdge: its layers average, hidden, logits are missing."
        ) from error
    last_map = average.input
    on = layers.Rescaling(_STEEP, name="steep")(hidden.output)
    on = layers.ReLU(max_value=1.0, name="on")(on)
    on = layers.Reshape((1, 1, hidden.units), name="on_everywhere")(on)
    to_hidden = layers.Conv2D(hidden.units, 1, use_bias=False, name="hidden_by_place")
    to_stage = layers.Conv2D(logits.units, 1, use_bias=False, name="heat_map")
    heat = to_stage(layers.Multiply(name="only_what_is_on")([to_hidden(last_map), on]))
    to_hidden.set_weights([hidden.get_weights()[0][None, None]])
    to_stage.set_weights([logits.get_weights()[0][None, None]])
    return keras.Model(student.input, [*student.outputs, heat], name="student_heat_map")
