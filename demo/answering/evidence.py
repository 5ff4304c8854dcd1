"""Evidence by place: the model's own heat map where there is one, else what hiding a patch changes.

A file exported with a heat map gives class activations (see `alzedge.export.convert.heat_map`). For any other file small
patches are hidden one after the other, and a place counts by how much the probability drops without it (Zeiler and
Fergus 2014, "Visualizing and understanding convolutional networks", section 4.2).
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from alzedge.demo.answering.told import NOTHING_TOLD, Told
from alzedge.imaging.slices import HEIGHT, WIDTH
from alzedge.inference.classifier import Classifier
from alzedge.reporting.heat import heat_classifier

# 64 answers a slice: patches of 26 x 22 pixels, about a ventricle's size.
_GRID = 8
# Beyond, hiding patches would keep others waiting.
MOST_HIDDEN = 24


class Evidence(Protocol):
    """A source of heat maps."""

    def __call__(self, images: NDArray[np.uint8], told: Told = NOTHING_TOLD) -> NDArray[np.float32] | None:
        """Evidence for each stage by place, float32 (N, h, w, 4), for slices uint8 (N, 208, 176); None when too many.

        Age and sex matter to a model that has them as an input.
        """

    @property
    def words(self) -> str:
        """Legend: the meaning of the colours, in a sentence."""


@dataclass(frozen=True)
class Activation:
    """The second output of a file exported with a heat map."""

    classifier: Classifier
    words: str = "Orange speaks for the stage, blue against it, by the model's own arithmetic. It proves no disease."

    def __call__(self, images: NDArray[np.uint8], told: Told = NOTHING_TOLD) -> NDArray[np.float32]:
        """See `Evidence`."""
        return self.classifier.heat_maps(images, told.age, told.sex)


@dataclass(frozen=True)
class Occlusion:
    """Measure the fall of each probability when a patch is replaced by its own mean grey."""

    classifier: Classifier
    words: str = "Orange: hiding this place makes the stage less probable; blue: more probable. It proves no disease."

    def __call__(self, images: NDArray[np.uint8], told: Told = NOTHING_TOLD) -> NDArray[np.float32] | None:
        """See `Evidence`."""
        if len(images) > MOST_HIDDEN:
            return None
        whole = self.classifier.probabilities(images, told.age, told.sex)
        return np.stack([before - self._hidden(image, told) for image, before in zip(images, whole, strict=True)])

    def _hidden(self, image: NDArray[np.uint8], told: Told) -> NDArray[np.float32]:
        rows, columns = HEIGHT // _GRID, WIDTH // _GRID
        copies = np.repeat(image[np.newaxis], _GRID**2, axis=0)
        for index, copy in enumerate(copies):
            top, left = index // _GRID * rows, index % _GRID * columns
            patch = copy[top : top + rows, left : left + columns]
            patch[:] = round(float(patch.mean()))
        found = self.classifier.probabilities(copies, told.age, told.sex)
        return found.reshape(_GRID, _GRID, -1)


def find_evidence(model: Path | str | None, classifier: Classifier) -> Evidence:
    """The best heat map at hand for a model.

    Args:
        model: as given to `Classifier.load`: the file, a Hub repository, or None for the bundled student.
        classifier: it, loaded.

    Returns:
        Class activations when the file gives them, or a companion `NAME_heatmap.tflite` of the same origin lies
        beside it, as `alzedge run` leaves them; else occlusion.
    """
    explainer = heat_classifier(model, classifier)
    return Occlusion(classifier) if explainer is None else Activation(explainer)
