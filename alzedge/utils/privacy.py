"""No reports of use, and no values of files: libraries tell neither their makers nor the log."""

import contextlib
import logging
import os
import warnings
from collections.abc import Iterator

_READERS = ("pydicom", "nibabel")
# onnxruntime 1.32 begins while it is imported; its own `disable_telemetry_events` comes too late.
_SILENT = {
    "ORT_DISABLE_TELEMETRY": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "GRADIO_ANALYTICS_ENABLED": "False",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "WANDB_ERROR_REPORTING": "false",
    "RAY_USAGE_STATS_ENABLED": "0",
    "DO_NOT_TRACK": "1",
}


def keep_private() -> None:
    """Set this process's environment, and so its children's, so that libraries imported afterwards report nothing."""
    os.environ.update(_SILENT)


@contextlib.contextmanager
def hushed() -> Iterator[None]:
    """Silence for the readers of files: warnings and logs of pydicom and nibabel quote what they read, names and all."""
    loggers = [logging.getLogger(name) for name in _READERS]
    before = [(logger.disabled, logger.level) for logger in loggers]
    for logger in loggers:
        logger.disabled = True
        logger.setLevel(logging.CRITICAL + 1)  # of the loggers below it too
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, (disabled, level) in zip(loggers, before, strict=True):
            logger.disabled = disabled
            logger.setLevel(level)
