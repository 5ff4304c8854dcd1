"""NT-Xent, the contrastive loss of SimCLR (Chen et al. 2020, arXiv:2002.05709, eq. 1)."""

import keras
from keras import ops

# Added to the similarity of a projection with itself; the original's LARGE_NUM.
_MASKED = 1e9


def nt_xent_loss(projections: keras.KerasTensor, temperature: float, *, normalize: bool = True) -> keras.KerasTensor:
    """NT-Xent as in google-research/simclr's `objective.py`.

    Args:
        projections: (2N, D); row i and row N + i are the two views of image i.
        temperature: divides the similarities.
        normalize: scale rows to unit norm first, as published.

    Returns:
        Scalar: mean over N of the cross-entropies a -> b and b -> a, added.
    """
    if normalize:
        # The original's tf.math.l2_normalize bounds the squared norm by 1e-12.
        square = ops.sum(ops.square(projections), axis=-1, keepdims=True)
        projections = projections * ops.rsqrt(ops.maximum(square, 1e-12))
    a, b = ops.split(projections, 2, axis=0)  # (N, D) each
    count = ops.shape(a)[0]
    masks = ops.eye(count) * _MASKED
    aa = ops.matmul(a, ops.transpose(a)) / temperature - masks  # (N, N)
    bb = ops.matmul(b, ops.transpose(b)) / temperature - masks
    ab = ops.matmul(a, ops.transpose(b)) / temperature
    ba = ops.transpose(ab)
    partner = ops.arange(count)
    loss_a = _cross_entropy(partner, ops.concatenate([ab, aa], axis=1))  # logits (N, 2N)
    loss_b = _cross_entropy(partner, ops.concatenate([ba, bb], axis=1))
    return ops.mean(loss_a + loss_b)


def _cross_entropy(target: keras.KerasTensor, logits: keras.KerasTensor) -> keras.KerasTensor:
    return ops.sparse_categorical_crossentropy(target, logits, from_logits=True)


@keras.saving.register_keras_serializable(package="alzedge")
class NTXent(keras.losses.Loss):
    """`nt_xent_loss` for `Model.compile`; there are no targets, and `y_true` is ignored."""

    def __init__(self, temperature: float, name: str = "nt_xent") -> None:
        super().__init__(name=name, reduction=None)
        self.temperature = temperature

    def call(self, y_true: keras.KerasTensor, y_pred: keras.KerasTensor) -> keras.KerasTensor:
        del y_true
        return nt_xent_loss(y_pred, self.temperature)
