"""From a slice to the network's input; the same few lines in training and on the device."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alzedge.errors import UserError
from alzedge.imaging.slices import HEIGHT, WIDTH
from alzedge.imaging.steps import RESIZED, STEPS, apply_steps, check_steps, lookup_of

_WHITE = 255


@dataclass(frozen=True)
class Preprocessing:
    """Named steps, if any; then shrink by block means and divide by 255: inputs lie between 0 and 1.

    Block means in whole numbers need no image library and give the same bits in every
    language: `(sum of block + area // 2) // area`.

    Attributes:
        shrink: side of the square blocks, 1, 2 or 4 pixels.
        steps: names from `alzedge.imaging.steps.STEPS`, in the order of application.
    """

    shrink: int = 2
    steps: tuple[str, ...] = field(default=(), metadata={"choices": tuple(STEPS)})

    def __post_init__(self) -> None:
        if self.shrink not in (1, 2, 4):
            raise UserError(f"preprocessing.shrink: expected 1, 2 or 4, got {self.shrink!r}.")
        check_steps(self.steps)

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Rows, columns and channels of the network's input."""
        rows, columns = (RESIZED, RESIZED) if "resize256" in self.steps else (HEIGHT, WIDTH)
        return rows // self.shrink, columns // self.shrink, 1

    def __call__(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Preprocess slices.

        Args:
            images: uint8 (N, 208, 176).

        Returns:
            float32 (N, 208 / shrink, 176 / shrink, 1), 0 to 1; after `resize256` 256 / shrink both ways.
        """
        rows, columns, _ = self.input_shape
        slices = images.reshape(-1, HEIGHT, WIDTH)
        means = np.empty((len(slices), rows, columns), np.uint16)
        # One by one: a slice and all that is made of it lie in the cache.
        for row in range(len(slices)):
            pixels = apply_steps(slices[row : row + 1], self.steps)
            means[row] = (_block_means(pixels, self.shrink) if self.shrink > 1 else pixels)[0]
        inputs = means.astype(np.float32)
        inputs /= np.float32(_WHITE)
        return inputs[..., np.newaxis]

    def to_dict(self) -> dict[str, Any]:
        """As written into model files, in the order of application; `from_dict` reads it back.

        Where the steps look at one pixel at a time, `lookup` says what they make of each of the 256 greys.
        """
        steps: dict[str, Any] = {"steps": list(self.steps)} if self.steps else {}
        lookup = lookup_of(self.steps)
        if self.steps and lookup is not None:
            steps["lookup"] = lookup.tolist()
        return {**steps, "shrink": self.shrink, "divide_by": _WHITE}

    @classmethod
    def from_dict(cls, record: dict[str, Any]) -> "Preprocessing":
        """Read a model file's entry.

        Raises:
            UserError: steps this version does not know, or an impossible value.
        """
        steps = record.get("steps", [])
        if isinstance(steps, list) and all(isinstance(s, str) and s in STEPS for s in steps):
            preprocessing = cls(record.get("shrink", 0), tuple(steps))
            if preprocessing.to_dict() == record:
                return preprocessing
        raise UserError(f"The model asks for preprocessing {record}, unknown to this version; update alzedge.")


def _block_means(images: NDArray[np.uint8], side: int) -> NDArray[np.uint16]:
    """Rounded means of `side` x `side` blocks, uint8 (N, H, W) to uint16 (N, H / side, W / side).

    Adding rows and then columns is an order of magnitude faster than NumPy's sum over two axes;
    on a student this small that sum took as long as the network.
    """
    rows = images[:, ::side].astype(np.uint16)  # 16 blocks of 255 fit
    for i in range(1, side):
        rows += images[:, i::side]
    means = rows[:, :, ::side].copy()
    for i in range(1, side):
        means += rows[:, :, i::side]
    area = side * side
    means += area // 2
    means >>= area.bit_length() - 1  # the area is a power of two
    return means
