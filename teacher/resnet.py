"""ResNet as in SimCLRv2 (Chen et al. 2020, arXiv:2006.10029), without selective kernels.

Layers are created, and named, in the order of google-research/simclr's `resnet.py`
(`conv2d`, `conv2d_1`, ..., `batch_normalization`, ...), so that weights of its public
checkpoints fit by name. Depths 18 and 34 use basic blocks, the others bottlenecks.
"""

from collections.abc import Iterator

import keras
from keras import layers

from alzedge.recipe import TeacherRecipe

_BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}


def batch_norm(name: str, *, gamma: str = "ones", center: bool = True) -> layers.BatchNormalization:
    """Batch normalisation with the published epsilon 1e-5 and decay 0.9."""
    return layers.BatchNormalization(momentum=0.9, epsilon=1e-5, gamma_initializer=gamma, center=center, name=name)


def resnet(recipe: TeacherRecipe, input_shape: tuple[int, int, int]) -> keras.Model:
    """Build the encoder.

    Args:
        recipe: depth and width.
        input_shape: rows, columns and channels of float32 images.

    Returns:
        Model from (N, rows, columns, channels) to features (N, 512 * width), for depths of
        50 and more (N, 2048 * width).
    """
    return _Builder(recipe).build(input_shape)


class _Builder:
    """Creates layers with the running numbers of the original."""

    def __init__(self, recipe: TeacherRecipe) -> None:
        self.depth = recipe.depth
        self.filters = [max(1, round(64 * 2**group * recipe.width)) for group in range(4)]
        self.conv_names = _numbered("conv2d")
        self.norm_names = _numbered("batch_normalization")

    def build(self, input_shape: tuple[int, int, int]) -> keras.Model:
        images = keras.Input(input_shape, name="images")
        x = self.conv(images, self.filters[0], 7, 2)
        x = self.norm_relu(x)
        x = layers.MaxPooling2D(3, 2, padding="same", name="initial_max_pool")(x)
        block = self.basic if self.depth < 50 else self.bottleneck
        for group, count in enumerate(_BLOCKS[self.depth]):
            for i in range(count):
                x = block(x, self.filters[group], stride=2 if group and not i else 1, project=not i)
        features = layers.GlobalAveragePooling2D(name="final_avg_pool")(x)
        return keras.Model(images, features, name="encoder")

    def basic(self, x: keras.KerasTensor, filters: int, stride: int, project: bool) -> keras.KerasTensor:
        shortcut = self.norm(self.conv(x, filters, 1, stride)) if project else x
        x = self.norm_relu(self.conv(x, filters, 3, stride))
        x = self.norm(self.conv(x, filters, 3, 1), gamma="zeros")
        return layers.ReLU()(layers.Add()([x, shortcut]))

    def bottleneck(self, x: keras.KerasTensor, filters: int, stride: int, project: bool) -> keras.KerasTensor:
        shortcut = self.norm(self.conv(x, 4 * filters, 1, stride)) if project else x
        x = self.norm_relu(self.conv(x, filters, 1, 1))
        x = self.norm_relu(self.conv(x, filters, 3, stride))
        x = self.norm(self.conv(x, 4 * filters, 1, 1), gamma="zeros")
        return layers.ReLU()(layers.Add()([x, shortcut]))

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
