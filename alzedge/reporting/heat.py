"""The model that draws the heat map beside an answer: the file itself, or its companion."""

import contextlib
from pathlib import Path

from alzedge.errors import UserError
from alzedge.inference.classifier import Classifier, find_model
from alzedge.model_file.read_write import kind_of

# What must be the same in two files for one to explain the other.
_ORIGIN = ("recipe", "dataset", "split", "preprocessing")
LEGEND = "Orange speaks for any dementia, blue against it, by the model's own arithmetic. It proves no disease."


def heat_classifier(model: Path | str | None, classifier: Classifier) -> Classifier | None:
    """The classifier whose `heat_maps` explain a model's answers.

    Args:
        model: as given to `Classifier.load`: the file, a Hub repository, or None for the bundled student.
        classifier: it, loaded.

    Returns:
        The model itself when it gives heat maps, or a companion `NAME_heatmap.tflite` of the same origin beside it, as
        `alzedge run` leaves them; else None.
    """
    if kind_of(classifier.record).heat_map:
        return classifier
    path = find_model(model)
    beside = path.with_name(f"{path.stem}_heatmap.tflite")
    if beside.is_file():
        with contextlib.suppress(UserError):  # damaged or of another version: the map can be had without it
            companion = Classifier.load(beside, guarded=False)
            if all(companion.record.get(entry) == classifier.record.get(entry) for entry in _ORIGIN):
                return companion
    return None
