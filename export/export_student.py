"""From a student to one exported and judged file."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import keras

from alzedge.data.dataset import DataSet, Split
from alzedge.errors import UserError
from alzedge.export.convert.formats import FORMATS, Order
from alzedge.export.convert.heat_map import with_heat_map
from alzedge.export.convert.rgb import to_rgb
from alzedge.export.convert.tflite import Images, answers, calibration_images, to_float32, with_probabilities
from alzedge.export.guard.fit import make_guard
from alzedge.export.guard.operating_threshold import operating_threshold
from alzedge.export.verify.limits import Goals, HeldOut
from alzedge.export.verify.verdict import Verdict, judge
from alzedge.imaging.preprocessing import Preprocessing
from alzedge.imaging.steps import lookup_of
from alzedge.model_file.read_write import Record, make_record, read_folder_record, read_keras_record
from alzedge.runs.recipe import Recipe
from alzedge.teacher.keras_file import load_model
from alzedge.utils.progress import OnStep, quiet


def export_student(
    student: Path,
    output: Path,
    fmt: str,
    dataset: DataSet,
    split: Split,
    recipe: Recipe,
    teacher: Path | None = None,
    on_step: OnStep = quiet,
    *,
    heat_map: bool = False,
    rgb: bool = False,
) -> Verdict:
    """Convert one student to one format, judge it on the test side and write it with its record.

    Args:
        student: `.keras` file.
        output: file to write; a folder for 'saved_model'.
        fmt: a name in `alzedge.export.convert.formats.FORMATS`.
        dataset, split: the ones the student was made with; see `alzedge.runs.split_run.made_with`.
        recipe: `export`, `compress`, `augment`, `distill.temperature`, `preprocessing` and `seed` are used.
        teacher: for formats that train further; see `find_teacher`.
        on_step: told about every step of training.
        heat_map: with a second output; see `alzedge.export.convert.heat_map`.
        rgb: behind a whole colour image; see `alzedge.export.convert.rgb`.

    Returns:
        The verdict, which the record holds too.

    Raises:
        UserError: what `judge`, the conversion or the choice of calibration slices refuses, or a heat map or colour
            that the format cannot have; no file is written then.
    """
    chosen_format = FORMATS[fmt]
    container = chosen_format.container
    _check_additions(fmt, heat_map, rgb)
    if rgb and lookup_of(recipe.preprocessing.steps) is None:
        raise UserError(
            f"{student} wants the steps {', '.join(recipe.preprocessing.steps)} first, which a file for colour images cannot do "
            "itself; export without --rgb, or train a student with other steps."
        )
    if not container.suffix and output.exists():
        read_folder_record(output)  # refuses what is not ours before any work
    logits, record = load_model(student)
    model = with_probabilities(with_heat_map(logits) if heat_map else logits)
    preprocess = recipe.preprocessing
    inputs = preprocess(dataset.images[:0])
    made_with = record["recipe"]
    added: dict[str, Any] = {"calibration": None}
    if chosen_format.calibrated:
        chosen = calibration_images(dataset, split, recipe.export.calibration_images, recipe.seed)
        inputs = preprocess(dataset.images[chosen])
        # Positions in the data set of the fingerprint: they tell its owner which slices, and others nothing.
        added["calibration"] = {"seed": recipe.seed, "slices": chosen.tolist()}
        made_with = made_with | {"export": recipe.to_dict()["export"]}
    if chosen_format.trained:
        added["compression"] = _compression(student, teacher, recipe)
        made_with = made_with | {"compress": recipe.to_dict()["compress"]}

    def training() -> tuple[keras.Model, Images]:
        teaching = logits if teacher is None else load_model(teacher)[0]
        return teaching, preprocess(dataset.images[split.train])

    data = chosen_format.make(Order(student, logits, model, inputs, training, recipe, on_step))
    goals = Goals(len(to_float32(model)), recipe.compress.sparsity, recipe.compress.clusters)
    held = held_out(model, dataset, split, recipe)
    answered = container.answers(data, held.inputs)
    verdict = judge(fmt, container.contents(data), answered, held, goals)
    added["verdict"] = verdict.to_dict()
    added["guard"] = make_guard(dataset, split, recipe.seed).to_dict()
    taught = answers(model, preprocess(dataset.images[split.train]))
    added["operating_threshold"] = operating_threshold(taught, answered, dataset, split)
    if rgb:
        data = to_rgb(data, preprocess.shrink, lookup_of(preprocess.steps) if preprocess.steps else None)
        preprocess = Preprocessing(1)
    kind = record["kind"] if fmt == "keras" else f"{record['kind']}-{fmt}"
    kind += "-heat-map" * heat_map + "-rgb" * rgb
    kept = ("dataset", "split", "soft_targets")
    provenance = {"recipe": made_with} | {entry: record[entry] for entry in kept if entry in record}
    container.write(output, data, make_record(kind, preprocess, **provenance, **added))
    return verdict


def _check_additions(fmt: str, heat_map: bool, rgb: bool) -> None:
    if heat_map and (FORMATS[fmt].trained or fmt == "keras"):
        raise UserError(f"No heat map with {fmt}; export the companion file as int8, float32 or onnx.")
    if rgb and FORMATS[fmt].container.suffix != ".tflite":
        raise UserError(f"No colour input with {fmt}; only .tflite files have that variant.")


def held_out(model: keras.Model, dataset: DataSet, split: Split, recipe: Recipe) -> HeldOut:
    """The test side of a split and a Keras model's probabilities for it."""
    test = dataset.take(split.test)
    inputs = recipe.preprocessing(test.images)
    return HeldOut(inputs, test.labels, test.subject if dataset.subjects_known else None, answers(model, inputs))


def find_teacher(student: Path, record: Record, teacher: Path | None) -> Path | None:
    """The teacher to train further with: the one named, else `teacher.keras` beside the student.

    Args:
        student: `.keras` file.
        record: its record.
        teacher: named by the user.

    Returns:
        None where there is none: the student is then its own teacher.

    Raises:
        UserError: not a teacher, or one of other data, another split or other preprocessing, so that it may have seen
            the people who test the student.
    """
    path = teacher or student.parent / "teacher.keras"
    if teacher is None and not path.exists():
        return None
    found = read_keras_record(path, "teacher")
    for name, entry in (("dataset", "fingerprint"), ("split", "name"), ("split", "fold")):
        if found[name][entry] != record[name][entry]:
            raise UserError(f"{path} was made with another {name} than {student}; name the student's own --teacher.")
    if found["preprocessing"] != record["preprocessing"]:
        raise UserError(f"{path} wants other preprocessing than {student}; name the student's own --teacher.")
    return path


def _compression(student: Path, teacher: Path | None, recipe: Recipe) -> dict[str, Any]:
    """Who taught, by the SHA-256 of its record, and by which settings beside those of `compress`."""
    source = read_keras_record(teacher or student)
    return {
        "teacher": {"kind": source["kind"], "sha256": source["sha256"]},
        "temperature": recipe.distill.temperature,
        "augment": asdict(recipe.augment),
        "seed": recipe.seed,
    }
