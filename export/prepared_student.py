"""A student with everything that is the same for all the files it is exported to."""

from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from alzedge.data.dataset import DataSet, Split
from alzedge.export.convert.calibration_set import calibration_images
from alzedge.export.convert.plain import equalized, plain
from alzedge.export.convert.probabilities import PROBABILITIES, keras_outputs, keras_probabilities, with_probabilities
from alzedge.export.convert.tflite import to_float32
from alzedge.export.evaluate.external import calibration_split, test_slices
from alzedge.export.guard.fit import make_guard
from alzedge.export.verify.limits import HeldOut
from alzedge.inference.guard import Guard
from alzedge.inference.measures.demographics import Coding
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
        student: images (N, rows, columns, 1), or `[images, demographics]`, to logits (N, 4), or to a list that begins with them; see
            `alzedge.export.convert.plain`.
        model: the same with probabilities as output.
        float32: `model` as float32 flatbuffer, whose size that of every other file is compared with.
        calibrated_on: data set of the slices to calibrate on, `dataset` unless another one was named.
        calibration: int (M,), positions in it.
        tested: slices of known stage of the test side, or of another data set that was named.
        tested_elsewhere: true for the latter.
        held_out: `tested` with the probabilities of `model`.
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
    calibrated_on: DataSet
    calibration: NDArray[np.intp]
    tested: DataSet
    tested_elsewhere: bool
    held_out: HeldOut
    training: NDArray[np.float32]
    guard: Guard

    def told(self) -> NDArray[np.float32] | None:
        """Age and sex of the people on the calibration slices, float32 (M, 4); None for a student of the image alone.

        The last ones are the ends of the ranges, so that an integer file holds every age.
        """
        coding = Coding.read(self.record)
        if coding is None:
            return None
        told = demographics_of(coding, self.calibrated_on.take(self.calibration))
        ends = np.stack([*coding.ranges(), np.zeros(told.shape[1], np.float32)])[: len(told)]
        told[len(told) - len(ends) :] = ends
        return told

    def inputs(self, positions: NDArray[np.intp]) -> NDArray[np.float32]:
        """Preprocessed slices of the data set, float32 (N, rows, columns, 1)."""
        return self.recipe.preprocessing(self.dataset.images[positions])


def prepare_student(
    path: Path,
    dataset: DataSet,
    split: Split,
    recipe: Recipe,
    calibration: DataSet | None = None,
    test: DataSet | None = None,
) -> PreparedStudent:
    """Load a student, run it on both sides of its split, fit the guard and choose the calibration set.

    Args:
        path: `.keras` file of a student, or of a teacher to export as it is.
        dataset, split: the ones it was made with; see `alzedge.runs.split_run.made_with`.
        recipe: `export`, `preprocessing` and `seed` are used here, `compress`, `augment` and `distill.temperature` by
            formats that train further.
        calibration: data to calibrate on instead of the training side.
        test: data to verify files on instead of the test side; people who are found in the Kaggle archive or `dataset`
            are left out.

    Raises:
        UserError: no readable model, or no calibration slices; see `load_model` and `calibration_images`.
    """
    loaded, record = load_model(path)
    coding = Coding.read(record)
    tested = dataset.take(split.test) if test is None else test_slices(test, dataset)
    tested = tested.take(np.flatnonzero(tested.labels >= 0))
    source = (dataset, split) if calibration is None else (calibration, calibration_split(calibration, tested))
    chosen = calibration_images(*source, recipe.export.calibration_images, recipe.seed)
    student = plain(equalized(loaded, recipe.preprocessing(source[0].images[chosen])))
    model = with_probabilities(student)
    inputs = recipe.preprocessing(tested.images)
    people = tested.subject if tested.subjects_known else None
    told = None if coding is None else demographics_of(coding, tested)
    trained = dataset.take(split.train)
    answers = keras_outputs(model, inputs, told)
    return PreparedStudent(
        path=path,
        record=record,
        dataset=dataset,
        split=split,
        recipe=recipe,
        student=student,
        model=model,
        float32=to_float32(model),
        calibrated_on=source[0],
        calibration=chosen,
        tested=tested,
        tested_elsewhere=test is not None,
        held_out=HeldOut(inputs, tested.labels, people, answers.pop(PROBABILITIES), answers, told),
        training=keras_probabilities(
            model,
            recipe.preprocessing(trained.images),
            None if coding is None else demographics_of(coding, trained),
        ),
        guard=make_guard(dataset, split, recipe.seed),
    )


def demographics_of(coding: Coding, dataset: DataSet) -> NDArray[np.float32]:
    """Age and sex of the person on each slice, as far as they are known, float32 (N, 4)."""
    return coding.of_people(dataset.age, dataset.sex)
