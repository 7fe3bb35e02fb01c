"""Supervises one kernel: starts it, enforces its limits, and cleans up after it.

The supervisor is the kernel's parent and adopts whatever the kernel leaves behind. It speaks with
the kernel's owner over a socket, one JSON object a line. It says `{"pid": ...}` once the kernel is
on its way, and `{"exit": status, "reason": ...}` at the end. The owner says `{"signal": number}`,
and `{"asked": number}`, which is answered with `{"asked": number, "cpu_seconds": ...}`. When that
socket closes the owner is gone, and so is the kernel.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import socket
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from skipgrade.sandbox import folders, mounts, start_kernel
from skipgrade.sandbox.confinement import hold_readable, in_own_folders_alone, interpreter
from skipgrade.sandbox.filter import Filter
from skipgrade.sandbox.groups import Group, Home
from skipgrade.sandbox.kernel_request import GIB, KernelRequest
from skipgrade.sandbox.listener import Allowance, Listener
from skipgrade.sandbox.meter import Meter
from skipgrade.sandbox.own_files import OwnFiles
from skipgrade.sandbox.processes import (
    adopt_orphans,
    close_all_but,
    descendants,
    sockets,
    threads,
)
from skipgrade.sandbox.shared_memory import SharedMemory
from skipgrade.sandbox.sockets import Sockets

SHM_SHARE = 2  # /dev/shm may hold one half of the memory


def keep(
    request: KernelRequest, line: socket.socket, filtered: Filter | None, homes: tuple[Home, ...]
) -> NoReturn:
    """Run one kernel from its start to its last trace; ends this process."""
    status = 1
    try:
        adopt_orphans()
        Supervisor(request, line).run(filtered, homes)
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def group_name(zygote: int, supervisor: object) -> str:
    return f"{zygote}-{supervisor}"


class Supervisor:
    def __init__(self, request: KernelRequest, line: socket.socket) -> None:
        self.request = request
        self.line = line
        self.reason = ""
        self.owner_gone = False
        self.kernel = 0
        self._heard = b""
        self._listener: Listener | None = None
        self._group: Group | None = None
        self._meter = Meter(request.limits, [], False, None)
        self._selector = selectors.DefaultSelector()
        self._apart = False  # with a /tmp and a /dev/shm of its own

    def run(self, filtered: Filter | None, homes: tuple[Home, ...]) -> None:
        status = None
        try:
            self._set_apart(homes)
            ours, theirs = socket.socketpair()
            self.kernel = os.fork()
            if self.kernel == 0:
                close_all_but(theirs.fileno())
                start_kernel.become_kernel(self.request, theirs, filtered)  # does not return
            theirs.close()
            threading.Thread(target=self._take_in, args=(ours,), daemon=True).start()
            self._listen(ours)
            self._tell(pid=self.kernel)
            status = self._watch()
        finally:
            self._end(status)

    def _set_apart(self, homes: tuple[Home, ...]) -> None:
        """The group and the folders that are this kernel's alone."""
        limits, paths = self.request.limits, self.request.paths
        if paths is None:
            return
        if homes and "groups" not in self.request.without:
            most = {"memory": limits.memory + GIB, "pids": limits.threads}
            self._group = Group(group_name(os.getppid(), os.getpid()), homes, most)
        if "folders" not in self.request.without:
            readable = [*paths.readable, *interpreter()]
            shared = limits.memory // SHM_SHARE
            mounts.make_private(self._private("tmp"), shared, readable, paths.writable)
            self._apart = True
        elif "files" not in self.request.without and not self.request.landlock:
            mounts.separate()
        writable = [folder for folder in paths.writable if Path(folder).is_dir()]
        self._meter = Meter(limits, writable, self._apart, self._group)

    def _private(self, name: str) -> Path:
        """A folder in the kernel's home."""
        assert self.request.private is not None
        folder = Path(self.request.private, name)
        folder.mkdir(exist_ok=True)
        return folder

    def _take_in(self, connection: socket.socket) -> None:
        """While the kernel gets ready; it starts when this is done."""
        with contextlib.suppress(ProcessLookupError, BrokenPipeError):  # it has ended by itself
            try:
                if self._group:
                    self._group.take_in(self.kernel)
                connection.sendall(start_kernel.COUNTED)
            finally:
                connection.shutdown(socket.SHUT_WR)  # not counted, it does not start

    def _listen(self, connection: socket.socket) -> None:
        """Wait until the kernel is confined; it has run nothing of its own before."""
        data, descriptors, _, _ = socket.recv_fds(connection, 65536, 1)
        if data != start_kernel.CONFINED:
            self.reason = data.decode(errors="replace") or "it ended before it was confined"
        else:
            self._held = hold_readable(self.kernel)
        if descriptors:
            self._listener = self._make_listener(descriptors[0])

    def _make_listener(self, descriptor: int) -> Listener:
        limits, paths = self.request.limits, self.request.paths
        assert paths is not None

        def family() -> set[int]:
            return descendants(os.getpid())

        allowed = {
            "processes": Allowance(limits.processes, lambda: len(family())),
            "threads": Allowance(limits.threads, lambda: threads(family())),
            "sockets": Allowance(limits.sockets, lambda: sockets(family())),
        }
        own = [*paths.writable, str(mounts.TEMPORARY)] if self._apart else paths.writable
        files = OwnFiles(own, paths.readable, limits.disk)
        restrict = in_own_folders_alone(
            files.folders, self.request.without, self.request.landlock, self.kernel
        )
        instead = None if self._apart else SharedMemory(self._private("shm"))
        return Listener(descriptor, allowed, files, Sockets(files, restrict), instead)

    def _watch(self) -> int | None:
        ended = os.pidfd_open(self.kernel)
        does: dict[Any, Callable[[], None]] = {ended: self._ignore, self.line: self._hear}
        if self._listener:
            does[self._listener] = self._listener.answer
        if self.request.paths is not None:
            self._meter.start()
            does[self._meter] = self._exceeded
        for source, action in does.items():
            self._selector.register(source, selectors.EVENT_READ, action)
        while True:
            for key, _ in self._selector.select():
                key.data()
            if (status := self._reap()) is not None or self.owner_gone:
                return status

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
            said = json.loads(message)
            if "signal" in said:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self.kernel, int(said["signal"]))
            else:
                self._tell(asked=said["asked"], cpu_seconds=self._meter.cpu_seconds())

    def _ignore(self) -> None:
        """The kernel has ended; `_reap` says how."""

    def _exceeded(self) -> None:
        self._selector.unregister(self._meter)
        self.reason = self.reason or self._meter.excess or "what it used could not be counted"
        os.kill(self.kernel, signal.SIGKILL)

    def _end(self, status: int | None) -> None:
        """Leave nothing of the kernel behind, then say that it has ended."""
        used = 0.0
        try:
            self._meter.stop()
            used = self._meter.cpu_seconds()
            if not self.reason and self._group and self._group.ran_out_of_memory():
                self.reason = self._meter.out_of_memory()
            _end_all()
            if self._group:
                self._group.remove()
            if self._apart:
                mounts.reveal()
            for folder in self.request.abandoned if self.owner_gone else []:
                folders.remove(folder)
        finally:
            status = -signal.SIGKILL if status is None else status
            self._tell(exit=status, reason=self.reason, cpu_seconds=used)

    def _tell(self, **message: Any) -> None:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # nobody is listening
            self.line.sendall(json.dumps(message).encode() + b"\n")


def _end_all() -> None:
    while family := descendants(os.getpid()):
        for pid in family:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, 0 if len(family) == 1 else os.WNOHANG)[0]:
                pass
