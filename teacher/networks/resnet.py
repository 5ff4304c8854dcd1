"""ResNet as in SimCLRv2 (Chen et al. 2020, arXiv:2006.10029), with or without selective kernels.

Layers are created, and named, in the order of google-research/simclr's `resnet.py`
(`conv2d`, `conv2d_1`, ..., `batch_normalization`, ...), so that weights of its public
checkpoints fit by name. Depths 18 and 34 use basic blocks, the others bottlenecks.
"""

from collections.abc import Iterator

import keras
from keras import layers, ops

from alzedge.runs.recipe import TeacherRecipe

BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}
# Of the published checkpoints `..._sk1`: width of the layer that weighs the two kernels, against the block's.
_SELECTION_RATIO = 0.0625
_SELECTION_MINIMUM = 32


def batch_norm(name: str, *, gamma: str = "ones", center: bool = True) -> layers.BatchNormalization:
    """Batch normalisation with the published epsilon 1e-5 and decay 0.9."""
    return layers.BatchNormalization(momentum=0.9, epsilon=1e-5, gamma_initializer=gamma, center=center, name=name)


def is_basic(depth: int) -> bool:
    """Whether a depth is built from blocks of two 3x3 convolutions, and features are 512 wide instead of 2048."""
    return depth < 50


def resnet(recipe: TeacherRecipe, input_shape: tuple[int | None, int | None, int]) -> keras.Model:
    """Build the encoder.

    With selective kernels (Li et al. 2019, arXiv:1903.06586) the network also gets the stem
    and the average-pool shortcuts of ResNet-D (He et al. 2018, arXiv:1812.01187), as the
    original does; its basic blocks, of depths 18 and 34, have those two but no kernels to select.

    Args:
        recipe: depth, width and selective kernels.
        input_shape: rows, columns and channels of float32 images; rows and columns may be None.

    Returns:
        Model from (N, rows, columns, channels) to features (N, 512 * width), for depths of
        50 and more (N, 2048 * width).
    """
    return _Builder(recipe).build(input_shape)


class _Builder:
    """Creates layers with the running numbers of the original."""

    def __init__(self, recipe: TeacherRecipe) -> None:
        self.depth = recipe.depth
        self.selective = recipe.selective_kernels
        self.filters = [max(1, round(64 * 2**group * recipe.width)) for group in range(4)]
        self.conv_names = _numbered("conv2d")
        self.norm_names = _numbered("batch_normalization")

    def build(self, input_shape: tuple[int | None, int | None, int]) -> keras.Model:
        images = keras.Input(input_shape, name="images")
        x = self.norm_relu(self.stem(images))
        x = layers.MaxPooling2D(3, 2, padding="same", name="initial_max_pool")(x)
        block = self.basic if is_basic(self.depth) else self.bottleneck
        for group, count in enumerate(BLOCKS[self.depth]):
            for i in range(count):
                x = block(x, self.filters[group], stride=2 if group and not i else 1, project=not i)
        features = layers.GlobalAveragePooling2D(name="final_avg_pool")(x)
        return keras.Model(images, features, name="encoder")

    def stem(self, images: keras.KerasTensor) -> keras.KerasTensor:
        if not self.selective:
            return self.conv(images, self.filters[0], 7, 2)
        half = max(1, self.filters[0] // 2)
        x = self.norm_relu(self.conv(images, half, 3, 2))
        x = self.norm_relu(self.conv(x, half, 3, 1))
        return self.conv(x, self.filters[0], 3, 1)

    def basic(self, x: keras.KerasTensor, filters: int, stride: int, project: bool) -> keras.KerasTensor:
        shortcut = self.shortcut(x, filters, stride) if project else x
        x = self.norm_relu(self.conv(x, filters, 3, stride))
        x = self.norm(self.conv(x, filters, 3, 1), gamma="zeros")
        return layers.ReLU()(layers.Add()([x, shortcut]))

    def bottleneck(self, x: keras.KerasTensor, filters: int, stride: int, project: bool) -> keras.KerasTensor:
        shortcut = self.shortcut(x, 4 * filters, stride) if project else x
        x = self.norm_relu(self.conv(x, filters, 1, 1))
        x = self.selected(x, filters, stride) if self.selective else self.norm_relu(self.conv(x, filters, 3, stride))
        x = self.norm(self.conv(x, 4 * filters, 1, 1), gamma="zeros")
        return layers.ReLU()(layers.Add()([x, shortcut]))

    def shortcut(self, x: keras.KerasTensor, filters: int, stride: int) -> keras.KerasTensor:
        if self.selective:
            if stride > 1:
                x = layers.ZeroPadding2D(((0, 1), (0, 1)))(x)
            x = layers.AveragePooling2D(2, stride, padding="same" if stride == 1 else "valid")(x)
            stride = 1
        return self.norm(self.conv(x, filters, 1, stride))

    def selected(self, x: keras.KerasTensor, filters: int, stride: int) -> keras.KerasTensor:
        """Two 3x3 convolutions, computed as one, mixed channel by channel as their global means tell."""
        first, second = ops.split(self.norm_relu(self.conv(x, 2 * filters, 3, stride)), 2, axis=-1)
        means = layers.GlobalAveragePooling2D(keepdims=True)(layers.Add()([first, second]))
        hidden = self.norm_relu(self.conv(means, max(int(filters * _SELECTION_RATIO), _SELECTION_MINIMUM), 1, 1))
        scores = ops.split(self.conv(hidden, 2 * filters, 1, 1), 2, axis=-1)
        # The original's softmax over the two scores.
        share = ops.sigmoid(ops.subtract(*scores))
        return ops.add(ops.multiply(first, share), ops.multiply(second, ops.subtract(1.0, share)))

    def conv(self, x: keras.KerasTensor, filters: int, kernel: int, stride: int) -> keras.KerasTensor:
        if stride > 1 and kernel > 1:
            # Padding must not depend on the input's size: (k - 1) // 2 before, the rest after.
            before = (kernel - 1) // 2
            after = kernel - 1 - before
            x = layers.ZeroPadding2D(((before, after), (before, after)))(x)
        padding = "same" if stride == 1 else "valid"
        initializer = keras.initializers.VarianceScaling(2.0)
        return layers.Conv2D(
            filters, kernel, stride, padding, use_bias=False, kernel_initializer=initializer, name=next(self.conv_names)
        )(x)

    def norm(self, x: keras.KerasTensor, gamma: str = "ones") -> keras.KerasTensor:
        return batch_norm(next(self.norm_names), gamma=gamma)(x)

    def norm_relu(self, x: keras.KerasTensor) -> keras.KerasTensor:
        return layers.ReLU()(self.norm(x))


def _numbered(name: str) -> Iterator[str]:
    yield name
    number = 0
    while number := number + 1:
        yield f"{name}_{number}"
