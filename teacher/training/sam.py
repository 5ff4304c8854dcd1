"""SAM: sharpness-aware minimisation (Foret et al. 2021, arXiv:2010.01412, algorithm 1)."""

from typing import Any

import keras
from keras import ops

_LEAST_NORM = 1e-12  # the original's guard against a gradient of 0


class SharpnessAware(keras.Model):
    """A functional model whose training step is SAM's; it shares all layers with the model it is made from.

    The weights climb by rho along the unit gradient, the gradient is taken there, and the
    optimizer steps with it from where the weights were. What batch norm remembers, and the
    loss that is reported, are those of the weights before the climb.

    Backends TensorFlow and JAX, whose training steps Keras calls with different arguments.
    """

    @classmethod
    def of(cls, model: keras.Model, rho: float) -> "SharpnessAware":
        """Wrap the functional `model`.

        Args:
            model: what to train; its variables are trained in place.
            rho: length of the climb, in the L2 norm over all trainable weights.
        """
        made = cls(model.inputs, model.outputs[0], name=model.name)
        made.rho = rho
        return made

    def train_step(self, *arguments: Any) -> Any:
        """Train on one batch; called by Keras, with the batch, or in JAX with all variables' values and the batch."""
        return self._stateless_step(*arguments) if keras.backend.backend() == "jax" else self._step(*arguments)

    def _stateless_step(self, state: Any, data: Any) -> Any:
        import jax

        weights, others, of_optimizer, of_metrics = state
        x, y, _ = keras.utils.unpack_x_y_sample_weight(data)

        def loss_and_gradients(values: Any) -> Any:
            gradients_of = jax.value_and_grad(self.compute_loss_and_updates, has_aux=True)
            return gradients_of(values, others, of_metrics, x, y, None, training=True, optimizer_variables=of_optimizer)

        (_, (loss, answers, others_after, of_metrics_after)), gradients = loss_and_gradients(weights)
        climb = self.rho / (_norm(gradients) + _LEAST_NORM)
        climbed = [weight + gradient * climb for weight, gradient in zip(weights, gradients, strict=True)]
        _, gradients = loss_and_gradients(climbed)
        weights, of_optimizer = self.optimizer.stateless_apply(of_optimizer, gradients, weights)
        logs, of_metrics = self._update_metrics_variables(of_metrics_after, loss, x, y, answers, None)
        return logs, (weights, others_after, of_optimizer, of_metrics)

    def _step(self, data: Any) -> dict[str, Any]:
        x, y, _ = keras.utils.unpack_x_y_sample_weight(data)
        weights = self.trainable_variables
        loss, gradients = self._loss_and_gradients(x, y)
        norm = _norm(gradients)
        before = [ops.copy(weight) for weight in weights]
        remembered = [ops.copy(variable) for variable in self.non_trainable_variables]
        for weight, gradient in zip(weights, gradients, strict=True):
            weight.assign_add(gradient * ops.cast(self.rho / (norm + _LEAST_NORM), gradient.dtype))
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


def _norm(gradients: Any) -> Any:
    return ops.sqrt(sum(ops.sum(ops.square(ops.cast(gradient, "float32"))) for gradient in gradients))
