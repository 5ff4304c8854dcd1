"""Checkpoints as Google lays them out, with weights that are a function of their names (tests/reference/regenerate.py)."""

import copy
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

REFERENCE = Path(__file__).parents[1] / "reference"
sys.path.insert(0, str(REFERENCE))
import regenerate

Spec = dict[str, Any]


def load_spec(name: str) -> Spec:
    spec = json.loads((REFERENCE / f"{name}.json").read_text())
    if spec["kind"] == "tf1":
        # As run.py at 383d414 exports what was fine-tuned: without the projection head.
        weights = [v["name"] for v in spec["variables"] if v["group"] in ("trainable", "moving")]
        spec["hub_variables"] = [name for name in weights if not name.startswith("head_contrastive")]
    return spec


def narrowed(spec: Spec, by: int = 16) -> Spec:
    """The same network with fewer channels, classes and projections: kilobytes instead of megabytes."""
    spec = copy.deepcopy(spec)
    for variable in spec["variables"]:
        variable["shape"] = [size // by if size >= 64 else size for size in variable["shape"]]
    return spec


def without(spec: Spec, *beginnings: str) -> Spec:
    spec = copy.deepcopy(spec)
    spec["variables"] = [v for v in spec["variables"] if not v["name"].startswith(beginnings)]
    return spec


def write_layout(layout: str, out: Path, tf1: Spec, tf2: Spec | None = None) -> Path:
    if layout == "ckpt":
        regenerate.write_ckpt(tf1, str(out))
    elif layout == "hub":
        regenerate.write_hub(tf1, str(out))
    else:
        write_tf2(tf2, out)
    return out


def write_tf2(spec: Spec, out: Path) -> None:
    """A SavedModel of variables with the keys and names of `spec`, as `run.py: build_saved_model` in tf2/ gives them."""
    nodes: dict[tuple[str, ...], Any] = {(): tf.Module()}
    for key, name, value, trainable in regenerate.iter_tf2(spec):
        *path, leaf = key.removesuffix("/.ATTRIBUTES/VARIABLE_VALUE").split("/")
        for i in range(len(path)):
            below = tuple(path[: i + 1])
            if below not in nodes:
                nodes[below] = tf.Module()
                nodes[below[:-1]]._track_trackable(nodes[below], below[-1])
        nodes[tuple(path)]._track_trackable(tf.Variable(value, trainable=trainable, name=name), leaf)
    tf.saved_model.save(nodes[()], str(out))


def assert_close(outputs: dict[str, Any], expected: dict[str, np.ndarray]) -> None:
    """Equal to 1e-4 of the largest value, and nothing missing or added."""
    assert set(outputs) == set(expected)
    for name, values in expected.items():
        scale = np.abs(values).max()
        np.testing.assert_allclose(np.asarray(outputs[name]) / scale, values / scale, atol=1e-4, err_msg=name)
