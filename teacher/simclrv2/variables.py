"""The variables of SimCLRv2 checkpoints, under the names that google-research/simclr's TF1 code gives them."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from alzedge.errors import UserError
from alzedge.teacher.simclrv2.location import checkpoint_prefix

Shapes = Mapping[str, tuple[int, ...]]

_OBJECT_GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"
_VALUE = ".ATTRIBUTES/VARIABLE_VALUE"
# What training leaves behind: steps, the optimizers' slots, and moving averages of the weights.
_STEPS = {"global_step", "beta1_power", "beta2_power", "save_counter"}
_OPTIMIZER_SLOTS = {"Momentum", "LARSOptimizer", "Adam", "Adam_1"}
_SLOTS = {*_OPTIMIZER_SLOTS, "ExponentialMovingAverage"}
_AVERAGES = "ema_model/"
# A TF2 variable: .../conv2d_fixed_padding_3/conv2d_3/kernel, .../sync_batch_normalization_7/gamma
_TF2_NAME = re.compile(r"(?:.*/)?(?:sync_)?(conv2d|batch_normalization|dense)(?:_(\d+))?/(\w+)")
_TF2_TRAINING = re.compile(r"optimizer/|(?:global_step|save_counter)/|.*/\.OPTIMIZER_SLOT/")


@dataclass(frozen=True)
class Variables:
    """Every variable of a network, by its TF1 name.

    Attributes:
        address: where they came from, as the user wrote it.
        origin: the address and what was found there, in which Google's folder names are looked for.
        values: float32 arrays; steps, optimizer slots and moving averages of the weights are left out.
        trained: names of those that an optimizer has kept a slot for, which tell what the last training reached;
            empty where there are no slots.
    """

    address: str
    origin: str
    values: Mapping[str, NDArray[np.float32]]
    trained: frozenset[str] = frozenset()

    @property
    def shapes(self) -> Shapes:
        """The arrays' shapes."""
        return {name: value.shape for name, value in self.values.items()}


def read_variables(address: str) -> Variables:
    """Read a TF1 checkpoint, a TF1 Hub module or a TF2 SavedModel or checkpoint.

    Args:
        address: see `alzedge.teacher.simclrv2.location.checkpoint_prefix`.

    Raises:
        UserError: also when a file is damaged or a part of the checkpoint is missing.
    """
    with checkpoint_prefix(address) as prefix:
        try:
            reader = tf.train.load_checkpoint(prefix)
            stored = reader.get_variable_to_shape_map()
            keys = _tf2_keys(reader) if _OBJECT_GRAPH in stored else {n: n for n in stored if not _is_state(n, stored)}
            values = {name: np.asarray(reader.get_tensor(key), np.float32) for name, key in keys.items()}
        except (tf.errors.OpError, ValueError, RuntimeError, LookupError, TypeError, OSError) as error:
            reason = re.split(r"[\n:;]", str(error))[0]
            raise UserError(f"{address} is damaged or incomplete ({reason}); download it again.") from error
        parts = (name.rpartition("/") for name in stored)
        trained = frozenset(name for name, _, last in parts if last in _OPTIMIZER_SLOTS)
        return Variables(address, f"{address}/{prefix}", values, trained)


def _is_state(name: str, stored: Mapping[str, Any]) -> bool:
    """Whether a variable is only of use to go on training: for what it is kept is stored, too."""
    weight = name.removeprefix(_AVERAGES)
    before, _, last = weight.rpartition("/")
    weight = before if last in _SLOTS else weight
    return name in _STEPS or (weight != name and weight in stored)


def _tf2_keys(reader: Any) -> dict[str, str]:
    """Keys of an object-based checkpoint by TF1 name; variables of no known name keep their own."""
    from tensorflow.core.protobuf import trackable_object_graph_pb2

    graph = trackable_object_graph_pb2.TrackableObjectGraph.FromString(reader.get_tensor(_OBJECT_GRAPH))
    keys: dict[str, str] = {}
    for attribute in (attribute for node in graph.nodes for attribute in node.attributes):
        key = attribute.checkpoint_key
        if key.endswith(_VALUE) and not _TF2_TRAINING.match(key):
            keys[key if attribute.full_name in keys else attribute.full_name] = key
    rename = _tf1_name(list(keys))
    return {rename(name): key for name, key in keys.items()}


def _tf1_name(names: list[str]) -> Callable[[str], str]:
    """How TF2 names of one network become TF1 names.

    Both codes create layers in the same order, and Keras numbers them; only where it begins
    depends on what else the process had built.
    """
    matches = {name: match for name in names if (match := _TF2_NAME.fullmatch(name))}
    numbers: dict[str, list[int]] = {}
    for name, match in matches.items():
        if _section(name) == "base_model":
            numbers.setdefault(match[1], []).append(int(match[2] or 0))

    def rename(name: str) -> str:
        match, section = matches.get(name), _section(name)
        if match is None:
            return name
        number = int(match[2] or 0) - min(numbers[match[1]]) if section == "base_model" else 0
        return f"{section}/{match[1]}{f'_{number}' if number else ''}/{match[3]}"

    return rename


def _section(name: str) -> str:
    if "head_supervised" in name:
        return "head_supervised/linear_layer"
    layer = re.search(r"(?:^|/)(nl_\d+)/", name)
    return f"head_contrastive/{layer[1]}" if layer else "base_model"
