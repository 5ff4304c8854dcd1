"""No reports of use: what the libraries that we import may tell their makers is switched off before the import."""

import os

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
