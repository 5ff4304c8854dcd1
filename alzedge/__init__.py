"""AlzEdge: from brain-MRI slices to a small student model on the device."""

from pathlib import Path

# Read from here by the build, not the other way round: asking for an installed version costs
# an eighth of the start-up of `alzedge predict`.
__version__ = "0.1.0"

# In a checkout this folder shadows the installed package, and the rooms beside it
# (teacher/, student/, ...) are then found from the checkout's root.
_root = Path(__file__).resolve().parent.parent
if (_root / "teacher" / "__init__.py").is_file() and str(_root) not in __path__:
    __path__.append(str(_root))
