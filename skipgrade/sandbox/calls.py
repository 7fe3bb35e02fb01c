"""A system call that a confined kernel has to ask for, as its supervisor sees it and answers it.

The filter holds the caller until there is an answer. What a call points to can change while it is
looked at: the supervisor copies it once, and acts on the copy in the caller's place.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import os
import struct
from dataclasses import dataclass
from pathlib import Path

from skipgrade.sandbox.processes import leader, libc

RECEIVE, SEND, STILL_VALID, GIVE = 0xC0502100, 0xC0182101, 0x40082102, 0x40182103
NOTIFICATION, ANSWER = struct.Struct("=QIIiIQ6Q"), struct.Struct("=QqiI")
DESCRIPTOR = struct.Struct("=QIIII")
GO_ON, AND_ANSWER = 1, 2
PIDFD_GETFD = 438
LONGEST_PATH = 4096


class CallRefusedError(Exception):
    """The error number a system call ends with."""

    def __init__(self, number: int) -> None:
        super().__init__(os.strerror(number))
        self.number = number


def signed(argument: int) -> int:
    """An argument that is an int, as Linux takes it."""
    return ctypes.c_int(argument & 0xFFFFFFFF).value


@dataclass(frozen=True)
class Call:
    listener: int
    key: int
    caller: int  # a thread
    number: int
    arguments: tuple[int, ...]

    @classmethod
    def receive(cls, listener: int) -> Call | None:
        """The next one; none when its caller has gone in the meantime."""
        request = bytearray(NOTIFICATION.size)
        try:
            fcntl.ioctl(listener, RECEIVE, request)
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.EINTR):
                return None
            raise
        key, caller, _, number, _, _, *arguments = NOTIFICATION.unpack(request)
        return cls(listener, key, caller, number, tuple(arguments))

    def read(self, start: int, length: int, until: bytes = b"") -> bytes:
        """What is in the caller's memory there: so many bytes, or up to one."""
        page = os.sysconf("SC_PAGE_SIZE")
        parts = []
        with Path(f"/proc/{self.caller}/mem").open("rb", buffering=0) as memory:
            while length > 0:  # page by page: the next one need not be there
                memory.seek(start)
                part = memory.read(min(length, page - start % page))
                parts.append(part)
                start, length = start + len(part), length - len(part)
                if not part or (until and until in part):
                    break
        fcntl.ioctl(self.listener, STILL_VALID, struct.pack("=Q", self.key))
        return b"".join(parts)

    def path(self, start: int) -> bytes:
        return self.read(start, LONGEST_PATH, until=b"\0").split(b"\0")[0]

    def copy(self, descriptor: int) -> int:
        """The caller's own descriptor, here as well."""
        process = os.pidfd_open(leader(self.caller))
        try:
            copy = libc().syscall(PIDFD_GETFD, process, descriptor & 0xFFFFFFFF, 0)
        finally:
            os.close(process)
        if copy < 0:
            raise CallRefusedError(ctypes.get_errno())
        return int(copy)

    def go_on(self) -> None:
        """Let it happen."""
        self._send(ANSWER.pack(self.key, 0, 0, GO_ON))

    def refuse(self, number: int) -> None:
        self._send(ANSWER.pack(self.key, 0, -number, 0))

    def succeed(self) -> None:
        """It has been done in the caller's place."""
        self._send(ANSWER.pack(self.key, 0, 0, 0))

    def give(self, descriptor: int, flags: int) -> None:
        """It was to open something: that is here."""
        for how in (AND_ANSWER, 0):  # in two steps before Linux 5.14
            request = DESCRIPTOR.pack(self.key, how, descriptor, 0, flags & os.O_CLOEXEC)
            try:
                given = fcntl.ioctl(self.listener, GIVE, bytearray(request))
            except FileNotFoundError:  # the caller was killed
                return
            except OSError as error:
                if how == 0 or error.errno != errno.EINVAL:
                    raise
            else:
                if how == 0:
                    self._send(ANSWER.pack(self.key, given, 0, 0))
                return

    def _send(self, answer: bytes) -> None:
        with contextlib.suppress(FileNotFoundError):  # the caller was killed
            fcntl.ioctl(self.listener, SEND, answer)
