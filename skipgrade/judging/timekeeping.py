"""[grader] A cell's time limit: processor time of the submission, so that no neighbour counts."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

LOOK_S = 0.5  # between two looks at the processor time
KILL_S = 10.0  # after an interrupt that changed nothing
PATIENCE = 5  # times the limit that may pass on the clock: a busy machine, or a cell that waits


class CellClock:
    """Interrupts a cell that has used up its processor time, and kills one that goes on."""

    def __init__(
        self,
        limit: float,
        used: Callable[[], float],
        interrupt: Callable[[], Awaitable[None]],
        kill: Callable[[], Awaitable[None]],
    ) -> None:
        self.limit = limit
        self.ran_out = False
        self._used = used
        self._interrupt = interrupt
        self._kill = kill
        self._watching: asyncio.Future[None] | None = None

    def start(self) -> None:
        """Count from now on; to be called where the cell's event loop runs."""
        self.ran_out = False
        self._watching = asyncio.ensure_future(self._watch())

    def stop(self) -> None:
        """The cell has ended."""
        if self._watching is not None:
            self._watching.cancel()
            self._watching = None

    async def _watch(self) -> None:
        await asyncio.sleep(LOOK_S)  # most cells have ended by then, and nobody has to be asked
        before = self._used()
        while not self._used() - before > self.limit:
            await asyncio.sleep(LOOK_S)
        self.ran_out = True
        await self._interrupt()
        await asyncio.sleep(KILL_S)
        await self._kill()
