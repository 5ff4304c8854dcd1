"""Recipes: every setting of a run, as data. Read from TOML, recorded beside the results."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from alzedge.data.split_names import SPLITS
from alzedge.errors import UserError
from alzedge.imaging.preprocessing import Preprocessing
from alzedge.runs.settings import one_of, within

DEPTHS = (18, 34, 50, 101, 152)
ARCHITECTURES = (
    "simclrv2-resnet",
    "vgg19",
    "efficientnet-b1",
    "efficientnet-b7",
    "inception-resnet-v2",
    "mobilenet",
    "mobilenet-v2",
    "mobilenet-v3-small",
)
OPTIMIZERS = ("adamw", "adam", "rmsprop", "sgd", "lars")
SCHEDULES = ("cosine", "exponential", "step", "constant")
SAMPLINGS = ("shuffled", "balanced", "alternating")


@dataclass(frozen=True)
class PhantomRecipe:
    """The data, when no data set is given; see `alzedge.imaging.phantoms.make_phantoms`."""

    subjects: int = within(60, 20, 100_000)
    slices: int = within(10, 5, 256)


@dataclass(frozen=True)
class AugmentRecipe:
    """Random views of a slice; ranges are symmetric around no change."""

    rotation: float = within(10.0, 0, 180)  # degrees
    zoom: float = within(0.1, 0, 0.9)  # share of the size
    shift: float = within(0.05, 0, 0.5)  # share of the size
    gain: float = within(0.15, 0, 0.9)  # share of the brightness
    gamma: float = within(0.2, 0, 2)  # natural logarithm of the exponent
    flip: bool = True  # left and right
    # Of another scanner:
    aspect: float = within(0.0, 0, 0.5)  # natural logarithm of height against width
    blur: float = within(0.0, 0, 1)  # share of a 3 x 3 binomial filter that is mixed in
    bias: float = within(0.0, 0, 1)  # natural logarithm of each of five slow changes of brightness over the slice
    noise: float = within(0.0, 0, 0.5)  # largest standard deviation, where white is 1; not in the background


@dataclass(frozen=True)
class TeacherRecipe:
    """SimCLRv2's ResNet, width 1 being the published 64 filters in the first group; or a network to compare it with.

    `weights` are where a network to compare with begins: none, imagenet (of Keras' cache, or
    downloaded), or the path of a weights file without the top, as Keras publishes them.
    """

    architecture: str = one_of(ARCHITECTURES[0], *ARCHITECTURES)
    depth: int = one_of(18, *DEPTHS)
    width: float = within(0.5, 0.0625, 3)
    selective_kernels: bool = False  # the published checkpoints whose names end in sk1
    weights: str = "none"

    def __post_init__(self) -> None:
        for path in self.weights_files():
            if self.architecture == ARCHITECTURES[0] or not path.is_file():
                raise UserError(
                    f"teacher.weights: {path} is not a file, or {self.architecture} is not a network of "
                    "keras.applications; name one, or none, or imagenet."
                )

    def weights_files(self) -> list[Path]:
        """The file that weights are read from, where it is the user's."""
        return [] if self.weights in ("none", "imagenet") else [Path(self.weights)]


@dataclass(frozen=True)
class TrainingRecipe:
    """A linear warm-up, then a learning rate that falls along the schedule."""

    epochs: int = within(10, 1, 10_000)
    batch_size: int = within(64, 2, 65_536)
    optimizer: str = one_of("adamw", *OPTIMIZERS)
    learning_rate: float = within(1e-3, 1e-8, 10)
    momentum: float = within(0.9, 0, 0.9999)  # of rmsprop, sgd and lars
    weight_decay: float = within(1e-4, 0, 1)  # of all but adam
    schedule: str = one_of("cosine", *SCHEDULES)
    warmup: float = within(0.1, 0, 1)  # share of all steps
    sam_rho: float = within(0.0, 0, 100)  # 0: no sharpness-aware minimisation
    precision: str = one_of("float32", "float32", "bfloat16")  # bfloat16: weights and losses stay float32


@dataclass(frozen=True)
class TeacherTrainingRecipe(TrainingRecipe):
    """Training that may stop early: a fifth of the training people then watch instead of train."""

    epochs: int = within(10, 0, 10_000)  # 0: the phase hands on what it was given
    patience: int = within(0, 0, 10_000)  # epochs without a lower loss on those people; 0: never stops


@dataclass(frozen=True)
class PretrainRecipe(TeacherTrainingRecipe):
    """SimCLR: NT-Xent between two views of each slice; projection_layers 2 is SimCLR's head, 3 SimCLRv2's.

    views "mri" are those of the table `augment`, "simclr" the original's, made for photographs. With `reach` the
    second view is of another slice of the same person, at most so many places away; 0: of the same slice.
    """

    temperature: float = within(0.2, 1e-3, 100)
    projection_layers: int = one_of(3, 2, 3)
    views: str = one_of("mri", "mri", "simclr")
    crop_area: float = within(0.08, 0.01, 1)  # of simclr's views: the smallest crop, as a share of the area
    jitter: float = within(1.0, 0, 1)  # of simclr's views: strength of the colour jitter
    reach: int = within(0, 0, 256)


@dataclass(frozen=True)
class FinetuneRecipe(TeacherTrainingRecipe):
    """On the labels; the linear head sits on this layer of the projection head (0: on the features)."""

    head_layer: int = one_of(1, 0, 1, 2)
    frozen: bool = False  # only the linear head learns: a linear probe
    dropout: float = within(0.0, 0, 0.95)  # share of the linear head's inputs that is left out in training
    sampling: str = one_of("shuffled", *SAMPLINGS)
    label_percent: int = one_of(100, 1, 10, 20, 50, 100)  # of each stage's people, at least one


@dataclass(frozen=True)
class StudentRecipe:
    """Three blocks of conv, batch norm, ReLU and max-pool, then two dense layers."""

    filters: tuple[int, int, int] = field(default=(12, 24, 48), metadata={"low": 1, "high": 1024})
    hidden: int = within(32, 1, 4096)
    pools: tuple[int, int, int] = field(default=(2, 2, 2), metadata={"low": 1, "high": 8})  # side of each max-pool
    pooled_norm: bool = False  # batch norm between the average and the dense layers; exported files have it folded in


@dataclass(frozen=True)
class MeasuresRecipe:
    """Brain volume and apparent age, which teacher and student learn beside the stage from people who have them.

    The stages then count as ordered: the loss is that of each step from one stage to the next.
    """

    learn: bool = False
    stage: float = within(0.5, 0, 100)  # weight of each step between stages, where brain volume and age have 1
    healthy_below: float = within(60.0, 0, 120)  # years; younger people whom nobody examined count as without dementia


@dataclass(frozen=True)
class DemographicsRecipe:
    """Age and sex as a second input of the student, for its stages alone; see `alzedge.student.model`.

    In training both are kept back at random, each from a share of the slices in every epoch, so that it answers without.
    """

    learn: bool = False
    withhold: float = within(0.4, 0, 1)


@dataclass(frozen=True)
class DistillRecipe(TrainingRecipe):
    """The teacher's soft targets, no labels but for `truth`; each epoch sees the next of `views` views.

    With `cross_fit` (0: without) they come from as many teachers, each of which has not seen the people
    it answers for; with `fluid` a regression joins them; see `alzedge.student.cross_fit` and `fluid`.
    """

    temperature: float = within(2.0, 0.1, 100)
    views: int = within(8, 1, 10_000)
    cross_fit: int = one_of(0, 0, 2, 3, 4, 5)
    fluid: bool = False
    truth: float = within(0.0, 0, 1)  # share of the truth in the targets, where it is known; 1: no teacher

    def __post_init__(self) -> None:
        if self.fluid and not self.cross_fit:
            raise UserError("distill.fluid: the regression is fitted part by part; set distill.cross_fit too.")


@dataclass(frozen=True)
class ExportRecipe:
    """int8 calibration."""

    calibration_images: int = within(200, 8, 100_000)


@dataclass(frozen=True)
class CompressRecipe:
    """For qat-int8, pruned and clustered files: AdamW on soft targets, a cosine to zero, neither warm-up nor labels."""

    epochs: int = within(4, 1, 10_000)
    batch_size: int = within(64, 2, 65_536)
    learning_rate: float = within(5e-4, 1e-8, 10)
    weight_decay: float = within(1e-4, 0, 1)
    sparsity: float = within(0.5, 0.05, 0.99)  # share of zeros among the weights, when pruned
    clusters: int = within(16, 2, 128)  # different weights in each layer, when clustered


@dataclass(frozen=True)
class BenchmarkRecipe:
    """Latency: calls of one slice each, rounded up to tens; a tenth as many warm up first."""

    calls: int = within(200, 10, 1_000_000)


@dataclass(frozen=True)
class Recipe:
    """Every setting of a run. `splits` empty means: all that the data set allows."""

    name: str = "recipe"
    seed: int = within(0, 0, 2**31 - 1)
    fold: int = one_of(0, 0, 1, 2, 3, 4)
    splits: tuple[str, ...] = field(default=(), metadata={"choices": SPLITS})
    phantoms: PhantomRecipe = PhantomRecipe()
    preprocessing: Preprocessing = field(default_factory=Preprocessing)
    augment: AugmentRecipe = AugmentRecipe()
    teacher: TeacherRecipe = TeacherRecipe()
    pretrain: PretrainRecipe = PretrainRecipe()
    finetune: FinetuneRecipe = FinetuneRecipe()
    student: StudentRecipe = StudentRecipe()
    distill: DistillRecipe = DistillRecipe()
    measures: MeasuresRecipe = MeasuresRecipe()
    demographics: DemographicsRecipe = DemographicsRecipe()
    export: ExportRecipe = ExportRecipe()
    compress: CompressRecipe = CompressRecipe()
    benchmark: BenchmarkRecipe = BenchmarkRecipe()

    def __post_init__(self) -> None:
        if self.finetune.head_layer >= self.pretrain.projection_layers:
            raise UserError(f"{self.name}: finetune.head_layer is past pretrain.projection_layers; lower it.")

    def to_dict(self) -> dict[str, Any]:
        """Nested plain values, as JSON and TOML hold them."""
        return dict(json.loads(json.dumps(asdict(self))))

    def to_toml(self) -> str:
        """The recipe as a TOML file that `alzedge.runs.recipe_file.load_recipe` reads back to an equal recipe."""
        import tomli_w

        return tomli_w.dumps(self.to_dict())
