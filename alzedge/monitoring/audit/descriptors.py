"""One pass over the pixels: a descriptor of 96 bytes and a hash for every image, the baselines' features for a sample."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from threadpoolctl import threadpool_limits

from alzedge.imaging.preprocessing import Preprocessing
from alzedge.imaging.slices import HEIGHT, WIDTH, decode_slice
from alzedge.metrics.baselines import Features, features_of, join_features
from alzedge.monitoring.audit.index import Index, Source, images_of

# The whitened principal components tell people apart: of the Kaggle set's official test images 0.65 have the same
# person as nearest training image with 96 of them, 0.49 with 32 (raw pixels: 0.49).
_DIMENSIONS = 96
_FITTED_ON = 2048
# As many as the Kaggle set, whose baselines are thereby those of all its images.
BASELINE_IMAGES = 6400
_BATCH = 256
# A unit vector's entries, a tenth on average, in whole numbers; larger ones are rare and cut off.
_SCALE = 127 / 0.6

OnImage = Callable[[], None]


@dataclass(frozen=True, eq=False)
class Scan:
    """Descriptors of the pixels of N images.

    Attributes:
        vectors: int8 (N, d), direction of the whitened principal components of the slice shrunk by 4; d <= 96.
        spread: float32 (d,), standard deviation of each component before whitening.
        digest: uint64 (N,), the start of the SHA-256 of the file's bytes.
        chosen: (M,), the images that the baselines are measured on.
        features: theirs.
    """

    vectors: NDArray[np.int8]
    spread: NDArray[np.float32]
    digest: NDArray[np.uint64]
    chosen: NDArray[np.intp]
    features: Features


def scan_images(source: Source, index: Index, on_image: OnImage) -> Scan:
    """Read every image once, and a fixed sample of at most 2,048 once more before that.

    Args:
        source, index: from `alzedge.monitoring.audit.index`.
        on_image: called for every image read.

    Raises:
        UserError: an image is damaged or not a slice.
    """
    count = len(index.key)
    basis = _fit(source, _sample(index.key, _FITTED_ON), on_image)
    chosen = _baseline_images(index)
    digest = np.empty(count, np.uint64)
    vectors = np.empty((count, basis.n_components_), np.int8)
    features: list[Features] = []
    for start, images, hashes in _batches(source, np.ones(count, bool), on_image):
        rows = slice(start, start + len(images))
        vectors[rows], digest[rows] = _describe(basis, images), hashes
        wanted = chosen[rows]
        if wanted.any():
            features.append(features_of(images[wanted]))
    spread = np.sqrt(basis.explained_variance_).astype(np.float32)
    return Scan(vectors, spread, digest, np.flatnonzero(chosen), join_features(features))


def read_images(source: Source, numbers: set[int]) -> dict[int, tuple[str, NDArray[np.uint8]]]:
    """Path and pixels of a few images by their number."""
    images = {}
    for number, entry in enumerate(images_of(source)):
        if number in numbers:
            with source.open(entry.name) as file:
                images[number] = entry.path, decode_slice(file.read(), f"{source.path}: {entry.name}")
    return images


def _sample(key: NDArray[np.uint64], count: int) -> NDArray[np.bool_]:
    """The `count` images with the smallest keys: as good as random, and the same each time."""
    if len(key) <= count:
        return np.ones(len(key), bool)
    chosen: NDArray[np.bool_] = key <= np.partition(key, count - 1)[count - 1]
    return chosen


def _baseline_images(index: Index) -> NDArray[np.bool_]:
    """All images up to `BASELINE_IMAGES`; of more, those of whole people where people are known."""
    if not index.people:
        return _sample(index.key, BASELINE_IMAGES)
    hashes = [int.from_bytes(hashlib.sha256(p.encode()).digest()[:8], "little") for p in index.people]
    order = np.argsort(np.array(hashes, np.uint64))
    images = np.cumsum(np.bincount(index.subject, minlength=len(order))[order])
    people = order[: max(1, int(np.searchsorted(images, BASELINE_IMAGES, side="right")))]
    return np.isin(index.subject, people)


def _batches(
    source: Source, wanted: NDArray[np.bool_], on_image: OnImage
) -> Iterator[tuple[int, NDArray[np.uint8], NDArray[np.uint64]]]:
    """Number of the first image, pixels and hashes of up to `_BATCH` wanted images at a time."""
    images = np.empty((_BATCH, HEIGHT, WIDTH), np.uint8)
    hashes = np.empty(_BATCH, np.uint64)
    start = filled = 0
    for number, entry in enumerate(images_of(source)):
        if not wanted[number]:
            continue
        with source.open(entry.name) as file:
            data = file.read()
        images[filled] = decode_slice(data, f"{source.path}: {entry.name}")
        hashes[filled] = int.from_bytes(hashlib.sha256(data).digest()[:8], "little")
        filled += 1
        on_image()
        if filled == _BATCH:
            yield start, images, hashes
            start, filled = start + filled, 0
    if filled:
        yield start, images[:filled], hashes[:filled]


def _fit(source: Source, wanted: NDArray[np.bool_], on_image: OnImage) -> PCA:
    shrunk = [_shrunken(images) for _, images, _ in _batches(source, wanted, on_image)]
    pixels = np.concatenate(shrunk)
    components = min(_DIMENSIONS, max(1, len(pixels) // 2))
    basis = PCA(components, whiten=True, svd_solver="randomized", random_state=0)
    with threadpool_limits(1):  # with another number of threads sums would differ in their last bits
        return basis.fit(pixels)


def _shrunken(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Without brightness and contrast: float32 (N, 2288), zero mean, unit norm."""
    pixels = Preprocessing(4)(images).reshape(len(images), -1)
    pixels -= pixels.mean(axis=1, keepdims=True)
    unit: NDArray[np.float32] = pixels / np.maximum(np.linalg.norm(pixels, axis=1, keepdims=True), 1e-6)
    return unit


def _describe(basis: PCA, images: NDArray[np.uint8]) -> NDArray[np.int8]:
    with threadpool_limits(1):
        vectors = basis.transform(_shrunken(images))
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-6)
    rounded: NDArray[np.int8] = np.clip(np.rint(vectors * _SCALE), -127, 127).astype(np.int8)
    return rounded
