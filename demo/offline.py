"""A page that asks nobody: no proxies, no reports of use."""

import os

_PROXIES = ("all_proxy", "http_proxy", "https_proxy")
_SILENT = {
    "GRADIO_ANALYTICS_ENABLED": "False",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
    "ORT_DISABLE_TELEMETRY": "1",
}


def go_offline() -> None:
    """Set this process's environment so that Gradio, when it is imported afterwards, connects to nobody.

    Gradio makes an HTTP client as soon as it is imported, which fails on a proxy of a kind that it does not know.
    """
    for name in [name for name in os.environ if name.lower() in _PROXIES]:
        del os.environ[name]
    os.environ.update(_SILENT)
