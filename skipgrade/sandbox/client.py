"""A client that is ready as soon as its kernel is."""

from __future__ import annotations

import time
from queue import Empty
from typing import Any

from jupyter_client.asynchronous.client import AsyncKernelClient


class PromptClient(AsyncKernelClient):
    """The ordinary client listens for 0.2 seconds of silence before it calls a kernel ready; this
    one for the end of what it asked: both channels are connected then, and nothing is pending.
    """

    async def wait_for_ready(self, timeout: float | None = None) -> None:
        deadline = float("inf") if timeout is None else time.monotonic() + timeout
        while not await self._answers():
            if not await self.is_alive():
                raise RuntimeError("The kernel died before it was ready.")
            if time.monotonic() > deadline:
                raise RuntimeError(f"The kernel was not ready within {timeout:g} s.")

    async def _answers(self) -> bool:
        request = self.kernel_info()
        try:
            await _next(self.shell_channel, request, 1.0)
            while True:
                told = await _next(self.iopub_channel, request, 0.2)
                if told["content"].get("execution_state") == "idle":
                    return True
        except Empty:
            return False


async def _next(channel: Any, request: str, seconds: float) -> dict[str, Any]:
    """The channel's next message about this request; those about an earlier one are dropped."""
    while True:
        message: dict[str, Any] = await channel.get_msg(timeout=seconds)
        if message["parent_header"].get("msg_id") == request:
            return message
