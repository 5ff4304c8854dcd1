"""The training loop repeats itself and goes on where it was stopped; schedules and views do what they say."""

import shutil
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from alzedge.data.dataset import DataSet
from alzedge.errors import UserError
from alzedge.imaging.preprocessing import Preprocessing
from alzedge.runs.recipe import AugmentRecipe, PretrainRecipe, Recipe, StudentRecipe, TeacherRecipe, TrainingRecipe
from alzedge.runs.recipe_file import load_recipe
from alzedge.student.model import build_student
from alzedge.teacher.pretrain import pretrain
from alzedge.teacher.training.augment import apply_views, draw_views
from alzedge.teacher.training.loop import EarlyStopping, fit, set_seed
from alzedge.teacher.training.sampling import shuffled
from alzedge.teacher.training.schedules import learning_rates
from alzedge.utils.progress import OnStep, Step, quiet

RECIPE = TrainingRecipe(epochs=3, batch_size=8, learning_rate=1e-2)
IMAGES = np.random.default_rng(0).random((32, 12, 10, 1), dtype=np.float32)
LABELS = np.arange(32) % 4

Trained = tuple[list[np.ndarray], list[float]]


class Killed(BaseException):
    """Stands for whatever ends a process."""


def small_network() -> keras.Model:
    """Everything whose state a checkpoint must hold, in a network that TensorFlow traces quickly."""
    layers = keras.layers
    x = images = keras.Input(IMAGES.shape[1:])
    x = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(4, 3, strides=2)(x)))
    return keras.Model(images, layers.Dense(4)(layers.GlobalAveragePooling2D()(x)))


def train(checkpoint: Path, on_step: OnStep = quiet, **settings: object) -> Trained:
    set_seed(3)
    model = small_network()
    recipe = replace(RECIPE, **settings)  # type: ignore[arg-type]
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    draw = shuffled(np.arange(32), 3)
    history = fit(model, loss, recipe, lambda index, epoch: (IMAGES[index], LABELS[index]), draw, checkpoint, on_step)
    return model.get_weights(), history


def killed_at(stop_at: int) -> OnStep:
    def on_step(step: Step) -> None:
        if step.step == stop_at:
            raise Killed

    return on_step


def kept_at(step_number: int, checkpoint: Path, copy: Path) -> OnStep:
    """Copies the checkpoint that a kill at this step would leave."""

    def on_step(step: Step) -> None:
        if step.step == step_number:
            shutil.copy(checkpoint, copy)

    return on_step


def assert_equal_weights(got: list[np.ndarray], want: list[np.ndarray]) -> None:
    for ours, theirs in zip(got, want, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    return train(tmp_path_factory.mktemp("whole") / "whole.npz")


def test_stopped_training_ends_with_the_same_bits(undisturbed: Trained, tmp_path: Path) -> None:
    expected, losses = undisturbed
    for stop in (6, 12):  # amid an epoch, and before the last one is written
        with pytest.raises(Killed):
            train(tmp_path / "parts.npz", killed_at(stop))
    steps: list[Step] = []
    weights, history = train(tmp_path / "parts.npz", steps.append)
    assert history == losses and steps[0].step == 9  # two of three epochs of four steps are not trained again
    assert_equal_weights(weights, expected)


@pytest.mark.parametrize(
    "settings",
    [{"optimizer": "lars"}, {"optimizer": "sgd", "sam_rho": 0.1}, {"precision": "bfloat16"}],
    ids=["lars", "sam", "bfloat16"],
)
def test_other_ways_of_training_move_the_weights_and_resume_to_the_bit(
    undisturbed: Trained, tmp_path: Path, settings: dict[str, object]
) -> None:
    whole, parts = tmp_path / "whole.npz", tmp_path / "parts.npz"
    expected, losses = train(whole, kept_at(6, whole, parts), **settings)
    steps: list[Step] = []
    weights, history = train(parts, steps.append, **settings)
    assert steps[0].step == 5
    _, plain_losses = undisturbed
    assert history == losses != plain_losses
    assert all(weight.dtype == np.float32 for weight in weights)
    assert_equal_weights(weights, expected)
    if "precision" in settings:  # the same training but for rounding
        np.testing.assert_allclose(losses, plain_losses, rtol=0.05)


def test_training_stops_when_the_validation_loss_no_longer_falls_and_keeps_the_best(tmp_path: Path) -> None:
    # The validation images have the wrong labels, so that their loss rises while the training's falls.
    images = np.concatenate([IMAGES, IMAGES])
    labels = np.concatenate([LABELS, (LABELS + 1) % 4])
    images[np.arange(64), :4, :4, 0] = labels[:, np.newaxis, np.newaxis]

    def run(checkpoint: Path, epochs: int, on_step: OnStep = quiet) -> Trained:
        set_seed(0)
        model = small_network()
        recipe = TrainingRecipe(epochs=epochs, batch_size=8, learning_rate=0.05, schedule="constant", warmup=0)
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        stopping = EarlyStopping(np.arange(32, 64), patience=2)
        draw = shuffled(np.arange(32), 0)
        batches = lambda index, epoch: (images[index], labels[index])
        history = fit(model, loss, recipe, batches, draw, checkpoint, on_step, stopping)
        return model.get_weights(), history

    folder = tmp_path / "each"
    folder.mkdir()

    def keep_each(step: Step) -> None:
        if step.step > 4:  # the first epoch is on the disk
            shutil.copy(tmp_path / "a.npz", folder / f"{step.step}.npz")

    weights, history = run(tmp_path / "a.npz", 40, keep_each)
    with np.load(tmp_path / "a.npz") as saved:
        unseen = saved["unseen"].tolist()
    best = int(np.argmin(unseen))
    assert len(history) == len(unseen) == best + 4 < 40
    kept, _ = run(tmp_path / "b.npz", best + 1)
    assert_equal_weights(weights, kept)
    resumed, losses = run(folder / f"{4 * (best + 2) + 1}.npz", 40)  # killed while it waited for a lower loss
    assert losses == history
    assert_equal_weights(resumed, weights)


def test_no_epochs_change_nothing(tmp_path: Path) -> None:
    set_seed(3)
    fresh = small_network().get_weights()
    weights, history = train(tmp_path / "c.npz", epochs=0)
    assert history == []
    assert_equal_weights(weights, fresh)


def test_a_diverging_loss_is_an_error_that_names_the_cure(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="lower learning_rate"):
        train(tmp_path / "c.npz", learning_rate=float("nan"))


def test_a_batch_larger_than_the_data_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="batch_size 64 is larger than the 32 training images"):
        fit(None, None, TrainingRecipe(batch_size=64), lambda i, e: (i, i), shuffled(np.arange(32), 0), tmp_path / "c")


def test_schedule_warms_up_and_falls_along_a_cosine() -> None:
    schedule = learning_rates(TrainingRecipe(learning_rate=0.5, warmup=0.1), 100)
    assert [float(schedule(step)) for step in (0, 5, 10)] == pytest.approx([0, 0.25, 0.5])
    expected = [0.25 * (1 + np.cos(np.pi * (step - 10) / 90)) for step in (20, 55, 100)]
    assert [float(schedule(step)) for step in (20, 55, 100)] == pytest.approx(expected, abs=1e-6)
    assert float(learning_rates(TrainingRecipe(learning_rate=0.5, warmup=0), 100)(0)) == 0.5


def test_the_view_without_change_is_the_image() -> None:
    still = AugmentRecipe(rotation=0, zoom=0, shift=0, gain=0, gamma=0, flip=False)
    np.testing.assert_allclose(apply_views(IMAGES, draw_views(still, 32, [0])), IMAGES, atol=1e-5)


def test_mirrored_view_is_the_mirror_image() -> None:
    mirror = AugmentRecipe(rotation=0, zoom=0, shift=0, gain=0, gamma=0, flip=True)
    views = draw_views(mirror, 32, [0])
    flipped = views[:, 4] < 0
    assert 5 < flipped.sum() < 27
    got = apply_views(IMAGES, views)
    np.testing.assert_allclose(got[flipped], IMAGES[flipped, :, ::-1], atol=1e-4)
    np.testing.assert_allclose(got[~flipped], IMAGES[~flipped], atol=1e-4)


def test_shift_and_rotation_move_a_dot_where_they_should() -> None:
    image = np.zeros((1, 51, 51, 1), np.float32)
    image[0, 25, 35] = 1  # ten pixels right of the centre
    still = AugmentRecipe(rotation=0, zoom=0, shift=0, gain=0, gamma=0, flip=False)
    view = draw_views(still, 1, [0])
    quarter, right = view.copy(), view.copy()
    quarter[0, 0] = np.pi / 2
    right[0, 2] = 5 / 51
    assert np.unravel_index(apply_views(image, quarter)[0, ..., 0].argmax(), (51, 51)) == (15, 25)
    assert np.unravel_index(apply_views(image, right)[0, ..., 0].argmax(), (51, 51)) == (25, 30)


def test_views_depend_on_their_seed_alone() -> None:
    recipe = load_recipe("cpu").augment
    np.testing.assert_array_equal(draw_views(recipe, 8, [1, 2]), draw_views(recipe, 8, [1, 2]))
    assert not np.array_equal(draw_views(recipe, 8, [1, 2]), draw_views(recipe, 8, [1, 3]))
    assert apply_views(IMAGES, draw_views(recipe, 32, [1])).min() >= 0


def test_views_of_another_scanner_blur_shade_and_sprinkle() -> None:
    still = AugmentRecipe(rotation=0, zoom=0, shift=0, gain=0, gamma=0, flip=False)
    grey = np.zeros((64, 21, 21, 1), np.float32)
    grey[:, 5:16, 5:16] = 0.5

    def seen(**settings: float) -> np.ndarray:
        return apply_views(grey, draw_views(replace(still, **settings), 64, [3]))

    blurred, shaded, sprinkled = seen(blur=1.0), seen(bias=0.3), seen(noise=0.05)
    assert blurred[:, 4, 10].max() > 0.05 and blurred[:, 10, 10] == pytest.approx(0.5)
    assert np.ptp(shaded[:, 5:16, 5:16], axis=(1, 2)).min() > 0 and not shaded[:, :5].any()
    deviation = (sprinkled - grey)[:, 5:16, 5:16].std(axis=(1, 2, 3))
    assert 0.015 < deviation.mean() < 0.035 and deviation.max() < 0.06 and not sprinkled[:, :5].any()
    tall = apply_views(grey, draw_views(replace(still, aspect=0.5), 64, [3]))
    heights, widths = ((tall > 0.25).any(axis).sum(axis=1)[:, 0] for axis in (2, 1))
    assert np.ptp(heights) >= 4 and np.ptp(widths) <= 2


def test_the_student_is_three_blocks_and_two_dense_layers() -> None:
    model = build_student(StudentRecipe(), (104, 88, 1))
    kinds = [type(layer).__name__ for layer in model.layers]
    assert kinds == [
        "InputLayer",
        *["Conv2D", "BatchNormalization", "ReLU", "MaxPooling2D"] * 3,
        "GlobalAveragePooling2D",
        *["Dense"] * 2,
    ]


@pytest.mark.slow
def test_positives_may_be_neighbouring_slices(phantoms: DataSet, tmp_path: Path) -> None:
    recipe = Recipe(
        preprocessing=Preprocessing(shrink=4),
        teacher=TeacherRecipe(width=0.0625),
        pretrain=PretrainRecipe(epochs=2, batch_size=32),
    )
    images = recipe.preprocessing(phantoms.images)
    found = {}
    for reach in (0, 1, 4):
        own = replace(recipe, pretrain=replace(recipe.pretrain, reach=reach))
        checkpoint = tmp_path / f"{reach}.npz"
        _, found[reach] = pretrain(images, own, checkpoint, people=phantoms.subject, places=phantoms.slice)
    assert np.isfinite(list(found.values())).all()
    # Pairs of different slices are farther apart than two views of one.
    assert found[4][-1] > found[0][-1] and found[1] != found[4]
