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
        projections = _unit(projections)
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


def nt_xent_loss_of_part(
    projections: keras.KerasTensor, everyone: keras.KerasTensor, part: int, temperature: float
) -> keras.KerasTensor:
    """NT-Xent of one device's part of a batch, with the negatives of all of it.

    The mean over the parts is `nt_xent_loss` of the whole batch.

    Args:
        projections: (2n, D), the part: first views, then second ones.
        everyone: (parts * 2n, D), all parts, one after the other.
        part: which of them `projections` are.
        temperature: divides the similarities.

    Returns:
        Scalar, mean over n.
    """
    a, b = ops.split(_unit(projections), 2, axis=0)  # (n, D) each
    count, width = ops.shape(a)
    both = ops.reshape(_unit(everyone), (-1, 2, count, width))  # part, view, image
    all_a, all_b = (ops.reshape(both[:, view], (-1, width)) for view in (0, 1))
    partner = ops.arange(count) + part * count
    masks = ops.one_hot(partner, ops.shape(all_a)[0]) * _MASKED
    aa = ops.matmul(a, ops.transpose(all_a)) / temperature - masks  # (n, N)
    bb = ops.matmul(b, ops.transpose(all_b)) / temperature - masks
    ab = ops.matmul(a, ops.transpose(all_b)) / temperature
    ba = ops.matmul(b, ops.transpose(all_a)) / temperature
    loss_a = _cross_entropy(partner, ops.concatenate([ab, aa], axis=1))
    loss_b = _cross_entropy(partner, ops.concatenate([ba, bb], axis=1))
    return ops.mean(loss_a + loss_b)


def _unit(projections: keras.KerasTensor) -> keras.KerasTensor:
    # The original's tf.math.l2_normalize bounds the squared norm by 1e-12.
    square = ops.sum(ops.square(projections), axis=-1, keepdims=True)
    return projections * ops.rsqrt(ops.maximum(square, 1e-12))


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
        if keras.backend.backend() == "tensorflow":
            import tensorflow as tf

            context = tf.distribute.get_replica_context()
            if context and context.num_replicas_in_sync > 1:
                everyone = context.all_gather(y_pred, axis=0)
                loss = nt_xent_loss_of_part(y_pred, everyone, context.replica_id_in_sync_group, self.temperature)
                return loss / context.num_replicas_in_sync  # gradients of the devices are added
        return nt_xent_loss(y_pred, self.temperature)
