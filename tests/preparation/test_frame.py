"""The frame, its template, and which way up slices are."""

import numpy as np
import pytest

from alzedge.preparation import frame
from alzedge.preparation.brightness import WHITE, stretched
from alzedge.preparation.upright import WayUp, turned_upright, way_up


def average_slice(level: int) -> np.ndarray:
    template = frame.load_template()
    k = frame.FIRST_LEVEL + level - 1
    plane = template.brain[:, :, k // 2].T.repeat(2, 0).repeat(2, 1)
    return stretched(plane, template.mask[:, :, k].T)


def test_levels_lie_one_millimetre_apart_and_posterior_is_the_first_row() -> None:
    corner = frame.affine() @ [0, 0, frame.FIRST_LEVEL, 1]
    assert corner[2] == frame.height_of(1) == 0
    assert frame.level_of(frame.height_of(32)) == 32
    opposite = frame.affine() @ [175, 207, 106, 1]
    assert opposite[1] > corner[1]  # anterior is down
    assert opposite[0] < corner[0]  # the person's right is in column 0
    assert opposite[2] == frame.height_of(32)


def test_the_template_is_an_average_brain_inside_its_mask() -> None:
    template = frame.load_template()
    assert template.mask.shape == frame.SHAPE
    assert 1500 < template.mask.sum() / 1000 < 2000, "millilitres"
    assert template.brain.shape == tuple(side // 2 for side in frame.SHAPE)
    assert 0.9 < np.percentile(template.brain[template.brain > 0], 95) < 1.2
    # Its voxels of 2 mm lie where those of 1 mm do.
    inside = template.mask.reshape(88, 2, 104, 2, 88, 2).mean(axis=(1, 3, 5))
    assert np.corrcoef(inside.ravel(), (template.brain > 0.1).ravel())[0, 1] > 0.95


def test_the_midline_is_column_87() -> None:
    mask = frame.load_template().mask[:, :, list(frame.level_slices())]
    columns = np.argwhere(mask)[:, 0]
    assert columns.mean() == pytest.approx(86.8, abs=1)


@pytest.mark.parametrize("level", [1, 12, 24, 32])
def test_a_turned_slice_is_recognised(level: int) -> None:
    upright = average_slice(level)
    square = np.pad(upright, ((0, 0), (16, 16)))
    assert way_up(upright) is WayUp.POSTERIOR
    assert way_up(upright[:, ::-1]) is WayUp.POSTERIOR
    assert way_up(upright[::-1]) is WayUp.ANTERIOR
    assert way_up(np.rot90(square, 1)[:, 16:-16]) is WayUp.QUARTER_LEFT
    assert way_up(np.rot90(square, -1)[:, 16:-16]) is WayUp.QUARTER_RIGHT
    assert np.array_equal(turned_upright(upright[None, ::-1])[0], upright)


def test_what_is_no_brain_is_not_called_turned() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (208, 176), dtype=np.uint8)
    assert way_up(noise) is WayUp.POSTERIOR


def test_white_matter_is_stretched_to_the_same_grey_whatever_the_gain() -> None:
    plane = np.random.default_rng(0).uniform(0.1, 1, (208, 176)).astype(np.float32)
    mask = np.zeros((208, 176), bool)
    mask[40:160, 40:140] = True
    once, more = stretched(plane, mask), stretched(4 * plane, mask)
    assert np.array_equal(once, more)
    assert np.percentile(once[mask], 90) == pytest.approx(WHITE, abs=1)
    assert not once[~mask].any()
