"""The optimizers of the recipes, and LARS as google-research/simclr's `lars_optimizer.py` has it (You et al. 2017, arXiv:1708.03888)."""

import re
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from alzedge.runs.recipe import TrainingRecipe

# Batch norm and biases, in the words of Keras and of all networks here; the original says `batch_normalization` and `bias`.
NORMS_AND_BIASES = ("gamma", "beta", "bias")


def make_optimizer(recipe: TrainingRecipe, learning_rate: Any) -> keras.optimizers.Optimizer:
    """The recipe's optimizer.

    `lars` leaves norms, biases and, for the trust ratio only, the supervised head alone, as the
    original does. Weight decay acts beside the gradient (AdamW's way) in all but `lars`, which adds it
    to the gradient, and `adam`, which has none.

    Args:
        recipe: optimizer, momentum, weight decay.
        learning_rate: number or schedule.
    """
    momentum, decay = recipe.momentum, recipe.weight_decay
    if recipe.optimizer == "adamw":
        return keras.optimizers.AdamW(learning_rate, weight_decay=decay)
    if recipe.optimizer == "adam":
        return keras.optimizers.Adam(learning_rate)
    if recipe.optimizer == "rmsprop":
        return keras.optimizers.RMSprop(learning_rate, momentum=momentum, weight_decay=decay)
    if recipe.optimizer == "sgd":
        return keras.optimizers.SGD(learning_rate, momentum=momentum, weight_decay=decay)
    unadapted = (*NORMS_AND_BIASES, "head_supervised")
    return LARS(learning_rate, momentum, weight_decay=decay, exclude_from_adaptation=unadapted)


@keras.saving.register_keras_serializable(package="alzedge")
class LARS(keras.optimizers.Optimizer):
    """Layer-wise adaptive rate scaling.

    Weight decay is added to the gradient. With the classic momentum the trust ratio
    `eeta * |w| / |g|` scales the gradient before it enters the momentum; with the popular
    momentum it scales the update, and then the norm is the update's. A ratio with a norm
    of 0 is 1.

    Args:
        learning_rate: number or schedule.
        momentum: share of the last velocity that is kept.
        nesterov: look ahead by one more step of the momentum.
        weight_decay: times the weight, added to the gradient.
        exclude: regular expressions; variables whose path holds one of them have no weight decay.
        exclude_from_adaptation: the same for the trust ratio; None means as `exclude`.
        classic_momentum: see above.
        eeta: the trust ratio's coefficient.
    """

    def __init__(
        self,
        learning_rate: Any = 0.3,
        momentum: float = 0.9,
        nesterov: bool = False,
        weight_decay: float = 0.0,
        exclude: Sequence[str] = NORMS_AND_BIASES,
        exclude_from_adaptation: Sequence[str] | None = None,
        classic_momentum: bool = True,
        eeta: float = 1e-3,
        name: str = "lars",
        **kwargs: Any,
    ) -> None:
        # Keras' own weight decay acts beside the gradient, not in it, so it stays off.
        super().__init__(learning_rate, name=name, **kwargs)
        self.momentum, self.nesterov, self.classic_momentum = momentum, nesterov, classic_momentum
        self.decay, self.eeta = weight_decay, eeta
        self.exclude = list(exclude)
        self.exclude_from_adaptation = list(exclude if exclude_from_adaptation is None else exclude_from_adaptation)

    def build(self, variables: list[keras.Variable]) -> None:
        """Create the momenta, and look up by its path what happens to each variable."""
        if self.built:
            return
        super().build(variables)
        self.momenta = self.add_optimizer_variables(variables, "momentum")
        # In `update_step` TensorFlow's variables no longer know their paths.
        self._decayed = [not _matches(self.exclude, variable.path) for variable in variables]
        self._adapted = [not _matches(self.exclude_from_adaptation, variable.path) for variable in variables]

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """One step of one variable."""
        index = self._get_variable_index(variable)
        velocity = self.momenta[index]
        rate = ops.cast(learning_rate, variable.dtype)
        gradient = ops.cast(gradient, variable.dtype)
        if self._decayed[index]:
            gradient = gradient + self.decay * variable
        if self.classic_momentum:
            gradient = rate * self._trust(index, variable, gradient) * gradient
        following = self.momentum * velocity + gradient
        update = self.momentum * following + gradient if self.nesterov else following
        if not self.classic_momentum:
            update = rate * self._trust(index, variable, update) * update
        self.assign(velocity, following)
        self.assign_sub(variable, update)

    def _trust(self, index: int, variable: Any, update: Any) -> Any:
        if not self._adapted[index]:
            return 1.0
        weight_norm, update_norm = _norm(variable), _norm(update)
        both = ops.logical_and(weight_norm > 0, update_norm > 0)
        ratio = self.eeta * weight_norm / ops.where(both, update_norm, ops.ones_like(update_norm))
        return ops.where(both, ratio, ops.ones_like(ratio))

    def get_config(self) -> dict[str, Any]:
        """The arguments, for saving."""
        config: dict[str, Any] = super().get_config()
        return config | {
            "momentum": self.momentum,
            "nesterov": self.nesterov,
            "weight_decay": self.decay,
            "exclude": list(self.exclude),
            "exclude_from_adaptation": list(self.exclude_from_adaptation),
            "classic_momentum": self.classic_momentum,
            "eeta": self.eeta,
        }


def _norm(tensor: Any) -> Any:
    return ops.sqrt(ops.sum(ops.square(tensor)))


def _matches(patterns: list[str], path: str) -> bool:
    return any(re.search(pattern, path) for pattern in patterns)
