"""A data set of phantoms, split as the Kaggle set is."""

import numpy as np

from alzedge.data.dataset import DataSet
from alzedge.imaging.phantoms import brain_share, draw_anatomy, draw_slice
from alzedge.imaging.slices import HEIGHT, WIDTH
from alzedge.stages import STAGES

PHANTOMS = "phantoms"
# Years of a person without CSF, years that widest CSF adds, and their standard deviation among people alike.
_YOUNG, _YEARS, _SPREAD = 42.0, 48.0, 4.0
# Height in mm of the frame of a phantom's lower end, and its length, so that the ventricles lie where a head's do.
_FOOT_MM, _LENGTH_MM = -14.0, 55.0


def make_phantoms(subjects: int, slices: int, seed: int = 0) -> DataSet:
    """Draw a data set of phantoms.

    Stages are dealt evenly. The split imitates the Kaggle set's: the last fifth of
    *every* person's slices is called test, so that the `official` split leaks people here
    as it does there, and the `subject` split does not. `nwbv` is the drawn share of brain,
    `age` grows with the drawn CSF, `sex` shows nowhere.

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
    measured = np.empty((subjects, 2))  # age, nwbv
    places = (np.arange(slices) + 0.5) / slices
    for row, k in enumerate(order):
        rng = np.random.default_rng([seed, k])
        anatomy = draw_anatomy(k % len(STAGES), rng)
        for s, place in enumerate(places):
            images[row * slices + s] = draw_slice(anatomy, float(place), rng)
        years = _YOUNG + _YEARS * anatomy.csf + _SPREAD * np.random.default_rng([seed, k, 1]).normal()
        measured[row] = round(years, 1), round(brain_share(anatomy), 4)
    labels = np.repeat([k % len(STAGES) for k in order], slices).astype(np.int64)
    position = np.tile(np.arange(1, slices + 1), subjects).astype(np.int64)
    split = np.where(position > slices - max(1, slices // 5), "test", "train")
    subject = np.repeat(names, slices)
    paths = [
        f"{which}/{STAGES[label]}/{name}-{s:02d}.png"
        for which, label, name, s in zip(split, labels, subject, position, strict=True)
    ]
    return DataSet(
        PHANTOMS,
        images,
        labels,
        subject,
        position,
        split,
        np.array(paths),
        source=np.full(len(images), PHANTOMS),
        scan=subject.copy(),
        height=np.tile(np.round(_FOOT_MM + _LENGTH_MM * places, 2), subjects),
        age=np.repeat(measured[:, 0], slices),
        sex=np.repeat([_sex(seed, k) for k in order], slices),
        nwbv=np.repeat(measured[:, 1], slices),
        synthetic=True,
    )


def _sex(seed: int, person: int) -> str:
    return "FM"[int(np.random.default_rng([seed, person, 2]).integers(2))]
