"""Answers the system calls a confined kernel has to ask for: processes, sockets, connections.

A new process, thread or socket is allowed while there are few enough, a signal to the kernel's own
processes; `sockets.py`, `own_files.py` and `shared_memory.py` do the rest in the caller's place.
"""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

from skipgrade.sandbox.calls import Call, CallRefusedError, signed
from skipgrade.sandbox.own_files import OwnFiles
from skipgrade.sandbox.processes import descendants, group_of, leader
from skipgrade.sandbox.shared_memory import SharedMemory
from skipgrade.sandbox.sockets import Sockets
from skipgrade.sandbox.syscalls import here, numbers

THREAD = 0x00010000  # CLONE_THREAD
CONNECTING = 64  # at a time, those included whose callers were killed
WHEN_FULL, AT_MOST_EVERY = 0.25, 0.01  # seconds until they are counted again


class Allowance:
    """So many at a time. Counted only when, by what was allowed since, there could be too many."""

    def __init__(self, most: int, count: Callable[[], int]) -> None:
        self._most = most
        self._count = count
        self._known = most  # at the most; the first to ask has them counted
        self._due = 0.0

    def take(self) -> bool:
        if self._known >= self._most:
            now = time.monotonic()
            if now < self._due:
                return False
            self._known = self._count()
            full = self._known >= self._most
            self._due = now + (WHEN_FULL if full else AT_MOST_EVERY)
            if full:
                return False
        self._known += 1
        return True


class Listener:
    def __init__(
        self,
        descriptor: int,
        allowed: dict[str, Allowance],
        files: OwnFiles,
        sockets: Sockets,
        shared_memory: SharedMemory | None,
    ) -> None:
        """`allowed`: of `processes`, `threads` (all processes' together) and `sockets`."""
        self._descriptor = descriptor
        self._allowed = allowed
        self._sockets = sockets
        self._waiting = threading.Semaphore(CONNECTING)
        actions: dict[str, Callable[[Call], None]] = {
            "connect": self._connect,
            "bind": self._bind,
            "truncate": files.truncate,
            "socket": self._socket,
            "socketpair": self._socket,
            "clone": self._clone,
            "fork": self._fork,
            "vfork": self._fork,
            "kill": lambda call: _signal(call, signed(call.arguments[0])),
            "tgkill": lambda call: _signal(call, leader(signed(call.arguments[0]))),
            "tkill": lambda call: _signal(call, leader(signed(call.arguments[0]))),
        }
        for name, do in (shared_memory.calls() if shared_memory else {}).items():
            actions[name] = self._or_go_on(do)
        known = numbers(here())
        self._actions = {known[name]: do for name, do in actions.items() if name in known}

    def fileno(self) -> int:
        return self._descriptor

    def answer(self) -> None:
        """Answer one call; callers that have gone in the meantime need no answer."""
        call = Call.receive(self._descriptor)
        if call is not None:
            self._answer(call, self._actions[call.number])

    def _answer(self, call: Call, do: Callable[[Call], None]) -> None:
        try:
            do(call)
        except CallRefusedError as refused:
            call.refuse(refused.number)
        except OSError as error:
            call.refuse(error.errno or errno.EACCES)

    def _connect(self, call: Call) -> None:
        """It may have to wait for the other side, and nobody else with it."""
        if not self._waiting.acquire(blocking=False):
            raise CallRefusedError(errno.EAGAIN)
        arguments = (call, self._connect_and_say)
        threading.Thread(target=self._answer, args=arguments, daemon=True).start()

    def _connect_and_say(self, call: Call) -> None:
        try:
            self._sockets.connect(call)
        finally:
            self._waiting.release()
        call.succeed()

    def _bind(self, call: Call) -> None:
        self._sockets.bind(call)
        call.succeed()

    def _socket(self, call: Call) -> None:
        self._take(errno.EMFILE, "sockets")
        call.go_on()

    def _clone(self, call: Call) -> None:
        if call.arguments[0] & THREAD:
            self._take(errno.EAGAIN, "threads")
            call.go_on()
        else:
            self._fork(call)

    def _fork(self, call: Call) -> None:
        self._take(errno.EAGAIN, "processes", "threads")
        call.go_on()

    def _take(self, number: int, *kinds: str) -> None:
        if not all(self._allowed[kind].take() for kind in kinds):
            raise CallRefusedError(number)

    def _or_go_on(self, do: Callable[[Call], bool]) -> Callable[[Call], None]:
        def action(call: Call) -> None:
            if not do(call):
                call.go_on()

        return action


def _signal(call: Call, target: int) -> None:
    """To the kernel's own processes and groups, and to no other."""
    family = descendants(os.getpid())
    groups = {group_of(pid) for pid in family}
    if target > 0 and not Path(f"/proc/{target}").exists():
        raise CallRefusedError(errno.ESRCH)
    if target not in family and target != 0 and -target not in groups:
        raise CallRefusedError(errno.EPERM)
    call.go_on()
