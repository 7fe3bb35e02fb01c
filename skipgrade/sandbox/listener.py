"""Answers the system calls a confined kernel has to ask for: new processes, and connections.

The filter holds the caller until there is an answer. A new process is allowed while there are few
enough. A connection is made here, in the caller's place, so that what was looked at is what is
connected: to a unix socket in one of the kernel's own folders, and to nothing else.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import os
import socket
import stat
import struct
import threading
from collections.abc import Sequence
from pathlib import Path

from skipgrade.sandbox.processes import descendants, libc

RECEIVE, SEND, STILL_VALID = 0xC0502100, 0xC0182101, 0x40082102
NOTIFICATION, ANSWER = struct.Struct("=QIIiIQ6Q"), struct.Struct("=QqiI")
GO_ON = 1
PIDFD_GETFD = 438
LONGEST_ADDRESS = 110


class Refused(Exception):
    """The error number a system call ends with."""

    def __init__(self, number: int) -> None:
        super().__init__(os.strerror(number))
        self.number = number


class Listener:
    def __init__(self, descriptor: int, processes: int, own: Sequence[str]) -> None:
        import pyseccomp

        self._descriptor = descriptor
        self._most = processes
        self._own = {Path(folder).resolve() for folder in own}
        self._connect = pyseccomp.resolve_syscall(pyseccomp.Arch.NATIVE, "connect")

    def fileno(self) -> int:
        return self._descriptor

    def answer(self) -> None:
        """Answer one call; callers that have gone in the meantime need no answer."""
        request = bytearray(NOTIFICATION.size)
        try:
            fcntl.ioctl(self._descriptor, RECEIVE, request)
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.EINTR):
                return
            raise
        call, caller, _, number, _, _, *arguments = NOTIFICATION.unpack(request)
        if number == self._connect:  # may have to wait for the other side
            details = (call, caller, arguments)
            threading.Thread(target=self._answer_connect, args=details, daemon=True).start()
        elif len(descendants(os.getpid())) < self._most:
            self._reply(call, go_on=True)
        else:
            self._reply(call, error=errno.EAGAIN)

    def _answer_connect(self, call: int, caller: int, arguments: Sequence[int]) -> None:
        try:
            path = self._address(call, caller, arguments[1], arguments[2])
            self._connect_for(caller, arguments[0], path)
        except Refused as refused:
            self._reply(call, error=refused.number)
        except OSError as error:
            self._reply(call, error=error.errno or errno.EACCES)
        else:
            self._reply(call)

    def _address(self, call: int, caller: int, start: int, length: int) -> Path:
        """The path in the caller's memory, made absolute."""
        with Path(f"/proc/{caller}/mem").open("rb", buffering=0) as memory:
            memory.seek(start)
            address = memory.read(min(length, LONGEST_ADDRESS))
        fcntl.ioctl(self._descriptor, STILL_VALID, struct.pack("=Q", call))
        family, path = address[:2], address[2:]
        if family != struct.pack("=H", socket.AF_UNIX) or path[:1] in b"\0":  # abstract, unnamed
            raise Refused(errno.EACCES)
        return Path(f"/proc/{caller}/cwd").readlink() / os.fsdecode(path.split(b"\0")[0])

    def _connect_for(self, caller: int, descriptor: int, path: Path) -> None:
        """Connect the caller's own socket. Links and races change nothing: what is held is used."""
        flags = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
        with contextlib.ExitStack() as held:
            folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
            held.callback(os.close, folder)
            real = Path(f"/proc/self/fd/{folder}").readlink()
            if not self._own & {real, *real.parents}:
                raise Refused(errno.EACCES)
            target = os.open(path.name, flags, dir_fd=folder)
            held.callback(os.close, target)
            if not stat.S_ISSOCK(os.fstat(target).st_mode):
                raise Refused(errno.ECONNREFUSED)
            process = os.pidfd_open(_leader(caller))
            held.callback(os.close, process)
            copy = libc().syscall(PIDFD_GETFD, process, descriptor, 0)
            if copy < 0:
                raise Refused(ctypes.get_errno())
            with socket.socket(fileno=copy) as connecting:
                connecting.connect(f"/proc/self/fd/{target}")

    def _reply(self, call: int, error: int = 0, go_on: bool = False) -> None:
        with contextlib.suppress(FileNotFoundError):  # the caller was killed
            fcntl.ioctl(self._descriptor, SEND, ANSWER.pack(call, 0, -error, GO_ON if go_on else 0))


def _leader(thread: int) -> int:
    """The process a thread belongs to."""
    for line in Path(f"/proc/{thread}/status").read_text().splitlines():
        if line.startswith("Tgid:"):
            return int(line.split()[1])
    raise Refused(errno.ESRCH)
