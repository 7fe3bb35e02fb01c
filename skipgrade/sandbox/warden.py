"""Stands over one kernel: starts it, answers for it, watches what it uses, and ends all of it.

The warden is the kernel's parent and adopts whatever the kernel leaves behind. It speaks with the
kernel's owner over a socket, one JSON object a line: `{"pid": ...}` once the kernel is on its way,
`{"exit": status, "reason": ...}` at the end; from the owner comes `{"signal": number}`. When that
socket closes the owner is gone, and so is the kernel.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import shutil
import signal
import socket
import time
import traceback
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NoReturn

from skipgrade.sandbox import birth
from skipgrade.sandbox.confinement import Filter
from skipgrade.sandbox.listener import Listener
from skipgrade.sandbox.order import GIB, Order
from skipgrade.sandbox.processes import (
    adopt_orphans,
    close_all_but,
    descendants,
    memory,
    own_memory,
)

TICK = 0.25
DISK_EVERY = 4  # ticks


def keep(order: Order, line: socket.socket, filtered: Filter | None) -> NoReturn:
    """Run one kernel from its start to its last trace; ends this process."""
    status = 1
    try:
        adopt_orphans()
        Warden(order, line).run(filtered)
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


class Warden:
    def __init__(self, order: Order, line: socket.socket) -> None:
        self.order = order
        self.line = line
        self.reason = ""
        self.owner_gone = False
        self.kernel = 0
        self._heard = b""
        self._listener: Listener | None = None
        self._deadline = time.monotonic() + order.limits.seconds

    def run(self, filtered: Filter | None) -> None:
        ours, theirs = socket.socketpair()
        self.kernel = os.fork()
        if self.kernel == 0:
            close_all_but(theirs.fileno())
            birth.become_kernel(self.order, theirs, filtered)  # does not return
        theirs.close()
        status = None
        try:
            self._listen(ours)
            self._tell(pid=self.kernel)
            status = self._watch()
        finally:
            self._end(status)

    def _listen(self, newborn: socket.socket) -> None:
        """Wait until the kernel is confined; it has run nothing of its own before."""
        data, descriptors, _, _ = socket.recv_fds(newborn, 65536, 1)
        newborn.close()
        if data != birth.CONFINED:
            self.reason = data.decode(errors="replace") or "it ended before it was confined"
        if descriptors:
            places = self.order.places
            assert places is not None
            self._listener = Listener(descriptors[0], self.order.limits.processes, places.writable)

    def _watch(self) -> int | None:
        ended = os.pidfd_open(self.kernel)
        with selectors.DefaultSelector() as selector:
            selector.register(ended, selectors.EVENT_READ, self._ignore)
            selector.register(self.line, selectors.EVENT_READ, self._hear)
            if self._listener:
                selector.register(self._listener, selectors.EVENT_READ, self._listener.answer)
            ticks, due = 0, time.monotonic() + TICK
            while True:
                for key, _ in selector.select(max(0.0, due - time.monotonic())):
                    key.data()
                if (status := self._reap()) is not None or self.owner_gone:
                    return status
                if time.monotonic() >= due:
                    ticks, due = ticks + 1, time.monotonic() + TICK
                    self._enforce(disk_too=ticks % DISK_EVERY == 0)

    def _reap(self) -> int | None:
        """Collect what has ended; how the kernel did, if it has."""
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == self.kernel:
                return os.waitstatus_to_exitcode(status)
            if pid == 0:
                return None

    def _hear(self) -> None:
        data = self.line.recv(4096)
        self.owner_gone = not data
        *messages, self._heard = (self._heard + data).split(b"\n")
        for message in messages:
            number = int(json.loads(message)["signal"])
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.kernel, number)

    def _ignore(self) -> None:
        """The kernel has ended; `_reap` says how."""

    def _enforce(self, disk_too: bool) -> None:
        if self.order.places is None or self.reason:
            return
        limits = self.order.limits
        family = descendants(os.getpid())
        most = limits.memory + GIB
        if sum(map(memory, family)) > most and (used := sum(map(own_memory, family))) > most:
            self._stop(f"it and its processes used {used / GIB:.1f} GiB of memory")
        elif disk_too and (used := size(self.order.places.writable)) > limits.disk:
            self._stop(f"it had written {used / GIB:.1f} GiB of files")
        elif time.monotonic() > self._deadline:
            self._stop(f"it had run for {limits.seconds} s")

    def _stop(self, reason: str) -> None:
        self.reason = reason
        os.kill(self.kernel, signal.SIGKILL)

    def _end(self, status: int | None) -> None:
        """Leave nothing of the kernel behind, then say that it has ended."""
        while family := descendants(os.getpid()):
            for pid in family:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                while os.waitpid(-1, 0 if len(family) == 1 else os.WNOHANG)[0]:
                    pass
        folders = [self.order.private] if self.order.private else []
        if self.owner_gone:
            folders += self.order.abandoned
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)
        self._tell(exit=-signal.SIGKILL if status is None else status, reason=self.reason)

    def _tell(self, **message: Any) -> None:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # nobody is listening
            self.line.sendall(json.dumps(message).encode() + b"\n")


def size(folders: Iterable[str]) -> int:
    """Bytes that files in these folders take on the disk."""
    total = 0
    for folder in folders:
        for path in Path(folder).rglob("*"):
            with contextlib.suppress(OSError):  # gone since it was listed
                total += path.lstat().st_blocks * 512
    return total
