"""From a slice to the network's input; the same few lines in training and on the device."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alzedge.errors import UserError
from alzedge.images import HEIGHT, WIDTH


@dataclass(frozen=True)
class Preprocessing:
    """Shrink by block means, then normalise: `(pixel - mean) / std`.

    Block means in whole numbers need no image library and give the same bits in every
    language: `(sum of block + area // 2) // area`.

    Attributes:
        shrink: side of the square blocks, 1, 2 or 4 pixels.
        mean, std: in grey values, 0..255.
    """

    shrink: int = 2
    mean: float = 0.0
    std: float = 255.0

    def __post_init__(self) -> None:
        if self.shrink not in (1, 2, 4):
            raise UserError(f"preprocessing.shrink: expected 1, 2 or 4, got {self.shrink!r}.")
        if not 0 < self.std < float("inf"):
            raise UserError(f"preprocessing.std: expected a positive number, got {self.std!r}.")

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Rows, columns and channels of the network's input."""
        return HEIGHT // self.shrink, WIDTH // self.shrink, 1

    def __call__(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Preprocess slices.

        Args:
            images: uint8 (N, 208, 176).

        Returns:
            float32 (N, 208 / shrink, 176 / shrink, 1).
        """
        rows, columns, _ = self.input_shape
        area = self.shrink**2
        if area > 1:
            blocks = images.reshape(-1, rows, self.shrink, columns, self.shrink)
            images = ((blocks.sum(axis=(2, 4), dtype=np.uint16) + area // 2) // area).astype(np.uint8)
        pixels = images.reshape(-1, rows, columns, 1).astype(np.float32)
        return (pixels - np.float32(self.mean)) / np.float32(self.std)

    def to_dict(self) -> dict[str, Any]:
        """As written into model files; `from_dict` reads it back."""
        return asdict(self)

    @classmethod
    def from_dict(cls, record: dict[str, Any]) -> "Preprocessing":
        """Read a model file's entry.

        Raises:
            UserError: a key this version does not know, or an impossible value.
        """
        try:
            return cls(**record)
        except TypeError as error:
            raise UserError(
                f"The model asks for preprocessing {record}, unknown to this version; update alzedge."
            ) from error
