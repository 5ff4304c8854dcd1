"""Files of a student that is told age and sex: every format answers as Keras does, and without them as one of images alone."""

import keras
import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from alzedge.errors import UserError
from alzedge.export.convert.heat_map import with_heat_map
from alzedge.export.convert.onnx import to_onnx
from alzedge.export.convert.plain import plain, untold
from alzedge.export.convert.probabilities import keras_outputs, with_probabilities
from alzedge.export.convert.saved_model import saved_model_outputs, to_saved_model
from alzedge.export.convert.tflite import to_float32, to_int8, to_int16x8
from alzedge.export.convert.write_tflite_metadata import add_metadata
from alzedge.imaging.preprocessing import Preprocessing
from alzedge.inference.interpreters import OnnxInterpreter, TFLiteInterpreter
from alzedge.inference.measures.demographics import Coding
from alzedge.model_file.read_tflite_metadata import standard_metadata
from alzedge.runs.recipe import StudentRecipe
from alzedge.runs.truths import Scale, Scales
from alzedge.student.model import build_student

SCALES = Scales(Scale(0.78, 0.06), Scale(60.0, 20.0))


@pytest.fixture(scope="module")
def student() -> keras.Model:
    """Untrained, folded, with biases that leave about half of the units on."""
    keras.utils.set_random_seed(0)
    recipe = StudentRecipe((4, 8, 8), 12, pools=(4, 2, 1), pooled_norm=True)
    model = build_student(recipe, (52, 44, 1), SCALES, demographics=True)
    random = np.random.default_rng(0)
    for name in ("hidden", "joint_image"):
        kernel, bias = model.get_layer(name).get_weights()
        model.get_layer(name).set_weights([kernel, random.normal(0, 0.3, bias.shape)])
    return plain(model)


@pytest.fixture(scope="module")
def asked() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(1)
    ages = np.where(random.random(24) < 0.3, np.nan, random.uniform(20, 100, 24))
    return random.random((24, 52, 44, 1), np.float32), Coding().of_people(ages, random.choice(["F", "M", ""], 24))


@pytest.mark.slow
def test_each_format_answers_as_keras_does(student: keras.Model, asked: tuple[np.ndarray, np.ndarray]) -> None:
    images, told = asked
    model = with_probabilities(student)
    wanted, without = keras_outputs(model, images, told), keras_outputs(model, images)
    assert np.abs(wanted["probabilities"] - without["probabilities"]).max() > 0.1
    np.testing.assert_array_equal(wanted["age"], without["age"])
    numbers = to_int8(model, images, demographics=told)
    flat = {"float32": to_float32(model), "int8": numbers, "int16x8": to_int16x8(model, images, told)}
    for name, data in flat.items():
        interpreter = TFLiteInterpreter(data)
        # The guides for phones take the image for the first input.
        assert len(Interpreter(model_content=data).get_input_details()[0]["shape"]) == 4
        close = 1e-5 if name == "float32" else 0.06
        assert np.abs(interpreter(images, told)["probabilities"] - wanted["probabilities"]).max() < close, name
        assert np.abs(interpreter(images)["probabilities"] - without["probabilities"]).max() < close, name
    for got in (
        OnnxInterpreter(to_onnx(model))(images, told),
        saved_model_outputs(to_saved_model(model), images, told),
    ):
        np.testing.assert_allclose(got["probabilities"], wanted["probabilities"], atol=1e-5)


def test_the_integer_file_takes_four_floats_by_name_and_tells_their_ranges(
    student: keras.Model, asked: tuple[np.ndarray, np.ndarray]
) -> None:
    data = add_metadata(
        to_int8(with_probabilities(student), asked[0], demographics=asked[1]),
        "student-int8",
        Preprocessing(4),
        Coding(),
    )
    interpreter = Interpreter(model_content=data)
    assert interpreter.get_signature_list()["serving_default"]["inputs"] == ["demographics", "images"]
    kinds = {len(one["shape"]): (one["dtype"], one["name"]) for one in interpreter.get_input_details()}
    assert kinds[4][0] == np.int8 and kinds[2] == (np.float32, "demographics")
    metadata = standard_metadata(data)
    assert metadata is not None
    (told,) = [one for one in metadata["inputs"] if one["name"] == "demographics"]
    assert told["min"] == [-2, 0, 0, 0] and told["max"] == [2, 1, 1, 1] and "(years - 60) / 20" in told["description"]


def test_told_nothing_it_is_a_student_of_the_image_alone(
    student: keras.Model, asked: tuple[np.ndarray, np.ndarray]
) -> None:
    alone = untold(student)
    assert len(alone.inputs) == 1 and untold(alone) is alone
    alone = with_probabilities(alone)
    want, got = (keras_outputs(one, asked[0]) for one in (with_probabilities(student), alone))
    np.testing.assert_allclose(got["probabilities"], want["probabilities"], atol=1e-6)


def test_the_heat_map_and_what_is_the_same_at_every_place_are_the_logit(
    student: keras.Model, asked: tuple[np.ndarray, np.ndarray]
) -> None:
    images, told = asked
    logits, *_, heat = map(np.asarray, with_heat_map(student).predict_on_batch([images, told]))
    names = ("hidden", "joint_image", "joint_demographics", "logits")
    (_, b1), (w2, b2), (w3,), (w4, b4) = (student.get_layer(name).get_weights() for name in names)
    hidden, joint = keras.Model(
        student.input, [student.get_layer("hidden").output, student.get_layer("joint").output]
    ).predict_on_batch([images, told])
    constant = (((hidden > 0) * b1) @ w2 + b2 + told @ w3) * (joint > 0) @ w4 + b4
    assert 0.2 < (joint > 0).mean() < 0.9
    np.testing.assert_allclose(heat.mean(axis=(1, 2)) + constant, logits, rtol=1e-3, atol=1e-3)


def test_a_file_of_other_inputs_is_refused() -> None:
    numbers = keras.Input((3,))
    with pytest.raises(UserError, match="inputs are not a slice"):
        TFLiteInterpreter(to_float32(keras.Model(numbers, keras.layers.Dense(4)(numbers))))
