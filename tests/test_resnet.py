"""The encoder and its heads give the original's outputs with the original's weights."""

import json
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from alzedge.recipe import TeacherRecipe
from alzedge.teacher.heads import classifier, projection_head
from alzedge.teacher.resnet import resnet

REFERENCE = Path(__file__).parent / "reference"
sys.path.insert(0, str(REFERENCE))
import regenerate

OUTPUTS = np.load(REFERENCE / "reference_r18_1x_sk0.npz")
VARIABLES = json.loads((REFERENCE / "variables_r18_1x_sk0.json").read_text())["variables"]


def load_reference_weights(model: keras.Model) -> set[str]:
    """Set each variable by the original's name; returns the names that found no place."""
    ours = {f"{layer.name}/{weight.path.split('/')[-1]}": weight for layer in model.layers for weight in layer.weights}
    unused = set()
    for entry in VARIABLES:
        name = entry["name"].removeprefix("base_model/").replace("head_contrastive/nl_", "head_contrastive_nl_")
        layer, _, leaf = name.rpartition("/")
        weight = ours.pop(f"{layer.replace('/', '_')}/{leaf}", None)
        if weight is None:
            unused.add(entry["name"])
        else:
            weight.assign(regenerate.value_for(entry["name"], entry["shape"]))
    assert not ours, f"not in the original: {sorted(ours)}"
    return unused


@pytest.mark.parametrize("batch", ["a", "b"])
def test_features_and_projections_are_the_original_s(batch: str) -> None:
    images = regenerate.reference_images(batch)
    encoder = resnet(TeacherRecipe(18, 1.0), images.shape[1:])
    model = keras.Model(encoder.input, projection_head(encoder.output))
    unused = load_reference_weights(model)
    assert all(name.startswith(("head_supervised", "global_step")) or name.endswith("Momentum") for name in unused)
    for i, output in enumerate(model(images, training=False)):
        expected = OUTPUTS[f"{batch}__proj_{i}"]
        scale = np.abs(expected).max()
        np.testing.assert_allclose(np.asarray(output) / scale, expected / scale, atol=1e-4)


@pytest.mark.parametrize(
    ("depth", "width", "features", "millions"),
    # Parameters as in table 1 of arXiv:2006.10029 (ResNet-50: 24 and 94 million).
    [(18, 1.0, 512, 11.2), (34, 1.0, 512, 21.3), (50, 1.0, 2048, 23.5), (50, 2.0, 4096, 94.0)],
)
def test_size_of_the_published_depths_and_widths(depth: int, width: float, features: int, millions: float) -> None:
    encoder = resnet(TeacherRecipe(depth, width), (224, 224, 3))
    assert encoder.output_shape == (None, features)
    assert encoder.count_params() / 1e6 == pytest.approx(millions, abs=0.1)


@pytest.mark.parametrize("head_layer", [0, 1, 2])
def test_linear_head_sits_on_the_chosen_layer(head_layer: int) -> None:
    encoder = resnet(TeacherRecipe(18, 0.0625), (52, 44, 1))
    model = classifier(encoder, head_layer)
    assert model.output_shape == (None, 4)
    assert sum(layer.name.endswith("_dense") for layer in model.layers) == head_layer
