"""Sessions that keep what a visitor's page needs, and no more.

Gradio's own keep every component's settings and last value, for links to a page's state, which this page does not have:
a third of the work of a program's question, and megabytes of pictures for every visitor.
"""

from copy import copy
from typing import Any

from gradio.blocks import Blocks
from gradio.routes import App
from gradio.state_holder import SessionState, StateHolder


class LeanSession(SessionState):
    """A session without copies of the components' settings and values."""

    def __init__(self, blocks: Blocks) -> None:
        self.blocks_config = copy(blocks.default_config)
        self.config_values: dict[int, Any] = {}
        self.state_data: dict[int, Any] = {}
        self._state_ttl: dict[int, Any] = {}
        self.is_closed = False
        self.STATE_TTL_WHEN_CLOSED = 3600

    def __setitem__(self, key: int, value: Any) -> None:
        """Keep a value, without its settings."""
        super().__setitem__(key, value)
        self.config_values.clear()

    def _update_config(self, key: int) -> None:
        """Keep nothing."""

    def _update_value_in_config(self, key: int, value: Any) -> None:
        """Keep nothing."""


class LeanHolder(StateHolder):
    """All sessions, each of them lean."""

    def __getitem__(self, session_id: str) -> SessionState:
        """Find a session, or begin it."""
        if session_id not in self.session_data:
            self.session_data[session_id] = LeanSession(self.blocks)
        found: SessionState = super().__getitem__(session_id)
        return found


def keep_lean(app: App, page: Blocks) -> None:
    """Give Gradio's application lean sessions from now on."""
    app.state_holder = LeanHolder()
    app.state_holder.set_blocks(page)
