"""Cuts through the average head that ships with the package, in planes and at heights that the model does not know."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from alzedge.imaging.slices import HEIGHT, fit_to_frame
from alzedge.preparation import frame
from alzedge.preparation.brightness import WHITE, stretched

_Pixels = NDArray[np.uint8]
# Heights this near to the levels in mm look like them.
_MARGIN_MM = 12
_STEP_MM = 4
# Pixels of brain below which a cut only grazes it.
_LEAST_BRAIN = 500


def head_cuts(lowest: float, highest: float) -> dict[str, _Pixels]:
    """Cut the average head.

    Args:
        lowest, highest: heights in mm that the model knows; NaN where unknown.

    Returns:
        uint8 (N, 208, 176) by kind: coronal and sagittal cuts with the top of the head up, each at its own size and, sagittal
        ones, shrunk to the frame; axial cuts more than 12 mm below and above the known heights, where there is brain.
    """
    head = _average_head()
    coronal = [np.pad(head[:, y].T[::-1], ((HEIGHT - 176, 0), (0, 0))) for y in range(36, 190, _STEP_MM)]
    sagittal = [fit_to_frame(Image.fromarray(np.ascontiguousarray(head[x].T[::-1]))) for x in range(26, 150, _STEP_MM)]
    cuts = {"coronal cuts of an average head": coronal, "sagittal cuts of an average head": sagittal}
    if not np.isnan(lowest):
        heights = np.arange(frame.SHAPE[2]) + frame.affine()[2, 3]
        cuts["below the levels"] = _axial(head, np.flatnonzero(heights < lowest - _MARGIN_MM))
        cuts["above the levels"] = _axial(head, np.flatnonzero(heights > highest + _MARGIN_MM))
    shown = {name: [cut for cut in kind if (cut > 0).sum() >= _LEAST_BRAIN] for name, kind in cuts.items()}
    return {name: np.stack(kind).astype(np.uint8) for name, kind in shown.items() if kind}


def _average_head() -> _Pixels:
    """The template's brain at 1 mm within the skull, (176, 208, 176), white matter at `WHITE`."""
    template = frame.load_template()
    fine = template.brain
    for axis in range(3):
        fine = fine.repeat(2, axis)
    grey: _Pixels = np.rint(np.clip(fine * WHITE, 0, 255) * template.mask).astype(np.uint8)
    return grey


def _axial(head: _Pixels, which: NDArray[np.intp]) -> list[_Pixels]:
    mask = frame.load_template().mask
    return [stretched(head[:, :, k].T.astype(np.float32), mask[:, :, k].T) for k in which[::2]]
