"""Students with fewer different numbers in them: pruned to zeros, or clustered around a few values.

Neither makes the flatbuffer smaller, whose numbers all keep their place; an app's package or a download is
compressed, and there it shows.
"""

import keras
import tensorflow_model_optimization as tfmot
import tf_keras

from alzedge.export.convert.tf_keras import fine_tune, rebuild
from alzedge.export.convert.tflite import Images
from alzedge.runs.recipe import Recipe
from alzedge.teacher.training.loop import set_seed, steps_per_epoch
from alzedge.utils.progress import OnStep, quiet

_STAIRS = 20  # steps in which the share of zeros grows


def prune(
    student: keras.Model, teacher: keras.Model, images: Images, recipe: Recipe, on_step: OnStep = quiet
) -> keras.Model:
    """Set the smallest weights of every layer to zero, ever more of them while the rest learn to do without.

    By magnitude, on the cubic schedule of Zhu and Gupta 2017 (arXiv:1710.01878): the share of
    zeros reaches `recipe.compress.sparsity` after three quarters of the steps.

    Args:
        student: images to logits; not changed.
        teacher, images, recipe, on_step: see `alzedge.export.convert.tf_keras.fine_tune`.

    Returns:
        A Keras 3 model of the same layers.
    """
    set_seed(recipe.seed)
    steps = steps_per_epoch(len(images), recipe.compress.batch_size) * recipe.compress.epochs
    every = max(1, 3 * steps // 4 // _STAIRS)
    end = max(1, 3 * steps // 4 // every * every)  # a step at which the masks are drawn, so that the goal is reached
    schedule = tfmot.sparsity.keras.PolynomialDecay(0.0, recipe.compress.sparsity, 0, end, frequency=every)
    pruned = tfmot.sparsity.keras.prune_low_magnitude(rebuild(student), pruning_schedule=schedule)
    update = tfmot.sparsity.keras.UpdatePruningStep()
    update.set_model(pruned)
    update.on_train_begin()
    fine_tune(pruned, teacher, images, recipe, on_step, update.on_train_batch_begin, update.on_epoch_end)
    return _back(student, tfmot.sparsity.keras.strip_pruning(pruned))


def cluster(
    student: keras.Model, teacher: keras.Model, images: Images, recipe: Recipe, on_step: OnStep = quiet
) -> keras.Model:
    """Let the weights of every layer share `recipe.compress.clusters` values, which then learn.

    As in Han et al. 2016 (arXiv:1510.00149), without the codebook: the values themselves are stored.

    Args:
        student: images to logits; not changed.
        teacher, images, recipe, on_step: see `alzedge.export.convert.tf_keras.fine_tune`.

    Returns:
        A Keras 3 model of the same layers.
    """
    set_seed(recipe.seed)
    clustering = tfmot.clustering.keras
    clustered = clustering.cluster_weights(
        rebuild(student),
        number_of_clusters=recipe.compress.clusters,
        cluster_centroids_init=clustering.CentroidInitialization.KMEANS_PLUS_PLUS,
    )
    fine_tune(clustered, teacher, images, recipe, on_step)
    return _back(student, clustering.strip_clustering(clustered))


def _back(student: keras.Model, twin: tf_keras.Model) -> keras.Model:
    model = keras.models.clone_model(student)
    for layer in model.layers:
        layer.set_weights(twin.get_layer(layer.name).get_weights())
    return model
