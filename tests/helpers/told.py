"""A classifier whose stages depend on age and sex alone, in a known way, with the bundled network behind all else."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alzedge.imaging.preprocessing import Preprocessing
from alzedge.inference.classifier import Classifier
from alzedge.inference.measures.demographics import Coding
from alzedge.model_file.bundled import bundled_model
from alzedge.model_file.read_write import read_tflite


class ToldInterpreter:
    """Wraps an interpreter; any dementia is likelier with every year of age told, and for men."""

    def __init__(self, wrapped: Any) -> None:
        self.wrapped = wrapped

    def __call__(
        self, inputs: NDArray[np.float32], demographics: NDArray[np.float32] | None = None
    ) -> dict[str, NDArray[np.float32]]:
        """See `alzedge.inference.interpreters.Interpreter`."""
        assert demographics is not None and demographics.shape == (len(inputs), 4)
        ill = 1 / (1 + np.exp(-(-1 + demographics[:, 0] + 0.5 * demographics[:, 3])))
        shares = np.stack([1 - ill, ill / 2, ill / 4, ill / 4], axis=1).astype(np.float32)
        return dict(self.wrapped(inputs)) | {"probabilities": shares}


def told_classifier() -> Classifier:
    """Its record is the bundled file's, without the rule for a person, and with the entry `demographics`."""
    record = read_tflite(bundled_model())[1] | {"demographics": Coding().to_dict(), "measures": None}
    return Classifier(ToldInterpreter(Classifier.load().interpreter), record)


def told_file(path: Path) -> Path:
    """Write an int8 file of an untrained student that has age and sex as its second input."""
    import keras

    from alzedge.export.convert.plain import plain
    from alzedge.export.convert.probabilities import with_probabilities
    from alzedge.export.convert.tflite import to_int8
    from alzedge.model_file.read_write import write_tflite
    from alzedge.runs.recipe import StudentRecipe
    from alzedge.runs.truths import Scale, Scales
    from alzedge.student.model import build_student

    keras.utils.set_random_seed(2)
    scales = Scales(Scale(0.78, 0.06), Scale(60.0, 20.0))
    student = build_student(StudentRecipe((4, 8, 8), 12), (52, 44, 1), scales, demographics=True)
    random = np.random.default_rng(0)
    calibration = random.random((24, 52, 44, 1), np.float32)
    told = Coding().of_people(random.uniform(20, 100, 24), random.choice(["F", "M", ""], 24))
    record = read_tflite(bundled_model())[1] | {"demographics": Coding().to_dict(), "measures": None}
    record["preprocessing"] = Preprocessing(4, ("white",)).to_dict()
    write_tflite(path, to_int8(with_probabilities(plain(student)), calibration, demographics=told), record)
    return path
