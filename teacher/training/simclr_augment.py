"""SimCLR's own augmentations (Chen et al. 2020, arXiv:2002.05709, appendix A), as google-research/simclr has them.

They were made for photographs: a crop down to 8 % of the area cuts a brain to pieces, and
colours mean nothing on grey slices. `alzedge.teacher.training.augment` is the variant that suits MRI:
no hue, rotations of a few degrees, zooms and shifts that leave the brain whole, and a
left-right flip. Resizing is TensorFlow 2's bicubic one (half-pixel centres), as in the
original's `tf2` folder; its TensorFlow 1 code samples half a pixel beside it.
"""

from typing import Any

import numpy as np
from keras import ops
from numpy.typing import NDArray

Images = NDArray[np.float32]

_EVALUATION_SHARE = 0.875
_ASPECTS = (3 / 4, 4 / 3)
_JITTER_PROBABILITY, _BLUR_PROBABILITY = 0.8, 0.5
_SIGMAS = (0.1, 2.0)
# ITU-R BT.601, as tf.image.rgb_to_grayscale has them.
_GREY = np.array([0.2989, 0.5870, 0.1140], np.float32)


def gaussian_blur(image: Images, kernel_size: int, sigma: float) -> Images:
    """Blur rows and columns with a Gaussian of `2 * (kernel_size // 2) + 1` taps; outside is 0.

    Args:
        image: float32 (rows, columns, channels).
        kernel_size: the original takes a tenth of the height.
        sigma: in pixels.

    Returns:
        float32 of the same shape.
    """
    radius = kernel_size // 2
    taps = np.arange(-radius, radius + 1, dtype=np.float32)
    kernel = np.exp(-(taps**2) / np.float32(2 * sigma**2))
    kernel /= kernel.sum()
    for axis in (0, 1):
        size = image.shape[axis]
        padding = [(radius, radius) if i == axis else (0, 0) for i in range(3)]
        padded = np.pad(image, padding)
        slices = [[slice(i, i + size) if k == axis else slice(None) for k in range(3)] for i in range(len(taps))]
        image = sum(weight * padded[tuple(part)] for weight, part in zip(kernel, slices, strict=True))
    return image.astype(np.float32)


def grayscale(image: Images) -> Images:
    """Grey RGB image, float32 (rows, columns, 3)."""
    return np.repeat((image @ _GREY)[..., None], 3, axis=-1)


def adjust_contrast(image: Images, factor: float) -> Images:
    """Scale the distance of each channel from its mean."""
    mean = image.mean(axis=(0, 1), keepdims=True)
    scaled: Images = ((image - mean) * np.float32(factor) + mean).astype(np.float32)
    return scaled


def adjust_saturation(image: Images, factor: float) -> Images:
    """Scale the saturation of an RGB image in HSV and bound it by 1, float32 (rows, columns, 3)."""
    hsv = np.asarray(ops.image.rgb_to_hsv(image)).copy()
    hsv[..., 1] = np.clip(hsv[..., 1] * factor, 0, 1)
    return np.asarray(ops.image.hsv_to_rgb(hsv))


def adjust_hue(image: Images, delta: float) -> Images:
    """Turn the hue of an RGB image by `delta` of a full turn, float32 (rows, columns, 3)."""
    hsv = np.asarray(ops.image.rgb_to_hsv(image)).copy()
    hsv[..., 0] = (hsv[..., 0] + delta) % 1
    return np.asarray(ops.image.hsv_to_rgb(hsv))


def resize(image: Images, rows: int, columns: int) -> Images:
    """Bicubic, float32 (rows, columns, channels)."""
    return np.asarray(ops.image.resize(image, (rows, columns), interpolation="bicubic"))


def centre_crop(image: Images, rows: int, columns: int) -> Images:
    """What the original evaluates on: the middle 0.875 with the output's proportions, resized.

    Args:
        image: float32 (any rows, any columns, channels).
        rows, columns: of the output.
    """
    height, width = image.shape[:2]
    aspect = columns / rows
    if aspect > width / height:
        crop_rows, crop_columns = round(_EVALUATION_SHARE / aspect * width), round(_EVALUATION_SHARE * width)
    else:
        crop_rows, crop_columns = round(_EVALUATION_SHARE * height), round(_EVALUATION_SHARE * aspect * height)
    top, left = (height - crop_rows + 1) // 2, (width - crop_columns + 1) // 2
    return resize(image[top : top + crop_rows, left : left + crop_columns], rows, columns)


def random_view(image: Images, rng: np.random.Generator, crop_area: float, strength: float) -> Images:
    """One of the original's views for pre-training.

    Args:
        image: float32 (rows, columns, 1 or 3), 0 to 1; of one channel only brightness and contrast are jittered.
        rng: draws the view.
        crop_area: the smallest share of the area that a crop keeps; published: 0.08.
        strength: of the colour jitter; published: 1.

    Returns:
        float32 of the same shape, 0 to 1.
    """
    rows, columns, channels = image.shape
    top, left, height, width = _random_box(rows, columns, rng, crop_area)
    view = resize(image[top : top + height, left : left + width], rows, columns)
    if rng.random() < 0.5:
        view = view[:, ::-1]
    if rng.random() < _JITTER_PROBABILITY:
        view = _jitter(view, rng, strength)
    if channels == 3 and rng.random() < 0.2:
        view = grayscale(view)
    if rng.random() < _BLUR_PROBABILITY:
        view = gaussian_blur(view, rows // 10, rng.uniform(*_SIGMAS))
    return np.clip(view, 0, 1)


def _random_box(rows: int, columns: int, rng: np.random.Generator, least: float) -> tuple[int, int, int, int]:
    """Top, left, rows and columns of a crop, as tf.image.sample_distorted_bounding_box draws it: 100 tries."""
    for _ in range(100):
        area = rng.uniform(least, 1) * rows * columns
        aspect = rng.uniform(*_ASPECTS) * columns / rows
        height, width = round((area / aspect) ** 0.5), round((area * aspect) ** 0.5)
        if 0 < height <= rows and 0 < width <= columns:
            return int(rng.integers(rows - height + 1)), int(rng.integers(columns - width + 1)), height, width
    return 0, 0, rows, columns


def _jitter(image: Images, rng: np.random.Generator, strength: float) -> Images:
    """Brightness, contrast, saturation and hue in random order, each bounded afterwards."""
    share = 0.8 * strength

    def factor() -> Any:
        return rng.uniform(max(0, 1 - share), 1 + share)

    operations = [lambda x: x * np.float32(factor()), lambda x: adjust_contrast(x, factor())]
    if image.shape[-1] == 3:
        operations.append(lambda x: adjust_saturation(x, factor()))
        operations.append(lambda x: adjust_hue(x, rng.uniform(-0.2, 0.2) * strength))
    for i in rng.permutation(len(operations)):
        image = np.clip(operations[i](image), 0, 1)
    return image
