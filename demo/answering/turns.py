"""Turns: questions of many visitors, answered a few at a time, so that nobody takes every place.

The next turn goes to the visitor with the fewest questions being answered, and among those to the one who has waited
longest; nobody may take the last place beside their own others.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from alzedge.errors import UserError

_BUSY = "The server is busy; ask again in a minute."


class Turns:
    """A waiting room, for one event loop.

    Args:
        places: questions answered at a time.
        waiting: questions that may wait, of everyone together; of one visitor half as many.
    """

    def __init__(self, places: int = 3, waiting: int = 200) -> None:
        self._places, self._most = places, waiting
        self._each = max(1, places - 1)
        self._running: dict[str, int] = {}
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}

    def __len__(self) -> int:
        """Questions that wait."""
        return sum(map(len, self._waiting.values()))

    @asynccontextmanager
    async def turn(self, visitor: str) -> AsyncIterator[None]:
        """Wait for a turn, and give it back at the end.

        Raises:
            UserError: too many wait already.
        """
        mine = self._waiting.get(visitor, ())
        if len(self) >= self._most or len(mine) >= self._most // 2:
            raise UserError(_BUSY)
        called: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(visitor, deque()).append(called)
        self._call()
        try:
            await called
        except asyncio.CancelledError:
            self._leave(visitor, called)
            raise
        try:
            yield
        finally:
            self._end(visitor)

    def _call(self) -> None:
        """Hand out the places that are free."""
        while sum(self._running.values()) < self._places:
            able = [visitor for visitor in self._waiting if self._running.get(visitor, 0) < self._each]
            if not able:
                return
            visitor = min(able, key=lambda one: self._running.get(one, 0))
            line = self._waiting.pop(visitor)
            called = line.popleft()
            if line:
                self._waiting[visitor] = line  # at the end of those who wait
            if not called.cancelled():
                self._running[visitor] = self._running.get(visitor, 0) + 1
                called.set_result(None)

    def _leave(self, visitor: str, called: asyncio.Future[None]) -> None:
        line = self._waiting.get(visitor, deque())
        if called in line:
            line.remove(called)
            if not line:
                del self._waiting[visitor]
        elif called.done() and not called.cancelled():
            self._end(visitor)

    def _end(self, visitor: str) -> None:
        self._running[visitor] -= 1
        if not self._running[visitor]:
            del self._running[visitor]
        self._call()
