"""A student with everything that is the same for all the files it is exported to."""

from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from alzedge.data.dataset import DataSet, Split
from alzedge.export.convert.calibration_set import calibration_images
from alzedge.export.convert.plain import plain
from alzedge.export.convert.probabilities import PROBABILITIES, keras_outputs, keras_probabilities, with_probabilities
from alzedge.export.convert.tflite import to_float32
from alzedge.export.guard.fit import make_guard
from alzedge.export.verify.limits import HeldOut
from alzedge.inference.guard import Guard
from alzedge.model_file.read_write import Record
from alzedge.runs.recipe import Recipe
from alzedge.teacher.keras_file import load_model


@dataclass(frozen=True, eq=False)
class PreparedStudent:
    """A student ready to be exported to any format.

    Attributes:
        path: its `.keras` file.
        record: of that file.
        dataset, split, recipe: see `prepare_student`.
        student: images (N, rows, columns, 1) to logits (N, 4), or to a list that begins with them; see
            `alzedge.export.convert.plain`.
        model: the same with probabilities as output.
        float32: `model` as float32 flatbuffer, whose size that of every other file is compared with.
        calibration: int (M,), positions in the data set of the slices to calibrate on.
        held_out: slices of known stage of the test side, with the probabilities of `model`.
        training: float32 (N, 4), probabilities of `model` for the training side.
        guard: fitted on the training side.
    """

    path: Path
    record: Record
    dataset: DataSet
    split: Split
    recipe: Recipe
    student: keras.Model
    model: keras.Model
    float32: bytes
    calibration: NDArray[np.intp]
    held_out: HeldOut
    training: NDArray[np.float32]
    guard: Guard

    def inputs(self, positions: NDArray[np.intp]) -> NDArray[np.float32]:
        """Preprocessed slices of the data set, float32 (N, rows, columns, 1)."""
        return self.recipe.preprocessing(self.dataset.images[positions])


def prepare_student(path: Path, dataset: DataSet, split: Split, recipe: Recipe) -> PreparedStudent:
    """Load a student, run it on both sides of its split, fit the guard and choose the calibration set.

    Args:
        path: `.keras` file of a student, or of a teacher to export as it is.
        dataset, split: the ones it was made with; see `alzedge.runs.split_run.made_with`.
        recipe: `export`, `preprocessing` and `seed` are used here, `compress`, `augment` and `distill.temperature` by
            formats that train further.

    Raises:
        UserError: no readable model, or no calibration slices; see `load_model` and `calibration_images`.
    """
    loaded, record = load_model(path)
    student = plain(loaded)
    model = with_probabilities(student)
    test = dataset.take(split.test[dataset.labels[split.test] >= 0])
    inputs = recipe.preprocessing(test.images)
    people = test.subject if dataset.subjects_known else None
    told = keras_outputs(model, inputs)
    return PreparedStudent(
        path=path,
        record=record,
        dataset=dataset,
        split=split,
        recipe=recipe,
        student=student,
        model=model,
        float32=to_float32(model),
        calibration=calibration_images(dataset, split, recipe.export.calibration_images, recipe.seed),
        held_out=HeldOut(inputs, test.labels, people, told.pop(PROBABILITIES), told),
        training=keras_probabilities(model, recipe.preprocessing(dataset.images[split.train])),
        guard=make_guard(dataset, split, recipe.seed),
    )
