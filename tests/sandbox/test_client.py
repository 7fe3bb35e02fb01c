"""When a client calls its kernel ready."""

from __future__ import annotations

import asyncio
from queue import Empty
from typing import Any

import pytest

from skipgrade.sandbox.client import PromptClient


class Channel:
    """Says what it is told to say; None stands for a silence."""

    def __init__(self, *messages: dict[str, Any] | None) -> None:
        self.messages = list(messages)

    async def get_msg(self, timeout: float) -> dict[str, Any]:
        message = self.messages.pop(0) if self.messages else None
        if message is None:
            raise Empty
        return message


class Scripted(PromptClient):
    shell_channel: Any = None
    iopub_channel: Any = None
    asked = 0
    alive = True

    def kernel_info(self, reply: bool = False, timeout: float | None = None) -> str:
        self.asked += 1
        return f"request {self.asked}"

    async def is_alive(self) -> bool:
        return self.alive


def about(request: int, **content: str) -> dict[str, Any]:
    return {"parent_header": {"msg_id": f"request {request}"}, "content": content}


def client(shell: Channel, iopub: Channel) -> Scripted:
    made = Scripted()
    made.shell_channel, made.iopub_channel = shell, iopub
    return made


def wait(one: Scripted, seconds: float = 60) -> None:
    asyncio.run(one.wait_for_ready(seconds))


def test_ready_when_what_was_asked_is_over() -> None:
    starting = {"parent_header": {}, "content": {"execution_state": "starting"}}
    told = [starting, about(1, execution_state="busy"), about(1, execution_state="idle")]
    one = client(Channel(about(1)), Channel(*told))
    wait(one)
    assert one.asked == 1
    assert not one.iopub_channel.messages


def test_late_answers_are_not_left_for_whoever_asks_next() -> None:
    late, now = about(1), about(2)
    told = [about(1, execution_state="idle"), about(2, execution_state="idle")]
    one = client(Channel(None, late, now), Channel(*told))
    wait(one)
    assert one.asked == 2
    assert not one.shell_channel.messages
    assert not one.iopub_channel.messages


def test_missed_what_was_told_and_asks_again() -> None:
    one = client(Channel(about(1), about(2)), Channel(None, about(2, execution_state="idle")))
    wait(one)
    assert one.asked == 2


@pytest.mark.parametrize(("alive", "reason"), [(False, "died"), (True, "not ready within 0 s")])
def test_a_kernel_that_never_answers(alive: bool, reason: str) -> None:
    one = client(Channel(), Channel())
    one.alive = alive
    with pytest.raises(RuntimeError, match=reason):
        wait(one, 0)
