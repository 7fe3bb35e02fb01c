"""[grader] A cell's time limit, which a busy machine or a busy neighbour does not shorten."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

LOOK_S = 0.5  # between two looks at the time
KILL_S = 10.0  # after an interrupt that changed nothing
PATIENCE = 5  # times the limit that may pass on the clock: a busy machine, or a cell that waits


class CellClock:
    """Interrupts a cell that has had its time, and kills one that goes on.

    It has had it when so many seconds have passed on the clock, and it has used as many of
    processor time: one that others left no processor for gets more of the clock.
    """

    def __init__(
        self,
        limit: float,
        used: Callable[[], float],
        interrupt: Callable[[], Awaitable[None]],
        kill: Callable[[], Awaitable[None]],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.limit = limit
        self.ran_out = False
        self._used = used
        self._interrupt = interrupt
        self._kill = kill
        self._now = now
        self._watching: asyncio.Future[None] | None = None

    def start(self) -> None:
        """Count from now on; to be called where the cell's event loop runs."""
        self.ran_out = False
        self._watching = asyncio.ensure_future(self._watch(self._now()))

    def stop(self) -> None:
        """The cell has ended."""
        if self._watching is not None:
            self._watching.cancel()
            self._watching = None

    async def _watch(self, began: float) -> None:
        await asyncio.sleep(LOOK_S)  # most cells have ended by then, and nobody has to be asked
        before = self._used()
        while self._now() - began <= self.limit or not self._used() - before > self.limit - LOOK_S:
            await asyncio.sleep(LOOK_S)
        self.ran_out = True
        await self._interrupt()
        await asyncio.sleep(KILL_S)
        await self._kill()
