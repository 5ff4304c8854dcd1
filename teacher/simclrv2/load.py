"""Google's SimCLRv2 checkpoints as Keras models (Chen et al. 2020, arXiv:2006.10029; google-research/simclr)."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from alzedge.errors import UserError
from alzedge.runs.recipe import TeacherRecipe
from alzedge.teacher.networks.heads import PROJECTION_SIZE, projection_head, supervised_head
from alzedge.teacher.networks.resnet import BLOCKS, is_basic, resnet
from alzedge.teacher.simclrv2.variables import Shapes, Variables, read_variables

_FIRST_KERNEL = "base_model/conv2d/kernel"
_SUPERVISED = "head_supervised/linear_layer/dense"
_SUPERVISED_KERNEL = f"{_SUPERVISED}/kernel"
_LISTED = 5


@dataclass(frozen=True)
class Architecture:
    """What a checkpoint's variables say about its network.

    Attributes:
        recipe: depth, width and selective kernels.
        middle_layers: of the projection head; each ends in a ReLU, and a supervised head may sit on any.
        projection_size: width of the projection head's last layer; 0 where the checkpoint has none.
        classes: of the supervised head; 0 where the checkpoint has none.
        supervised_width: what the supervised head reads.
    """

    recipe: TeacherRecipe
    middle_layers: int
    projection_size: int
    classes: int
    supervised_width: int

    @property
    def name(self) -> str:
        """As Google names it: r50_1x_sk0."""
        return f"r{self.recipe.depth}_{self.recipe.width:g}x_sk{int(self.recipe.selective_kernels)}"

    def hidden(self, encoder: keras.Model) -> list[keras.KerasTensor]:
        """The features followed by the output of each layer of the projection head that the checkpoint has."""
        layers = self.middle_layers + (self.projection_size > 0)
        return projection_head(encoder.output, layers, layers_in_all=self.middle_layers + 1, size=self.projection_size)


def load_simclrv2(path: str | Path, head_layer: int | None = None) -> keras.Model:
    """Load a public SimCLRv2 network: a TF1 checkpoint, a TF1 Hub module or a TF2 SavedModel.

    Depth, width, selective kernels and heads are read off the variables. Every variable is
    accounted for; steps, optimizer slots and `ema_model/` averages of the weights are left out.

    Args:
        path: folder, prefix, archive, `gs://` or `https://` address; see `alzedge.teacher.simclrv2.location.checkpoint_prefix`.
        head_layer: after how many layers of the projection head the supervised head sits
            (`ft_proj_selector` in the original). Default: read off the optimizer's slots, where the
            checkpoint still has them: fine-tuning keeps slots for the layers below the supervised head alone.
            Without them, and where all layers are of one width, nothing in the variables tells; then
            0, as in the original and in Google's `pretrained`, `supervised` and
            `finetuned_100pct`, but 1 below a folder called `finetuned_1pct` or `finetuned_10pct`
            (paper, section 3); 0 where there is no projection head, as in Hub modules of
            fine-tuned networks; the last layer where the head is cut short.

    Returns:
        Model from float32 RGB images (N, rows, columns, 3) in [0, 1], any rows and columns, to a
        dict of `features` (N, 512 or 2048 * width) and, where the checkpoint has the head,
        `projection` (N, 128) and `logits` (N, classes).

    Raises:
        UserError: nothing there, out of reach, damaged, of another network, or not complete.
    """
    variables = read_variables(str(path))
    architecture = read_architecture(variables)
    encoder = resnet(architecture.recipe, (None, None, 3))
    hidden = architecture.hidden(encoder)
    outputs = {"features": encoder.output}
    if architecture.projection_size:
        outputs["projection"] = hidden[-1]
    if architecture.classes:
        at = _head_layer(variables, architecture, [output.shape[-1] for output in hidden], head_layer)
        outputs["logits"] = supervised_head(hidden[at], architecture.classes)
    elif head_layer is not None:
        raise UserError(f"{path} has no supervised head; leave head_layer out.")
    model = keras.Model(encoder.input, outputs, name=architecture.name)
    fill(model, variables.values, variables.address)
    return model


def load_pretrained(variables: Variables, input_shape: tuple[int, int, int]) -> keras.Model:
    """The network to fine-tune on grey slices: encoder and what there is of the projection head.

    The first kernel is summed over its three input channels, which for a grey image is the
    same as to repeat the image in each of them.

    Args:
        variables: of a public checkpoint.
        input_shape: rows, columns and one channel.

    Returns:
        Model from float32 images in [0, 1] to the head's last output.

    Raises:
        UserError: the variables do not fit; see `load_simclrv2`.
    """
    architecture = read_architecture(variables)
    encoder = resnet(architecture.recipe, input_shape)
    model = keras.Model(encoder.input, architecture.hidden(encoder)[-1], name=architecture.name)
    values = {name: value for name, value in variables.values.items() if not name.startswith(_SUPERVISED)}
    values[_FIRST_KERNEL] = values[_FIRST_KERNEL].sum(axis=2, keepdims=True)
    fill(model, values, variables.address)
    return model


def read_architecture(variables: Variables) -> Architecture:
    """Read depth, width, selective kernels and heads off the variables' names and shapes.

    Raises:
        UserError: there is no first convolution of a known kind.
    """
    shapes = variables.shapes
    first = shapes.get(_FIRST_KERNEL, ())
    if len(first) != 4 or first[0] not in (3, 7) or first[2] != 3:
        found = f"a {_FIRST_KERNEL} of shape {_shape(first)}" if first else f"no {_FIRST_KERNEL}"
        raise UserError(
            f"{variables.address} is no SimCLRv2 checkpoint: it has {found}, where 7x7x3 or 3x3x3 should be; name another."
        )
    selective = first[0] == 3
    width = first[3] * (2 if selective else 1) / 64
    heads = [re.fullmatch(r"head_contrastive/nl_(\d+)/.*", name) for name in shapes]
    last = max((int(match[1]) for match in heads if match), default=-1)
    # Of the whole head only the last layer is normalised without centre.
    whole = last >= 0 and f"head_contrastive/nl_{last}/batch_normalization/beta" not in shapes
    supervised = shapes.get(_SUPERVISED_KERNEL, (0, 0))
    return Architecture(
        TeacherRecipe(depth=_depth(shapes, selective), width=width, selective_kernels=selective),
        last if whole else last + 1,
        shapes.get(f"head_contrastive/nl_{last}/dense/kernel", (PROJECTION_SIZE,))[-1] if whole else 0,
        supervised[-1],
        supervised[0],
    )


def fill(model: keras.Model, values: Mapping[str, NDArray[np.float32]], address: str) -> None:
    """Give every variable of `model` its value, and every value its place.

    Raises:
        UserError: missing, unexpected or mis-shaped variables; the sentence lists them.
    """
    ours = {_tf1_name(layer.name, weight.name): weight for layer in model.layers for weight in layer.weights}
    wrong = {
        name: f"{name} ({_shape(values[name].shape)} instead of {_shape(weight.shape)})"
        for name, weight in ours.items()
        if name in values and values[name].shape != tuple(weight.shape)
    }
    troubles = {
        "missing": [name for name in ours if name not in values],
        "unexpected": [name for name in values if name not in ours],
        "of another shape": list(wrong.values()),
    }
    told = "; ".join(f"{_listed(names)} {kind}" for kind, names in troubles.items() if names)
    if told:
        raise UserError(f"{address} does not hold the network it resembles most, {model.name}: {told}; name another.")
    for name, weight in ours.items():
        weight.assign(values[name])


def digest(variables: Variables) -> str:
    """SHA-256 over the variables' names and values, in hexadecimal."""
    total = hashlib.sha256()
    for name, value in sorted(variables.values.items()):
        total.update(f"{name} {value.shape}\n".encode() + np.ascontiguousarray(value).tobytes())
    return total.hexdigest()


def _depth(shapes: Shapes, selective: bool) -> int:
    """The depth whose number of convolutions is nearest; `fill` refuses what does not fit."""
    numbers = [int(match[1] or 0) for n in shapes if (match := re.fullmatch(r"base_model/conv2d(?:_(\d+))?/kernel", n))]
    return min(BLOCKS, key=lambda depth: abs(_convolutions(depth, selective) - max(numbers) - 1))


def _convolutions(depth: int, selective: bool) -> int:
    per_block = 2 if is_basic(depth) else 5 if selective else 3
    return (3 if selective else 1) + len(BLOCKS[depth]) + per_block * sum(BLOCKS[depth])


def _head_layer(variables: Variables, architecture: Architecture, widths: list[int], chosen: int | None) -> int:
    width = architecture.supervised_width
    possible = [layer for layer, found in enumerate(widths) if found == width]
    if chosen in possible:
        return chosen
    if chosen is not None or not possible:
        which = ", ".join(map(str, possible)) or "no layer"
        raise UserError(
            f"{variables.address}: the supervised head reads {width} values, which is what head_layer {which} gives, "
            f"not {chosen}; name another checkpoint or head_layer."
        )
    if not architecture.projection_size:
        return possible[-1]
    if _SUPERVISED_KERNEL in variables.trained:
        layers = [k for k in range(len(widths) - 1) if f"head_contrastive/nl_{k}/dense/kernel" in variables.trained]
        # Pre-training reaches the whole head, and its supervised head reads the features.
        found = len(layers) if len(layers) < len(widths) - 1 else 0
        return found if found in possible else possible[0]
    few_labels = re.search(r"finetuned_10?pct", variables.origin) is not None
    return 1 if few_labels and 1 in possible else possible[0]


def _tf1_name(layer: str, weight: str) -> str:
    if layer.startswith("head_supervised"):
        return f"{_SUPERVISED}/{weight}"
    head = re.fullmatch(r"head_contrastive_(nl_\d+)_(\w+)", layer)
    return f"head_contrastive/{head[1]}/{head[2]}/{weight}" if head else f"base_model/{layer}/{weight}"


def _listed(names: list[str]) -> str:
    more = len(names) - _LISTED
    return ", ".join(names[:_LISTED]) + (f" and {more} more" if more > 0 else "")


def _shape(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape)) or "scalar"
