"""How the learning rate moves during training."""

from typing import Any

import keras
from keras import ops

from alzedge.runs.recipe import TrainingRecipe

_EXPONENTIAL_END = 0.01  # what is left of the learning rate in the end
_STEP_SHARES, _STEP_FACTOR = (0.5, 0.75), 0.1  # of the steps behind the warm-up


def learning_rates(recipe: TrainingRecipe, steps: int) -> keras.optimizers.schedules.LearningRateSchedule:
    """A linear warm-up over the share `recipe.warmup` of all steps, then `recipe.schedule`.

    `cosine` is half a cosine to 0, as in SimCLR; `exponential` ends at a hundredth; `step`
    divides by ten after a half and after three quarters of the steps that are left;
    `constant` stays.

    Args:
        recipe: learning rate, warm-up, schedule.
        steps: of the whole training.
    """
    schedules = keras.optimizers.schedules
    rate, warmup = recipe.learning_rate, min(steps - 1, round(recipe.warmup * steps))
    left = steps - warmup
    if recipe.schedule == "cosine":
        if not warmup:
            return schedules.CosineDecay(rate, steps)
        return schedules.CosineDecay(0.0, left, warmup_target=rate, warmup_steps=warmup)
    if recipe.schedule == "step":
        bounds = [round(share * left) - 1 for share in _STEP_SHARES]
        falling = schedules.PiecewiseConstantDecay(bounds, [rate * _STEP_FACTOR**i for i in range(len(bounds) + 1)])
    else:
        end = _EXPONENTIAL_END if recipe.schedule == "exponential" else 1.0
        falling = schedules.ExponentialDecay(rate, left, end)
    return WarmUp(falling, warmup) if warmup else falling


@keras.saving.register_keras_serializable(package="alzedge")
class WarmUp(keras.optimizers.schedules.LearningRateSchedule):
    """A line from 0 to where `schedule` begins, then `schedule`."""

    def __init__(self, schedule: keras.optimizers.schedules.LearningRateSchedule, steps: int) -> None:
        self.schedule, self.steps = schedule, steps

    def __call__(self, step: Any) -> Any:
        step = ops.cast(step, "float32")
        rising = self.schedule(0) * step / self.steps
        return ops.where(step < self.steps, rising, self.schedule(ops.maximum(step - self.steps, 0)))

    def get_config(self) -> dict[str, Any]:
        return {"schedule": keras.saving.serialize_keras_object(self.schedule), "steps": self.steps}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "WarmUp":
        return cls(keras.saving.deserialize_keras_object(config["schedule"]), config["steps"])
