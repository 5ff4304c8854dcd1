"""From a slice to the network's input; the same few lines in training and on the device."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alzedge.errors import UserError
from alzedge.images import HEIGHT, WIDTH

_WHITE = 255


@dataclass(frozen=True)
class Preprocessing:
    """Shrink by block means, then divide by 255: inputs lie between 0 (background) and 1.

    Block means in whole numbers need no image library and give the same bits in every
    language: `(sum of block + area // 2) // area`.

    Attributes:
        shrink: side of the square blocks, 1, 2 or 4 pixels.
    """

    shrink: int = 2

    def __post_init__(self) -> None:
        if self.shrink not in (1, 2, 4):
            raise UserError(f"preprocessing.shrink: expected 1, 2 or 4, got {self.shrink!r}.")

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Rows, columns and channels of the network's input."""
        return HEIGHT // self.shrink, WIDTH // self.shrink, 1

    def __call__(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Preprocess slices.

        Args:
            images: uint8 (N, 208, 176).

        Returns:
            float32 (N, 208 / shrink, 176 / shrink, 1), 0 to 1.
        """
        rows, columns, _ = self.input_shape
        images = images.reshape(-1, HEIGHT, WIDTH)
        if self.shrink > 1:
            # Adding whole planes takes a tenth of the time of summing over the axes of blocks.
            sums = images[:, :: self.shrink].astype(np.uint16)
            for row in range(1, self.shrink):
                sums += images[:, row :: self.shrink]
            totals = sums[:, :, :: self.shrink].copy()
            for column in range(1, self.shrink):
                totals += sums[:, :, column :: self.shrink]
            area = self.shrink**2
            images = ((totals + np.uint16(area // 2)) // np.uint16(area)).astype(np.uint8)
        return images.reshape(-1, rows, columns, 1).astype(np.float32) / np.float32(_WHITE)

    def to_dict(self) -> dict[str, Any]:
        """As written into model files, in the order of application; `from_dict` reads it back."""
        return {"shrink": self.shrink, "divide_by": _WHITE}

    @classmethod
    def from_dict(cls, record: dict[str, Any]) -> "Preprocessing":
        """Read a model file's entry.

        Raises:
            UserError: steps this version does not know, or an impossible value.
        """
        if set(record) != {"shrink", "divide_by"} or record["divide_by"] != _WHITE:
            raise UserError(f"The model asks for preprocessing {record}, unknown to this version; update alzedge.")
        return cls(record["shrink"])
