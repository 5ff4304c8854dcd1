"""The example on the page: an average brain that belongs to nobody; see `example/NOTICE.txt`."""

from importlib import resources

import numpy as np

from alzedge.demo.answering.uploads import Upload
from alzedge.imaging.slices import decode_slice

EXAMPLE_SOURCE = (
    "ICBM 152 average of healthy young adults (© 1993–2009 Louis Collins, McConnell Brain Imaging Centre, McGill "
    "University), not a picture of anybody."
)
_SLICES = 7


def load_example() -> Upload:
    """Load the seven slices as a volume, from foot to head."""
    folder = resources.files("alzedge.demo.answering").joinpath("example")
    files = [folder.joinpath(f"slice{number}.png") for number in range(1, _SLICES + 1)]
    slices = np.stack([decode_slice(file.read_bytes(), file.name) for file in files])
    return Upload(slices, tuple(f"average brain, slice {number}" for number in range(1, _SLICES + 1)), volume=True)
