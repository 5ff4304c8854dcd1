"""Upkeep of a running page: what nobody fetches any more is dropped, from the disk and from Gradio's memory."""

import asyncio
import contextlib
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import gradio as gr

# Uploads are deleted when they are answered; what was never asked about after this time.
KEPT_SECONDS = 600
# Answers that nobody fetches are dropped after so many seconds, the oldest earlier when all of them take more bytes.
ANSWER_SECONDS, ANSWER_BYTES = 60, 128 * 2**20
# Sessions of programs, which have no page that is open.
SESSION_SECONDS = 60
_EVERY_SECONDS = 5


class Answers(Protocol):
    """Answers that are kept until they are fetched."""

    def __len__(self) -> int:
        """Number of those that nobody has fetched."""

    def drop(self, now: float) -> None:
        """Drop those that have waited too long, by a clock that never goes back."""


async def keep_up(page: "gr.Blocks", answers: Sequence[Answers], folder: Path) -> None:
    """Look after a page for as long as it runs.

    Args:
        page: being served.
        answers: that wait to be fetched.
        folder: of uploads.
    """
    while True:
        await asyncio.sleep(_EVERY_SECONDS)
        for kept in answers:
            kept.drop(time.monotonic())
        forget_sessions(page, SESSION_SECONDS)
        await asyncio.to_thread(sweep, folder, KEPT_SECONDS)


class UnreadAnswers:
    """Answers that Gradio keeps until they are fetched, and how long each has waited.

    Args:
        page: being served.
    """

    def __init__(self, page: "gr.Blocks") -> None:
        self._queue = page._queue
        self._since: dict[str, float] = {}

    def __len__(self) -> int:
        """Sessions with messages that nobody has fetched."""
        return sum(not messages.empty() for messages in list(self._queue.pending_messages_per_session.values()))

    def drop(self, now: float, seconds: float = ANSWER_SECONDS, most_bytes: int = ANSWER_BYTES) -> None:
        """Drop those that have waited too long, and the oldest while all of them are too many bytes.

        Args:
            now: of a clock that never goes back.
            seconds: that an answer may wait.
            most_bytes: of all answers together.
        """
        messages = dict(self._queue.pending_messages_per_session)
        sizes = {session: _bytes_waiting(waiting) for session, waiting in messages.items()}
        asking = self._queue.pending_event_ids_session
        idle = {session: size for session, size in sizes.items() if size or not asking.get(session)}
        self._since = {session: self._since.get(session, now) for session in idle}
        total = sum(idle.values())
        for session in sorted(idle, key=self._since.__getitem__):
            kept = seconds if idle[session] else 0  # nothing is left of an answer that was fetched
            if now - self._since[session] > kept or (idle[session] and total > most_bytes):
                total -= idle[session]
                self._queue.pending_messages_per_session.pop(session, None)
                asking.pop(session, None)
                del self._since[session]


def _bytes_waiting(messages: Any) -> int:
    """Characters in the outputs of a session's messages."""
    total = 0
    for message in list(getattr(messages, "_queue", ())):
        output = getattr(message, "output", None)
        data = output.get("data", ()) if isinstance(output, dict) else ()
        total += sum(len(value) for value in data if isinstance(value, str)) + 1000
    return total


def forget_sessions(page: "gr.Blocks", seconds: float) -> None:
    """Forget sessions that hold no answer and that nobody has used for so long: those of programs."""
    holder = getattr(page, "state_holder", None)
    if holder is None:
        return
    now = time.time()
    for session, state in list(holder.session_data.items()):
        used = holder.time_last_used.get(session)
        if used is not None and now - used.timestamp() > seconds and not state.state_data:
            holder.session_data.pop(session, None)
            holder.time_last_used.pop(session, None)


def sweep(folder: Path, seconds: float) -> None:
    """Delete files below a folder that have not been written to for so many seconds, and folders as long empty."""
    before = time.time() - seconds
    for place, _, names in os.walk(folder, topdown=False):
        for name in names:
            path = Path(place, name)
            with contextlib.suppress(FileNotFoundError):
                if path.lstat().st_mtime < before:
                    path.unlink()
        with contextlib.suppress(OSError):  # not empty, or gone
            if Path(place) != folder and Path(place).stat().st_mtime < before:
                Path(place).rmdir()
