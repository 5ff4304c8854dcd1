"""The encoder's sizes are the published ones; that its outputs are the original's, see test_simclr.py."""

import pytest

from alzedge.runs.recipe import TeacherRecipe
from alzedge.teacher.networks.heads import classifier
from alzedge.teacher.networks.resnet import resnet


@pytest.mark.parametrize(
    ("depth", "width", "selective", "features", "millions"),
    # Parameters as in table 1 of arXiv:2006.10029 (ResNet-50: 24 and 94 million, with selective kernels 35 million).
    [
        (18, 1.0, False, 512, 11.2),
        (18, 1.0, True, 512, 11.2),
        (34, 1.0, False, 512, 21.3),
        (50, 1.0, True, 2048, 35.3),
        (50, 2.0, False, 4096, 94.0),
    ],
)
def test_size_of_the_published_depths_and_widths(
    depth: int, width: float, selective: bool, features: int, millions: float
) -> None:
    encoder = resnet(TeacherRecipe(depth=depth, width=width, selective_kernels=selective), (224, 224, 3))
    assert encoder.output_shape == (None, features)
    assert encoder.count_params() / 1e6 == pytest.approx(millions, abs=0.1)


@pytest.mark.parametrize("head_layer", [0, 1, 2])
def test_linear_head_sits_on_the_chosen_layer(head_layer: int) -> None:
    encoder = resnet(TeacherRecipe(depth=18, width=0.0625), (52, 44, 1))
    model = classifier(encoder, head_layer)
    assert model.output_shape == (None, 4)
    assert sum(layer.name.endswith("_dense") for layer in model.layers) == head_layer
