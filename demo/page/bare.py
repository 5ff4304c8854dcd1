"""Options of `gr.HTML` for content that page.css dresses alone."""

from typing import Any

BARE: dict[str, Any] = {"padding": False, "apply_default_css": False}
