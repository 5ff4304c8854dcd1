"""Grad-CAM: the paper's arithmetic, and heat where the anatomy of phantoms was changed."""

from dataclasses import replace

import keras
import numpy as np
import pytest

from alzedge.data.dataset import DataSet
from alzedge.imaging.phantoms import draw_anatomy, draw_slice
from alzedge.imaging.preprocessing import Preprocessing
from alzedge.imaging.slices import HEIGHT, WIDTH
from alzedge.runs.recipe import TeacherRecipe
from alzedge.teacher.gradcam import grad_cam, grad_cam_picture, share_inside
from alzedge.teacher.networks.heads import classifier
from alzedge.teacher.networks.resnet import resnet


def test_heat_is_the_paper_s_formula_where_it_can_be_reckoned_by_hand() -> None:
    """Behind global average pooling and a dense layer the mean gradient is the dense weight over the map's size."""
    keras.utils.set_random_seed(0)
    model = classifier(resnet(TeacherRecipe(width=0.0625), (104, 88, 1)), 0)
    images = np.random.default_rng(0).random((2, 104, 88, 1), dtype=np.float32)
    pooled = model.get_layer("final_avg_pool")
    maps = keras.Model(model.input, pooled.input).predict_on_batch(images)
    weights = model.layers[-1].get_weights()[0][:, 2] / (maps.shape[1] * maps.shape[2])
    np.testing.assert_allclose(grad_cam(model, images, 2), np.maximum(maps @ weights, 0), rtol=1e-4, atol=1e-7)
    assert grad_cam(model, images, 2, rows=13).shape[1] == 13


def test_share_of_heat_in_a_region() -> None:
    heat = np.zeros((8, 8), np.float32)
    left = np.zeros((HEIGHT, WIDTH), np.bool_)
    left[:, : WIDTH // 2] = True
    assert share_inside(heat, left) == 0
    assert share_inside(heat + 1, left) == pytest.approx(0.5)
    heat[:, 0] = 1
    assert share_inside(heat, left) == 1


def test_the_picture_shows_slice_and_heat() -> None:
    keras.utils.set_random_seed(0)
    model = classifier(resnet(TeacherRecipe(width=0.0625), (52, 44, 1)), 0)
    pixels = np.full((HEIGHT, WIDTH), 90, np.uint8)
    picture = grad_cam_picture(model, Preprocessing(4)(pixels[None])[0], pixels, 3)
    assert picture.width > 2 * WIDTH and len(picture.getcolors(10**6)) > 3


@pytest.mark.slow
def test_a_teacher_of_phantoms_looks_where_they_were_changed(phantoms: DataSet) -> None:
    """The same person with little and with much fluid: heat for the worst stage lies where the two differ."""
    from alzedge.data.phantom_set import make_phantoms

    shrink = Preprocessing(2)
    dataset = make_phantoms(60, 8)
    keras.utils.set_random_seed(0)
    model = classifier(resnet(TeacherRecipe(width=0.125), shrink.input_shape), 0)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(2e-3), loss, jit_compile=False)
    model.fit(shrink(dataset.images), dataset.labels, batch_size=32, epochs=12, verbose=0)
    slices, regions = [], []
    for seed in range(20):
        person = draw_anatomy(3, np.random.default_rng([99, seed]))
        sick, well = (
            draw_slice(replace(person, fluid=fluid), 0.55, np.random.default_rng(seed)) for fluid in (0.9, 0.1)
        )
        slices.append(sick)
        regions.append(np.abs(sick.astype(int) - well) > 60)
    heat = grad_cam(model, shrink(np.stack(slices)), 3, rows=26)
    random_maps = np.random.default_rng(0).random(heat.shape, dtype=np.float32)
    inside, chance = (
        np.array([share_inside(one, region) for one, region in zip(maps, regions, strict=True)])
        for maps in (heat, random_maps)
    )
    print(f"heat inside the changed region {inside.mean():.3f}, of a random map {chance.mean():.3f}")
    assert inside.mean() > 1.3 * chance.mean() and np.mean(inside > chance) > 0.75
