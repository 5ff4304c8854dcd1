"""Learning rates against values of the original code and against arithmetic; optimizers by their names."""

import json
from pathlib import Path

import keras
import numpy as np
import pytest

from alzedge.runs.recipe import OPTIMIZERS, TrainingRecipe
from alzedge.teacher.training.optimizers import make_optimizer
from alzedge.teacher.training.schedules import learning_rates

VECTORS = np.load(Path(__file__).parents[1] / "reference" / "reference_schedule_kd.npz")


@pytest.mark.parametrize("case", ["linear_warm", "sqrt_warm", "sqrt_nowarm"])
def test_warm_up_and_cosine_are_the_original_s(case: str) -> None:
    config = json.loads(str(VECTORS[f"{case}|config"]))
    batch, total = config["train_batch_size"], int(VECTORS[f"{case}|total_steps"])
    scale = batch / 256 if config["learning_rate_scaling"] == "linear" else batch**0.5
    warmup = int(config["warmup_epochs"] * config["num_examples"] // batch)
    recipe = TrainingRecipe(learning_rate=config["learning_rate"] * scale, warmup=warmup / total)
    schedule = learning_rates(recipe, total)
    got = [float(schedule(int(step))) for step in VECTORS[f"{case}|steps"]]
    np.testing.assert_allclose(got, VECTORS[f"{case}|lr"], rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("cosine", {10: 0.5, 55: 0.25, 100: 0.0}),
        ("exponential", {10: 0.5, 55: 0.05, 100: 0.005}),
        ("step", {10: 0.5, 54: 0.5, 55: 0.05, 77: 0.05, 78: 0.005, 99: 0.005}),
        ("constant", {10: 0.5, 99: 0.5}),
    ],
)
def test_schedules_fall_as_documented_behind_the_same_warm_up(schedule: str, expected: dict[int, float]) -> None:
    rates = learning_rates(TrainingRecipe(learning_rate=0.5, warmup=0.1, schedule=schedule), 100)
    for step, rate in ({0: 0.0, 5: 0.25} | expected).items():
        assert float(rates(step)) == pytest.approx(rate, rel=1e-4, abs=1e-6), step
    assert float(learning_rates(TrainingRecipe(learning_rate=0.5, warmup=0, schedule=schedule), 100)(0)) == 0.5


def test_a_schedule_with_warm_up_survives_saving() -> None:
    rates = learning_rates(TrainingRecipe(warmup=0.2, schedule="step"), 50)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(rates))
    assert [float(again(step)) for step in range(50)] == [float(rates(step)) for step in range(50)]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_recipe_s_optimizer_is_what_its_name_says(name: str) -> None:
    optimizer = make_optimizer(TrainingRecipe(optimizer=name, momentum=0.8, weight_decay=0.01), 0.1)
    assert type(optimizer).__name__.lower() == name
    config = optimizer.get_config()
    assert config["weight_decay"] == (None if name == "adam" else 0.01)
    assert name in ("adamw", "adam") or config["momentum"] == 0.8
