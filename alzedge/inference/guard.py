"""The guard: tells axial brain MRI slices from other images, on the device and before any answer.

Slices of one frame, registered to one atlas, fill a small part of the space of images. The
guard knows that part as a principal-component model of 16 x 16 block means, and measures how
far a picture lies from it: the reconstruction error, plus the Mahalanobis distance within the
components (Moghaddam and Pentland 1997, "Probabilistic visual learning for object
representation", equation 8, both terms normalised to 1 on the training slices).
"""

import base64
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alzedge.errors import UserError
from alzedge.imaging.slices import HEIGHT, WIDTH

NOT_A_SLICE = (
    "this does not look like an axial brain MRI slice as the model knows them: skull-stripped T1, seen from above, "
    "posterior at the top, 1 mm pixels"
)
BLOCK = 16
_FEATURES = (HEIGHT // BLOCK) * (WIDTH // BLOCK)
# Slices whose products with all components are held at once, 18 KB each.
_AT_ONCE = 16
_Floats = NDArray[np.float32]
_Doubles = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Guard:
    """A principal-component model of block means.

    Attributes:
        mean: float32 (143,), of the training slices' block means, 0 to 1.
        components: float32 (k, 143), orthonormal rows.
        variance: float32 (k,), of the training slices along each component.
        residual: mean squared reconstruction error of the training slices.
        threshold: a distance above it is refused.
        measured: how the threshold was set and how often the guard is right; for readers.
    """

    mean: _Floats
    components: _Floats
    variance: _Floats
    residual: float
    threshold: float
    measured: dict[str, Any]

    def distance(self, images: NDArray[np.uint8]) -> _Doubles:
        """Distance of each slice (N, 208, 176) from the training slices, float64 (N,); about 2 for one of them.

        A slice's distance has the same bits in every batch and with any number of threads: sums are NumPy's, in an
        order that depends on the number of features alone, and not a matrix product of BLAS.
        """
        blocks = [self._distance(images[start : start + _AT_ONCE]) for start in range(0, len(images), _AT_ONCE)]
        return np.concatenate(blocks) if blocks else np.empty(0)

    def _distance(self, images: NDArray[np.uint8]) -> _Doubles:
        components = self.components.astype(np.float64)
        offset = block_means(images) - self.mean.astype(np.float64)
        within = (offset[:, np.newaxis] * components).sum(axis=2)  # (N, k)
        outside = offset - (within[..., np.newaxis] * components).sum(axis=1)
        distance: _Doubles = (outside**2).sum(axis=1) / self.residual + (within**2 / self.variance).mean(axis=1)
        return distance

    def unlikeness(self, images: NDArray[np.uint8]) -> _Floats:
        """Distance as a multiple of the threshold, float32 (N,): above 1 is refused."""
        return (self.distance(images) / self.threshold).astype(np.float32)

    def to_dict(self) -> dict[str, Any]:
        """As written into model files: arrays as base64 of little-endian float16, row by row."""
        arrays = {name: _encoded(getattr(self, name)) for name in ("mean", "components", "variance")}
        scalars = {"residual": self.residual, "threshold": self.threshold}
        return {"block": BLOCK, **arrays, **scalars, "measured": self.measured}

    @classmethod
    def from_dict(cls, record: dict[str, Any]) -> "Guard":
        """Read a model file's entry.

        Raises:
            UserError: an entry this version does not know.
        """
        try:
            if record["block"] != BLOCK:
                raise ValueError(record["block"])
            mean, components, variance = (_decoded(record[name]) for name in ("mean", "components", "variance"))
            components = components.reshape(len(variance), _FEATURES)
            scalars = float(record["residual"]), float(record["threshold"])
            return cls(mean.reshape(_FEATURES), components, variance, *scalars, dict(record["measured"]))
        except (KeyError, ValueError, TypeError) as error:
            raise UserError("The model carries a guard unknown to this version; update alzedge.") from error


def unlikeness_of_misfit(guard: Guard | None, pixels: NDArray[np.uint8], problem: str) -> float:
    """Unlikeness, above 1, of a picture of another size or mode than a slice's, if the guard refuses it.

    The one decision on such pictures, for files, programs and the page: what is not a slice at all is refused, whatever
    its size, and that is an answer; what may be one must first be brought to a slice's size and mode.

    Args:
        guard: of the model; None where it has none or is not to be asked.
        pixels: uint8 (208, 176), the picture fitted into the frame.
        problem: the sentence why it is not a proper slice, both from `alzedge.imaging.slices.fit_slice`.

    Raises:
        UserError: the problem, as there is no guard or it takes the picture for a slice.
    """
    unlikeness = 0.0 if guard is None else float(guard.unlikeness(pixels[np.newaxis])[0])
    if unlikeness <= 1:
        raise UserError(problem)
    return unlikeness


def block_means(images: NDArray[np.uint8]) -> _Floats:
    """Means of 16 x 16 blocks, float32 (N, 143), 0 to 1."""
    # Whole numbers, and no matrix product: those start threads, which cost more than they gain here.
    rows = images[:, ::BLOCK].astype(np.uint16)
    for i in range(1, BLOCK):
        rows += images[:, i::BLOCK]
    sums = rows.reshape(-1, _FEATURES, BLOCK).sum(axis=2, dtype=np.uint32)
    means: _Floats = sums.astype(np.float32) / np.float32(255 * BLOCK**2)
    return means


def _encoded(array: _Floats) -> str:
    return base64.b64encode(array.astype("<f2").tobytes()).decode()


def _decoded(text: str) -> _Floats:
    return np.frombuffer(base64.b64decode(text, validate=True), "<f2").astype(np.float32)
