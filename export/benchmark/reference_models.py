"""What a user would pick instead of our student, with random weights: good for latency and size, not for answers.

- MobileNetV3-Small, int8: `keras.applications` (Howard et al. 2019, arXiv:1905.02244).
- EfficientNet-Lite0, int8: B0 (Tan and Le 2019, arXiv:1905.11946) without squeeze-and-excite and
  with ReLU6 for swish, its stem and head not scaled, as in tensorflow/tpu's `efficientnet/lite`.
- The SimCLRv2 teacher at its published size, ResNet-50 of width 1, in Keras and as float32
  TFLite, at the student's input and on whole slices.

All take the same slices as the student and answer four probabilities. One grey channel spares
each network's first convolution two thirds of its work, so the ratios are in the rivals' favour.
"""

from collections.abc import Callable
from pathlib import Path

import keras
from keras import layers

from alzedge import __version__
from alzedge.data.phantom_set import make_phantoms
from alzedge.export.benchmark.speedup import Rival
from alzedge.export.convert.tflite import to_float32, to_int8, with_probabilities
from alzedge.imaging.preprocessing import Preprocessing
from alzedge.model_file.read_write import make_record, read_record, write_tflite
from alzedge.runs.recipe import TeacherRecipe
from alzedge.stages import STAGES
from alzedge.teacher.keras_file import load_model, save_model
from alzedge.teacher.networks.heads import classifier
from alzedge.teacher.networks.resnet import resnet
from alzedge.utils.progress import OnStep, Step, quiet

_SEED = 0
_CALIBRATION = 20

# Expansion, filters, kernel, stride of the first block, number of blocks: B0's table.
_LITE0 = (
    (1, 16, 3, 1, 1),
    (6, 24, 3, 2, 2),
    (6, 40, 5, 2, 2),
    (6, 80, 3, 2, 3),
    (6, 112, 5, 1, 3),
    (6, 192, 5, 2, 4),
    (6, 320, 3, 1, 1),
)

InputShape = tuple[int, int, int]


def rival_files(preprocessing: Preprocessing, folder: Path, on_step: OnStep = quiet) -> dict[str, Rival]:
    """Build the rivals' files, or take those that an earlier call left.

    Args:
        preprocessing: the student's.
        folder: where to; about 430 MB.
        on_step: told about every file.

    Returns:
        Rivals by file name, such as `resnet50_104x88.keras`.
    """
    plan: list[tuple[str, Preprocessing, Callable[[Path, Preprocessing], None], float | None]] = []
    for steps in dict.fromkeys((Preprocessing(shrink=1), preprocessing)):
        plan.append(("resnet50_{}.keras", steps, _write_resnet, 200))
        plan.append(("resnet50_{}_float32.tflite", steps, _write_float32, 100))
    plan.append(("efficientnetlite0_{}_int8.tflite", preprocessing, _write_efficientnet, None))
    plan.append(("mobilenetv3small_{}_int8.tflite", preprocessing, _write_mobilenet, 3))
    rivals = {}
    for done, (name, steps, write, goal) in enumerate(plan, start=1):
        path = folder / name.format("{}x{}".format(*steps.input_shape))
        if not path.is_file() or read_record(path)["alzedge"] != __version__:
            write(path, steps)
        rivals[path.name] = Rival(path, goal)
        on_step(Step(done, len(plan), done, len(plan)))
    return rivals


def mobilenet(input_shape: InputShape, classes: int = len(STAGES)) -> keras.Model:
    """MobileNetV3-Small: images to logits."""
    return keras.applications.MobileNetV3Small(
        input_shape=input_shape,
        weights=None,
        classes=classes,
        classifier_activation=None,
        include_preprocessing=False,
    )


def efficientnet_lite0(input_shape: InputShape, classes: int = len(STAGES)) -> keras.Model:
    """EfficientNet-Lite0: images to logits."""
    images = keras.Input(input_shape)
    x = _conv(images, 32, 3, 2)
    for expansion, filters, kernel, first_stride, count in _LITE0:
        for i in range(count):
            x = _inverted_residual(x, expansion, filters, kernel, 1 if i else first_stride)
    x = layers.GlobalAveragePooling2D()(_conv(x, 1280, 1, 1))
    return keras.Model(images, layers.Dense(classes)(x), name="efficientnetlite0")


def resnet50(input_shape: InputShape) -> keras.Model:
    """The published teacher: ResNet-50 of width 1 with the head that `alzedge train` puts on it."""
    return classifier(resnet(TeacherRecipe(depth=50, width=1.0), input_shape), head_layer=1)


def _conv(
    x: keras.KerasTensor, filters: int, kernel: int, stride: int, *, depthwise: bool = False, activate: bool = True
) -> keras.KerasTensor:
    if depthwise:
        x = layers.DepthwiseConv2D(kernel, stride, "same", use_bias=False)(x)
    else:
        x = layers.Conv2D(filters, kernel, stride, "same", use_bias=False)(x)
    x = layers.BatchNormalization()(x)
    return layers.ReLU(6.0)(x) if activate else x


def _inverted_residual(
    x: keras.KerasTensor, expansion: int, filters: int, kernel: int, stride: int
) -> keras.KerasTensor:
    y = _conv(x, expansion * x.shape[-1], 1, 1) if expansion > 1 else x
    y = _conv(y, 0, kernel, stride, depthwise=True)
    y = _conv(y, filters, 1, 1, activate=False)
    return layers.Add()([x, y]) if stride == 1 and x.shape[-1] == filters else y


def _write_mobilenet(path: Path, preprocessing: Preprocessing) -> None:
    _write_int8(path, preprocessing, mobilenet)


def _write_efficientnet(path: Path, preprocessing: Preprocessing) -> None:
    _write_int8(path, preprocessing, efficientnet_lite0)


def _write_int8(path: Path, preprocessing: Preprocessing, build: Callable[[InputShape], keras.Model]) -> None:
    keras.utils.set_random_seed(_SEED)
    model = with_probabilities(build(preprocessing.input_shape))
    calibration = preprocessing(make_phantoms(_CALIBRATION, 1).images)
    write_tflite(path, to_int8(model, calibration), make_record("rival-int8", preprocessing))


def _write_resnet(path: Path, preprocessing: Preprocessing) -> None:
    keras.utils.set_random_seed(_SEED)
    save_model(resnet50(preprocessing.input_shape), path, make_record("teacher", preprocessing))


def _write_float32(path: Path, preprocessing: Preprocessing) -> None:
    model, _ = load_model(path.with_name(path.name.replace("_float32.tflite", ".keras")))
    write_tflite(path, to_float32(with_probabilities(model)), make_record("rival-float32", preprocessing))
