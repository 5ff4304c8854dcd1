"""The networks to compare with are teachers as the ResNet is one: same inputs, same phases, same files."""

from dataclasses import replace
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest

from alzedge.data.dataset import DataSet
from alzedge.errors import UserError
from alzedge.imaging.preprocessing import Preprocessing
from alzedge.runs.recipe import TeacherRecipe
from alzedge.runs.recipe_file import load_recipe
from alzedge.teacher.finetune import build_teacher, finetune
from alzedge.teacher.networks.backbones import build_encoder
from alzedge.teacher.pretrain import pretrain


@pytest.mark.parametrize(
    ("architecture", "width"),
    [("vgg19", 512), ("mobilenet", 1024)]
    + [
        pytest.param(*large, marks=pytest.mark.slow)
        for large in (("efficientnet-b1", 1280), ("inception-resnet-v2", 1536))
    ],
)
def test_networks_turn_grey_slices_into_features(architecture: str, width: int) -> None:
    encoder = build_encoder(TeacherRecipe(architecture=architecture), (104, 88, 1))
    assert encoder.input_shape == (None, 104, 88, 1) and encoder.output_shape == (None, width)
    norms = [layer for layer in encoder.layers if isinstance(layer, keras.layers.BatchNormalization)]
    assert all(layer.momentum <= 0.9 for layer in norms)  # 0.999 would need thousands of steps


@pytest.mark.slow
def test_the_largest_network_builds() -> None:
    assert build_encoder(TeacherRecipe(architecture="efficientnet-b7"), (52, 44, 1)).output_shape == (None, 2560)


def test_inputs_are_scaled_as_the_published_weights_expect() -> None:
    """`keras.applications` says what it expects by its own function; RGB is asked for, grey is given."""
    grey = np.random.default_rng(0).random((1, 32, 32, 1), dtype=np.float32)
    rgb = np.repeat(255 * grey, 3, axis=-1)
    for architecture, expected in (
        ("vgg19", keras.applications.vgg19.preprocess_input(rgb.copy())),
        ("mobilenet", keras.applications.mobilenet.preprocess_input(rgb.copy())),
    ):
        encoder = build_encoder(TeacherRecipe(architecture=architecture), (32, 32, 1))
        scaled = keras.Model(encoder.input, encoder.get_layer("as_published").output)
        np.testing.assert_allclose(scaled.predict_on_batch(grey), expected, atol=1e-3)


def test_weights_come_from_a_file_and_a_file_of_another_network_is_refused(tmp_path: Path) -> None:
    published = keras.applications.MobileNet(include_top=False, weights=None, input_shape=(32, 32, 3))
    path = tmp_path / "mobilenet_notop.weights.h5"
    published.save_weights(path)
    encoder = build_encoder(TeacherRecipe(architecture="mobilenet", weights=str(path)), (32, 32, 1))
    np.testing.assert_array_equal(
        encoder.get_layer("conv1").get_weights()[0], published.get_layer("conv1").get_weights()[0]
    )
    with pytest.raises(UserError, match=r"of vgg19 cannot be had or do not fit.*name a file"):
        build_encoder(TeacherRecipe(architecture="vgg19", weights=str(path)), (32, 32, 1))
    # All layers but one, and the first half of them.
    with h5py.File(path, "a") as file:
        del file["layers/batch_normalization_12"]
    part = keras.Model(published.input, published.layers[len(published.layers) // 2].output)
    part.save_weights(tmp_path / "part.weights.h5")
    for partly in (path, tmp_path / "part.weights.h5"):
        with pytest.raises(UserError, match=r"of mobilenet cannot be had or do not fit \(.*could not be loaded\)"):
            build_encoder(TeacherRecipe(architecture="mobilenet", weights=str(partly)), (32, 32, 1))
    with pytest.raises(UserError, match="is not a file"):
        TeacherRecipe(architecture="mobilenet", weights=str(tmp_path / "absent.h5"))


@pytest.mark.slow
def test_moving_averages_follow_within_some_hundred_steps() -> None:
    """Small data sets have no ImageNet's number of steps: what is learned must show outside training."""
    coarse = np.random.default_rng(0).random((32, 4, 4, 1), dtype=np.float32)
    images = np.kron(coarse, np.ones((1, 8, 8, 1), np.float32))
    encoder = build_encoder(TeacherRecipe(architecture="mobilenet"), (32, 32, 1))
    encoder.compile(keras.optimizers.SGD(0.0), "mse")
    for _ in range(300):
        encoder.train_on_batch(images, np.zeros((32, 1024), np.float32))
    trained, used = (np.asarray(encoder(images, training=training)) for training in (True, False))
    assert np.abs(used - trained).mean() < 0.05 * np.abs(trained).mean()


def test_slices_too_small_for_a_network_are_refused() -> None:
    with pytest.raises(UserError, match="lower preprocessing.shrink"):
        build_encoder(TeacherRecipe(architecture="inception-resnet-v2"), (52, 44, 1))


@pytest.mark.slow
def test_a_mobilenet_is_trained_from_scratch_without_labels_or_with_them_only(
    tmp_path: Path, phantoms: DataSet, tiny_recipe: Path
) -> None:
    recipe = load_recipe(str(tiny_recipe))
    recipe = replace(
        recipe,
        preprocessing=Preprocessing(4),
        teacher=TeacherRecipe(architecture="mobilenet"),
        pretrain=replace(recipe.pretrain, epochs=0),
        finetune=replace(recipe.finetune, epochs=1),
    )
    few = phantoms.take(np.arange(0, 100, 3))
    images, people = recipe.preprocessing(few.images), few.subject
    encoder, losses = pretrain(images, recipe, tmp_path / "a.npz", people=people)
    before = encoder.get_layer("conv1").get_weights()[0]
    model, history = finetune(encoder, images, few.labels, recipe, tmp_path / "b.npz", people=people)
    assert losses == [] and len(history) == 1
    assert model.output_shape == build_teacher(recipe, images.shape[1:]).output_shape == (None, 4)
    assert np.any(model.get_layer("conv1").get_weights()[0] != before)
