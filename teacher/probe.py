"""How good a representation is, as the field asks it: a linear probe, nearest neighbours, and a t-SNE picture."""

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

from alzedge.stages import STAGES
from alzedge.utils.files import replacing
from alzedge.utils.progress import OnStep, Step, quiet

Features = NDArray[np.float32]

_BLOCK = 128


def features_of(model: keras.Model, images: NDArray[np.float32], on_step: OnStep = quiet) -> Features:
    """What the encoder makes of images, before every head.

    Args:
        model: a teacher, or the contrastive model of pre-training.
        images: float32 (N, rows, columns, 1).
        on_step: told about every block of images.

    Returns:
        float32 (N, width).
    """
    pooled = [layer for layer in model.layers if isinstance(layer, keras.layers.GlobalAveragePooling2D)][-1]
    encoder = keras.Model(model.input, pooled.output)
    blocks = range(0, len(images), _BLOCK)
    found = []
    for done, start in enumerate(blocks, start=1):
        found.append(np.asarray(encoder.predict_on_batch(images[start : start + _BLOCK])))
        on_step(Step(done, len(blocks), done, len(blocks)))
    return np.concatenate(found)


def linear_probe(features: Features, labels: NDArray[np.int64], test: Features) -> NDArray[np.int64]:
    """Answers of a logistic regression on standardised features.

    Args:
        features: (N, width), the training side.
        labels: int64 (N,).
        test: (M, width).

    Returns:
        int64 (M,).
    """
    probe = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=2000))
    answers: NDArray[np.int64] = probe.fit(features, labels).predict(test)
    return answers


def nearest_neighbours(
    features: Features, labels: NDArray[np.int64], test: Features, count: int = 20
) -> NDArray[np.int64]:
    """Answers of the `count` nearest training slices by cosine, the nearer the weightier; shapes as in `linear_probe`."""
    neighbours = KNeighborsClassifier(min(count, len(features)), weights="distance", metric="cosine", n_jobs=1)
    answers: NDArray[np.int64] = neighbours.fit(features, labels).predict(test)
    return answers


def probe_figures(
    features: Features, labels: NDArray[np.int64], test: Features, truth: NDArray[np.int64]
) -> dict[str, dict[str, float]]:
    """Accuracy and balanced accuracy per slice of four stages, of the linear probe and of nearest neighbours."""
    answers = {
        "linear probe": linear_probe(features, labels, test),
        "20 nearest neighbours": nearest_neighbours(features, labels, test),
    }
    return {
        name: {
            "accuracy": float(accuracy_score(truth, found)),
            "balanced_accuracy": float(balanced_accuracy_score(truth, found)),
        }
        for name, found in answers.items()
    }


def tsne_picture(features: Features, labels: NDArray[np.int64], path: Path, seed: int = 0) -> None:
    """Draw features in two dimensions by t-SNE (van der Maaten and Hinton 2008), a colour and a mark per stage.

    Distances between groups in such a picture mean nothing; neighbours do.

    Args:
        features: (N, width), N of 5 and more.
        labels: int64 (N,).
        path: a picture file.
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
