"""What of a process its tests share, and one test could leave changed for the next."""

import logging
import os
import signal
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageFile

_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGALRM", "SIGXFSZ")
# Not all: libraries set variables of their own when they are imported.
_VARIABLES = ("HOME", "PATH", "PYTHONPATH", "TMPDIR", "XDG_CACHE_HOME", "OMP_NUM_THREADS")


def process_state() -> dict[str, object]:
    """Current folder, signal handlers, silenced loggers, NumPy's and Pillow's settings, environment variables, by name."""
    loggers = [name for name, logger in logging.root.manager.loggerDict.items() if getattr(logger, "disabled", False)]
    return {
        "current folder": Path.cwd(),
        "silenced loggers": (logging.root.manager.disable, sorted(loggers)),
        "floating-point errors": np.geterr(),
        "Pillow": (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES),
        "recursion limit": sys.getrecursionlimit(),
        **{name: signal.getsignal(getattr(signal, name)) for name in _SIGNALS if hasattr(signal, name)},
        **{f"${name}": os.environ.get(name) for name in _VARIABLES},
        "alzedge's variables": {name: value for name, value in os.environ.items() if name.startswith("ALZEDGE_")},
    }


def changes(before: dict[str, object], after: dict[str, object]) -> dict[str, tuple[object, object]]:
    """Values of both, by name, where they differ."""
    return {name: (value, after[name]) for name, value in before.items() if after[name] != value}
