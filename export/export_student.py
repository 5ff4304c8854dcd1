"""From a prepared student to one exported and verified file."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

from alzedge.data.dataset import DataSet
from alzedge.errors import UserError
from alzedge.export.convert.format_traits import TRAITS
from alzedge.export.convert.formats import FORMATS, ConversionInput
from alzedge.export.convert.heat_map import with_heat_map
from alzedge.export.convert.plain import untold
from alzedge.export.convert.probabilities import PROBABILITIES, keras_probabilities, with_probabilities
from alzedge.export.convert.rgb import to_rgb
from alzedge.export.convert.tflite import Images, to_float32
from alzedge.export.guard.operating_threshold import operating_threshold
from alzedge.export.prepared_student import PreparedStudent
from alzedge.export.target import Target
from alzedge.export.verify.limits import Goals, HeldOut
from alzedge.export.verify.verdict import Verdict, verify
from alzedge.imaging.preprocessing import Preprocessing
from alzedge.imaging.steps import lookup_of
from alzedge.inference.measures.demographics import DEMOGRAPHICS
from alzedge.model_file.origin import Origin
from alzedge.model_file.read_write import Record, Role, kind_of, make_record, read_keras_record
from alzedge.runs.recipe import Recipe
from alzedge.teacher.keras_file import load_model
from alzedge.utils.progress import OnStep, quiet


def export_student(
    prepared: PreparedStudent, output: Path, target: Target, teacher: Path | None = None, on_step: OnStep = quiet
) -> Verdict:
    """Convert a student to one file, verify it on the test side and write it with its record.

    Args:
        prepared: see `alzedge.export.prepared_student.prepare_student`.
        output: file to write; a folder for 'saved_model'.
        target: format and variants.
        teacher: `.keras` file, for formats that train further; see `find_teacher`. None: the student itself.
        on_step: called after every step of training.

    Returns:
        The verdict, which the record holds too.

    Raises:
        UserError: refused by `Target.check`, by the conversion or by `verify`; no file is written then.
    """
    target.check(prepared.path, prepared.record, output)
    student, model, float32 = prepared.student, prepared.model, prepared.float32
    if target.rgb:  # MediaPipe's image classifier takes one input and one output
        student = untold(student)
        student = keras.Model(student.input, student.outputs[0], name=student.name)
    if target.heat_map:
        student = with_heat_map(student)
    if student is not prepared.student:
        model = with_probabilities(student)
        float32 = to_float32(model)
    format_ = FORMATS[target.format]
    data = format_.convert(conversion_input(prepared, model, float32, teacher, on_step))
    held_out = _of_images(prepared.held_out, model) if target.rgb else prepared.held_out
    outputs = format_.container.outputs(data, held_out.inputs, held_out.demographics)
    probabilities = outputs[PROBABILITIES]
    compress = prepared.recipe.compress
    goals = Goals(len(float32), compress.sparsity, compress.clusters, target.max_auc_drop)
    verdict = verify(target.format, format_.container.contents(data), probabilities, held_out, goals, outputs)
    threshold = operating_threshold(
        prepared.training, probabilities, prepared.dataset.take(prepared.split.train), prepared.tested
    )
    preprocessing = prepared.recipe.preprocessing
    if target.rgb:
        lookup = lookup_of(preprocessing.steps) if preprocessing.steps else None
        data, preprocessing = to_rgb(data, preprocessing.shrink, lookup), Preprocessing(1)
    entries = _provenance(prepared, target, teacher) | {
        "verdict": verdict.to_dict() | ({"tested_on": prepared.tested.name} if prepared.tested_elsewhere else {}),
        "guard": prepared.guard.to_dict(),
        "operating_threshold": threshold,
    }
    if target.rgb:
        entries.pop(DEMOGRAPHICS, None)
    entries |= _levels(prepared.dataset)
    format_.container.write(output, data, make_record(target.kind(kind_of(prepared.record)), preprocessing, **entries))
    return verdict


def _of_images(held_out: HeldOut, model: keras.Model) -> HeldOut:
    """Held-out slices for a file of images and probabilities alone."""
    keras_ = held_out.keras if held_out.demographics is None else keras_probabilities(model, held_out.inputs)
    return replace(held_out, measures={}, demographics=None, keras=keras_)


def _levels(dataset: DataSet) -> dict[str, Any]:
    """The heights at which the file looks at volumes: those of the source that shows most of the head; none if unknown."""
    heights = [np.unique(dataset.height[dataset.source == source]) for source in np.unique(dataset.source)]
    known = [levels.tolist() for levels in heights if np.isfinite(levels).all()]
    none: list[float] = []
    widest = max(known, key=lambda levels: float(np.ptp(levels)), default=none)
    return {"levels": widest} if widest else {}


def conversion_input(
    prepared: PreparedStudent,
    model: keras.Model,
    float32: bytes,
    teacher: Path | None = None,
    on_step: OnStep = quiet,
) -> ConversionInput:
    """Input of the conversion of a prepared student.

    Args:
        prepared, teacher, on_step: see `export_student`.
        model: images to the outputs of the file.
        float32: `model` as float32 flatbuffer.
    """

    def training() -> tuple[keras.Model, Images]:
        teaching = prepared.student if teacher is None else load_model(teacher)[0]
        return teaching, prepared.inputs(prepared.split.train)

    return ConversionInput(
        path=prepared.path,
        student=prepared.student,
        model=model,
        float32=float32,
        calibration=prepared.recipe.preprocessing(prepared.calibrated_on.images[prepared.calibration]),
        demographics=prepared.told(),
        training=training,
        recipe=prepared.recipe,
        on_step=on_step,
    )


def _provenance(prepared: PreparedStudent, target: Target, teacher: Path | None) -> dict[str, Any]:
    """Origin of the file: the student's own entries, the calibration set and the further training."""
    record, recipe, traits = prepared.record, prepared.recipe, TRAITS[target.format]
    settings = recipe.to_dict()
    used = {"export": settings["export"]} if traits.calibrated else {}
    used |= {"compress": settings["compress"]} if traits.trained else {}
    kept = {entry: record[entry] for entry in ("dataset", "split", "soft_targets", DEMOGRAPHICS) if entry in record}
    # Positions in the data set of the fingerprint: they tell its owner which slices, and others nothing.
    calibration = {"seed": recipe.seed, "slices": prepared.calibration.tolist()} | _elsewhere(
        prepared, prepared.calibrated_on
    )
    compression = {"compression": _compression(prepared.path, teacher, recipe)} if traits.trained else {}
    return (
        {"recipe": record["recipe"] | used}
        | kept
        | {"calibration": calibration if traits.calibrated else None}
        | compression
    )


def _elsewhere(prepared: PreparedStudent, used: DataSet) -> dict[str, Any]:
    """Name and fingerprint of a data set that is not the one the student was made from; else nothing."""
    if used is prepared.dataset:
        return {}
    return {"dataset": {"name": used.name, "fingerprint": used.fingerprint}}


def find_teacher(student: Path, record: Record, teacher: Path | None) -> Path | None:
    """Find the teacher to train further with: the one named, else `teacher.keras` beside the student.

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
    teacher_record = read_keras_record(path, Role.TEACHER)
    theirs, ours = Origin.read(teacher_record), Origin.read(record)
    if theirs.dataset.fingerprint != ours.dataset.fingerprint:
        raise UserError(f"{path} was made with another dataset than {student}; name the student's own --teacher.")
    if (theirs.split.name, theirs.split.fold) != (ours.split.name, ours.split.fold):
        raise UserError(f"{path} was made with another split than {student}; name the student's own --teacher.")
    if teacher_record["preprocessing"] != record["preprocessing"]:
        raise UserError(f"{path} wants other preprocessing than {student}; name the student's own --teacher.")
    return path


def _compression(student: Path, teacher: Path | None, recipe: Recipe) -> dict[str, Any]:
    """Teacher of the further training, by the SHA-256 of its record, and settings beside those of `compress`."""
    source = read_keras_record(teacher or student)
    return {
        "teacher": {"kind": source["kind"], "sha256": source["sha256"]},
        "temperature": recipe.distill.temperature,
        "augment": asdict(recipe.augment),
        "seed": recipe.seed,
    }
