"""AlzEdge: from brain-MRI slices to a small student model on the device."""

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

try:
    __version__ = version("alzedge")
except PackageNotFoundError:  # an unpacked source tree that was never installed
    __version__ = "0+unknown"

# In a checkout this folder shadows the installed package, and the rooms beside it
# (teacher/, student/, ...) are then found from the checkout's root.
_root = Path(__file__).resolve().parent.parent
if (_root / "teacher" / "__init__.py").is_file() and str(_root) not in __path__:
    __path__.append(str(_root))
