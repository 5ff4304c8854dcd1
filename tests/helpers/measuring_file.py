"""A model file with three named outputs, made by TensorFlow of an untrained network, for programs that read outputs by name."""

from pathlib import Path

from helpers.measuring import measuring_record

from alzedge.imaging.preprocessing import Preprocessing
from alzedge.imaging.steps import STEPS


def measuring_file(path: Path) -> Path:
    """Write it: the bundled file's record with made-up rules, preprocessing by the step `white` where it is known."""
    import keras
    import numpy as np

    from alzedge.export.convert.tflite import to_int8
    from alzedge.model_file.read_write import write_tflite

    keras.utils.set_random_seed(1)
    images = keras.Input((52, 44, 1))
    hidden = keras.layers.Conv2D(4, 5, 4, activation="relu")(images)
    pooled = keras.layers.GlobalAveragePooling2D()(hidden)
    outputs = {
        "probabilities": keras.layers.Dense(4, "softmax", name="probabilities")(pooled),
        "brain_volume": 0.75 + 0.1 * keras.layers.Dense(1, name="brain_volume")(pooled),
        "age": 60 + 50 * keras.layers.Dense(1, name="age")(pooled),
    }
    calibration = np.random.default_rng(0).random((20, 52, 44, 1), np.float32)
    record = measuring_record()
    steps = ("white",) if "white" in STEPS else ("fluid",)
    record["preprocessing"] = Preprocessing(4, steps).to_dict()
    record["split"] = {**record["split"], "description": "made up"}  # so that no other file's heat map is of its origin
    write_tflite(path, to_int8(keras.Model(images, outputs), calibration), record)
    return path
