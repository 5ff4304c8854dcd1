"""SAM: sharpness-aware minimisation (Foret et al. 2021, arXiv:2010.01412, algorithm 1)."""

from typing import Any

import keras
from keras import ops


class SharpnessAware(keras.Model):
    """A functional model whose training step is SAM's; it shares all layers with the model it is made from.

    The weights climb by rho along the unit gradient, the gradient is taken there, and the
    optimizer steps with it from where the weights were. What batch norm remembers, and the
    loss that is reported, are those of the weights before the climb.

    TensorFlow backend only: the step is written with its gradient tape.
    """

    @classmethod
    def of(cls, model: keras.Model, rho: float) -> "SharpnessAware":
        """SAM around the functional `model`.

        Args:
            model: what to train; its variables are trained in place.
            rho: how far to climb, in the L2 norm over all trainable weights.
        """
        made = cls(model.inputs, model.outputs[0], name=model.name)
        made.rho = rho
        return made

    def train_step(self, data: Any) -> dict[str, Any]:
        """One step on one batch; called by Keras."""
        x, y, _ = keras.utils.unpack_x_y_sample_weight(data)
        weights = self.trainable_variables
        loss, gradients = self._loss_and_gradients(x, y)
        norm = ops.sqrt(sum(ops.sum(ops.square(ops.cast(gradient, "float32"))) for gradient in gradients))
        before = [ops.copy(weight) for weight in weights]
        remembered = [ops.copy(variable) for variable in self.non_trainable_variables]
        for weight, gradient in zip(weights, gradients, strict=True):
            # The original's guard against a gradient of 0.
            weight.assign_add(gradient * ops.cast(self.rho / (norm + 1e-12), gradient.dtype))
        _, climbed = self._loss_and_gradients(x, y)
        # By value, not by taking the climb off again: that would leave rounding errors behind.
        for variable, value in zip([*weights, *self.non_trainable_variables], [*before, *remembered], strict=True):
            variable.assign(value)
        self.optimizer.apply(climbed, weights)
        self._loss_tracker.update_state(loss, sample_weight=ops.shape(x)[0])
        return {"loss": self._loss_tracker.result()}

    def _loss_and_gradients(self, x: Any, y: Any) -> tuple[Any, list[Any]]:
        import tensorflow as tf

        with tf.GradientTape() as tape:
            loss = self.compute_loss(x=x, y=y, y_pred=self(x, training=True))
        return loss, tape.gradient(loss, self.trainable_variables)
