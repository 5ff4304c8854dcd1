"""AlzEdge: from brain-MRI slices to a small student model on the device.

    from alzedge import Classifier, load_dataset, evaluate

What this module names is the public API; where it is implemented may change. Each name is imported when it is first
used: importing `alzedge` loads neither NumPy nor an interpreter.
"""

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from alzedge.data.dataset import DataSet, split_dataset
    from alzedge.data.joining import join_datasets
    from alzedge.data.loading import load_dataset
    from alzedge.data.phantom_set import make_phantoms
    from alzedge.errors import UserError
    from alzedge.imaging.preprocessing import Preprocessing
    from alzedge.imaging.slices import decode_slice, read_slice
    from alzedge.imaging.volumes import read_volume
    from alzedge.inference.answer import Answer, Prediction
    from alzedge.inference.classifier import Classifier
    from alzedge.metrics.classification import evaluate
    from alzedge.model_file.read_write import read_record
    from alzedge.stages import DISCLAIMER, STAGES

# Read from here by the build, not the other way round: asking for an installed version costs
# an eighth of the start-up of `alzedge predict`.
__version__ = "0.1.0"

_HOMES = {
    "Answer": "alzedge.inference.answer",
    "Classifier": "alzedge.inference.classifier",
    "DISCLAIMER": "alzedge.stages",
    "DataSet": "alzedge.data.dataset",
    "Prediction": "alzedge.inference.answer",
    "Preprocessing": "alzedge.imaging.preprocessing",
    "STAGES": "alzedge.stages",
    "UserError": "alzedge.errors",
    "decode_slice": "alzedge.imaging.slices",
    "evaluate": "alzedge.metrics.classification",
    "join_datasets": "alzedge.data.joining",
    "load_dataset": "alzedge.data.loading",
    "make_phantoms": "alzedge.data.phantom_set",
    "read_record": "alzedge.model_file.read_write",
    "read_slice": "alzedge.imaging.slices",
    "read_volume": "alzedge.imaging.volumes",
    "split_dataset": "alzedge.data.dataset",
}

__all__ = [
    "DISCLAIMER",
    "STAGES",
    "Answer",
    "Classifier",
    "DataSet",
    "Prediction",
    "Preprocessing",
    "UserError",
    "__version__",
    "decode_slice",
    "evaluate",
    "join_datasets",
    "load_dataset",
    "make_phantoms",
    "read_record",
    "read_slice",
    "read_volume",
    "split_dataset",
]

# In a checkout this folder shadows the installed package, and the rooms beside it
# (teacher/, student/, ...) are then found from the checkout's root.
_root = Path(__file__).resolve().parent.parent
if (_root / "teacher" / "__init__.py").is_file() and str(_root) not in __path__:
    __path__.append(str(_root))


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value  # the next use does not come here
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
