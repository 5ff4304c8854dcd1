"""A data set of phantoms, split as the Kaggle set is."""

import numpy as np

from alzedge.data.dataset import DataSet
from alzedge.imaging.phantoms import draw_anatomy, draw_slice
from alzedge.imaging.slices import HEIGHT, WIDTH
from alzedge.stages import STAGES


def make_phantoms(subjects: int, slices: int, seed: int = 0) -> DataSet:
    """Draw a data set of phantoms.

    Stages are dealt evenly. The split imitates the Kaggle set's: the last fifth of
    *every* person's slices is called test, so that the `official` split leaks people here
    as it does there, and the `subject` split does not.

    Args:
        subjects: number of people; person k is the same whatever the number.
        slices: slices per person, from below to above the ventricles.
        seed: of all random numbers.

    Returns:
        `subjects * slices` slices, ordered by stage, person and slice.
    """
    order = sorted(range(subjects), key=lambda k: (k % len(STAGES), k))
    names = [f"phantom-{k + 1:03d}" for k in order]
    images = np.empty((subjects * slices, HEIGHT, WIDTH), np.uint8)
    for row, k in enumerate(order):
        rng = np.random.default_rng([seed, k])
        anatomy = draw_anatomy(k % len(STAGES), rng)
        for s in range(slices):
            images[row * slices + s] = draw_slice(anatomy, (s + 0.5) / slices, rng)
    labels = np.repeat([k % len(STAGES) for k in order], slices).astype(np.int64)
    position = np.tile(np.arange(1, slices + 1), subjects).astype(np.int64)
    split = np.where(position > slices - max(1, slices // 5), "test", "train")
    subject = np.repeat(names, slices)
    paths = [
        f"{which}/{STAGES[label]}/{name}-{s:02d}.png"
        for which, label, name, s in zip(split, labels, subject, position, strict=True)
    ]
    return DataSet("phantoms", images, labels, subject, position, split, np.array(paths), synthetic=True)
