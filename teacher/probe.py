"""Evaluation of a representation: a linear probe, nearest neighbours, and a t-SNE picture."""

from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.manifold import TSNE
from sklearn.metrics import accuracy_score, balanced_accuracy_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from alzedge.metrics.nearest_neighbour import chained_neighbours
from alzedge.stages import STAGES
from alzedge.utils.files import replacing
from alzedge.utils.progress import OnStep, Step, quiet

Features = NDArray[np.float32]

_BLOCK = 128


def features_of(model: keras.Model, images: NDArray[np.float32], on_step: OnStep = quiet) -> Features:
    """Compute the encoder's features of images, before any head.

    Args:
        model: a teacher, or the contrastive model of pre-training.
        images: float32 (N, rows, columns, 1).
        on_step: called after every block of images.

    Returns:
        float32 (N, width).
    """
    pooled = [layer for layer in model.layers if isinstance(layer, keras.layers.GlobalAveragePooling2D)][-1]
    encoder = keras.Model(model.input, pooled.output)
    blocks = range(0, len(images), _BLOCK)
    features = []
    for done, start in enumerate(blocks, start=1):
        features.append(np.asarray(encoder.predict_on_batch(images[start : start + _BLOCK])))
        on_step(Step(done, len(blocks), done, len(blocks)))
    return np.concatenate(features)


def linear_probe(features: Features, labels: NDArray[np.int64], test: Features) -> NDArray[np.int64]:
    """Predict with a logistic regression on standardised features.

    Args:
        features: (N, width), the training side.
        labels: int64 (N,), index into `STAGES`.
        test: (M, width).

    Returns:
        int64 (M,), predicted stages.
    """
    probe = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=2000))
    stages: NDArray[np.int64] = probe.fit(features, labels).predict(test)
    return stages


def nearest_neighbours(
    features: Features, labels: NDArray[np.int64], test: Features, count: int = 20
) -> NDArray[np.int64]:
    """Predict with the `count` nearest training slices by cosine, weighted by 1 / distance; shapes as in `linear_probe`."""
    neighbours = KNeighborsClassifier(min(count, len(features)), weights="distance", metric="cosine", n_jobs=1)
    stages: NDArray[np.int64] = neighbours.fit(features, labels).predict(test)
    return stages


@dataclass(frozen=True)
class ProbeScores:
    """Scores of one method per slice, of the four stages; shares 0 to 1."""

    accuracy: float
    balanced_accuracy: float


def probe_scores(
    features: Features, labels: NDArray[np.int64], test: Features, test_labels: NDArray[np.int64]
) -> dict[str, ProbeScores]:
    """Score the linear probe, nearest neighbours, and a chain of them, which shows what knowing the person would give.

    Args:
        features, labels, test: see `linear_probe`.
        test_labels: int64 (M,).

    Returns:
        Scores by name of the method.
    """
    predicted = {
        "linear probe": linear_probe(features, labels, test),
        "20 nearest neighbours": nearest_neighbours(features, labels, test),
        "chain of nearest neighbours over the test slices": chained_neighbours(features, labels, test),
    }
    return {
        name: ProbeScores(
            float(accuracy_score(test_labels, stages)), float(balanced_accuracy_score(test_labels, stages))
        )
        for name, stages in predicted.items()
    }


def tsne_picture(features: Features, labels: NDArray[np.int64], path: Path, seed: int = 0) -> None:
    """Draw features in two dimensions by t-SNE (van der Maaten and Hinton 2008), a colour and a mark per stage.

    Distances between groups in such a picture mean nothing; neighbours do.

    Args:
        features: (N, width), N of 5 and more.
        labels: int64 (N,), index into `STAGES`.
        path: a picture file, written whole or not at all.
        seed: of the embedding.
    """
    from matplotlib.figure import Figure

    perplexity = min(30.0, (len(features) - 1) / 3)
    places = TSNE(2, perplexity=perplexity, random_state=seed, init="pca", n_jobs=1).fit_transform(features)
    figure = Figure(figsize=(6, 5.5), layout="constrained")
    axes = figure.subplots()
    # Okabe and Ito's colours, and marks, for colour-blind readers.
    for stage, (colour, mark) in enumerate(zip(("#0072B2", "#009E73", "#E69F00", "#D55E00"), "osD^", strict=True)):
        chosen = places[labels == stage]
        axes.scatter(chosen[:, 0], chosen[:, 1], s=9, c=colour, marker=mark, label=STAGES[stage], alpha=0.7)
    axes.legend(frameon=False)
    axes.set(xticks=[], yticks=[], title="t-SNE of the test slices' features")
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=120)
