"""Recipes: every setting of a run, as data. Read from TOML, recorded beside the results."""

import json
import tomllib
from dataclasses import asdict, dataclass, field, fields, is_dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

from alzedge.dataset import SPLITS
from alzedge.errors import UserError
from alzedge.preprocessing import Preprocessing

DEPTHS = (18, 34, 50, 101, 152)


def _within(default: Any, low: float, high: float) -> Any:
    return field(default=default, metadata={"low": low, "high": high})


def _one_of(default: Any, *choices: Any) -> Any:
    return field(default=default, metadata={"choices": choices})


@dataclass(frozen=True)
class PhantomRecipe:
    """The data, when no data set is given; see `alzedge.phantoms.make_phantoms`."""

    subjects: int = _within(60, 20, 100_000)
    slices: int = _within(10, 5, 256)


@dataclass(frozen=True)
class AugmentRecipe:
    """Random views of a slice; ranges are symmetric around no change."""

    rotation: float = _within(10.0, 0, 180)  # degrees
    zoom: float = _within(0.1, 0, 0.9)  # share of the size
    shift: float = _within(0.05, 0, 0.5)  # share of the size
    gain: float = _within(0.15, 0, 0.9)  # share of the brightness
    gamma: float = _within(0.2, 0, 2)  # natural logarithm of the exponent
    flip: bool = True  # left and right


@dataclass(frozen=True)
class TeacherRecipe:
    """SimCLRv2's ResNet; width 1 is the published 64 filters in the first group."""

    depth: int = _one_of(18, *DEPTHS)
    width: float = _within(0.5, 0.0625, 3)
    selective_kernels: bool = False  # the published checkpoints whose names end in sk1


@dataclass(frozen=True)
class TrainingRecipe:
    """AdamW with a linear warm-up and a cosine to zero."""

    epochs: int = _within(10, 1, 10_000)
    batch_size: int = _within(64, 2, 65_536)
    learning_rate: float = _within(1e-3, 1e-8, 10)
    weight_decay: float = _within(1e-4, 0, 1)
    warmup: float = _within(0.1, 0, 1)  # share of all steps


@dataclass(frozen=True)
class PretrainRecipe(TrainingRecipe):
    """SimCLR: NT-Xent between two views of each slice."""

    temperature: float = _within(0.2, 1e-3, 100)


@dataclass(frozen=True)
class FinetuneRecipe(TrainingRecipe):
    """All layers on the labels; the linear head sits on this layer of the projection head."""

    head_layer: int = _one_of(1, 0, 1, 2)


@dataclass(frozen=True)
class StudentRecipe:
    """Three blocks of conv, batch norm, ReLU and max-pool, then two dense layers."""

    filters: tuple[int, int, int] = field(default=(12, 24, 48), metadata={"low": 1, "high": 1024})
    hidden: int = _within(32, 1, 4096)


@dataclass(frozen=True)
class DistillRecipe(TrainingRecipe):
    """The teacher's soft targets, no labels; each epoch sees the next of `views` views."""

    temperature: float = _within(2.0, 0.1, 100)
    views: int = _within(8, 1, 10_000)


@dataclass(frozen=True)
class ExportRecipe:
    """int8 calibration."""

    calibration_images: int = _within(200, 8, 100_000)


@dataclass(frozen=True)
class CompressRecipe(TrainingRecipe):
    """Fine-tuning on soft targets, with neither warm-up nor labels, for qat-int8, pruned and clustered files."""

    epochs: int = _within(4, 1, 10_000)
    learning_rate: float = _within(5e-4, 1e-8, 10)
    sparsity: float = _within(0.5, 0.05, 0.99)  # share of zeros among the weights, when pruned
    clusters: int = _within(16, 2, 128)  # different weights in each layer, when clustered


@dataclass(frozen=True)
class BenchmarkRecipe:
    """Latency: calls of one slice each, rounded up to tens; a tenth as many warm up first."""

    calls: int = _within(200, 10, 1_000_000)


@dataclass(frozen=True)
class Recipe:
    """Every setting of a run. `splits` empty means: all that the data set allows."""

    name: str = "recipe"
    seed: int = _within(0, 0, 2**31 - 1)
    fold: int = _one_of(0, 0, 1, 2, 3, 4)
    splits: tuple[str, ...] = field(default=(), metadata={"choices": SPLITS})
    phantoms: PhantomRecipe = PhantomRecipe()
    preprocessing: Preprocessing = field(default_factory=Preprocessing)
    augment: AugmentRecipe = AugmentRecipe()
    teacher: TeacherRecipe = TeacherRecipe()
    pretrain: PretrainRecipe = PretrainRecipe()
    finetune: FinetuneRecipe = FinetuneRecipe()
    student: StudentRecipe = StudentRecipe()
    distill: DistillRecipe = DistillRecipe()
    export: ExportRecipe = ExportRecipe()
    compress: CompressRecipe = CompressRecipe()
    benchmark: BenchmarkRecipe = BenchmarkRecipe()

    def to_dict(self) -> dict[str, Any]:
        """Nested plain values, as JSON and TOML hold them."""
        plain: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return plain

    def to_toml(self) -> str:
        """The recipe as a TOML file that `load_recipe` reads back to an equal recipe."""
        tables = self.to_dict()
        lines = [f"{key} = {json.dumps(value)}" for key, value in tables.items() if not isinstance(value, dict)]
        for name, table in tables.items():
            if isinstance(table, dict):
                # JSON's strings, numbers, booleans and arrays are also TOML's.
                lines += ["", f"[{name}]"] + [f"{key} = {json.dumps(value)}" for key, value in table.items()]
        return "\n".join(lines) + "\n"


def recipe_names() -> list[str]:
    """The recipes that come with the package."""
    folder = resources.files("alzedge").joinpath("recipes")
    return sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml"))


def load_recipe(name_or_path: str, seed: int | None = None) -> Recipe:
    """Load a recipe by the name of a packaged one or the path of a TOML file.

    Args:
        name_or_path: a name from `recipe_names()`, or a path that ends with `.toml`.
        seed: replaces the recipe's seed.

    Raises:
        UserError: no such recipe, not TOML, an unknown key or an impossible value.
    """
    text, name = _read(name_or_path)
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"{name_or_path}: not a TOML file ({error}); `alzedge run --help` shows an example.") from error
    recipe: Recipe = _build(Recipe, {"name": name} | table, name_or_path, "")
    if seed is not None:
        recipe = replace(recipe, seed=_checked(seed, int, Recipe.__dataclass_fields__["seed"].metadata, "--seed"))
    return recipe


def _read(name_or_path: str) -> tuple[str, str]:
    if name_or_path in recipe_names():
        packaged = resources.files("alzedge").joinpath("recipes", f"{name_or_path}.toml")
        return packaged.read_text(encoding="utf-8"), name_or_path
    path = Path(name_or_path)
    try:
        return path.read_text(encoding="utf-8"), path.stem
    except FileNotFoundError as error:
        names = ", ".join(recipe_names())
        raise UserError(f"{name_or_path}: no such recipe; name one of {names}, or a TOML file.") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{name_or_path}: not a text file; a recipe is TOML in UTF-8.") from error


def _build(cls: Any, table: dict[str, Any], file: str, section: str) -> Any:
    known = {f.name: f for f in fields(cls)}
    hints = get_type_hints(cls)
    values = {}
    for key, value in table.items():
        where = f"{file}: {section}{key}"
        if key not in known:
            raise UserError(f"{where} is not a setting; known here: {', '.join(known)}.")
        if is_dataclass(hints[key]):
            if not isinstance(value, dict):
                raise UserError(f"{where}: expected a table [{key}], got {value!r}.")
            values[key] = _build(hints[key], value, file, f"{section}{key}.")
        else:
            values[key] = _checked(value, hints[key], known[key].metadata, where)
    return cls(**values)


def _checked(value: Any, kind: Any, limits: Any, where: str) -> Any:
    if get_origin(kind) is tuple:
        kinds = get_args(kind)
        of_length = "" if kinds[-1] is Ellipsis else f" of {len(kinds)}"
        if not isinstance(value, list) or of_length and len(value) != len(kinds):
            raise UserError(f"{where}: expected a list{of_length}, got {value!r}.")
        return tuple(_checked(item, kinds[0], limits, where) for item in value)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if type(value) is not kind:
        raise UserError(f"{where}: expected {kind.__name__}, got {value!r}.")
    if "choices" in limits and value not in limits["choices"]:
        raise UserError(f"{where}: expected one of {', '.join(map(str, limits['choices']))}, got {value!r}.")
    if "low" in limits and not limits["low"] <= value <= limits["high"]:
        raise UserError(f"{where}: expected {limits['low']} to {limits['high']}, got {value!r}.")
    return value
