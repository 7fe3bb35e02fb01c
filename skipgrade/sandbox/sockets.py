"""`connect` and `bind` for a confined kernel: made here, in the caller's place, so that what was
looked at is what is used. To unix sockets in the kernel's own folders, and to nothing else.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import stat
import struct
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from skipgrade.sandbox.calls import Call, Refused
from skipgrade.sandbox.confinement import make_nothing_but_sockets
from skipgrade.sandbox.processes import libc, succeed

LONGEST_ADDRESS = 110
OPENAT2, AT_FDCWD, NO_MAGIC = 437, -100, 0x02
OWN_FOLDER = 0x200  # CLONE_FS: a thread's own working folder


class Sockets:
    def __init__(self, own: Iterable[str], closed: Iterable[str], restricted: bool) -> None:
        """`closed`: folders that may lie in its `own` and are not. `restricted`: by Landlock."""
        self._own = {Path(folder).resolve() for folder in own}
        self._closed = {Path(folder).resolve() for folder in closed}
        self._restricted = restricted
        self._binder = ThreadPoolExecutor(1, initializer=self._restrict)

    def connect(self, call: Call) -> None:
        """Links and races change nothing: what is held is used."""
        path = Path(f"/proc/{call.caller}/cwd").readlink() / os.fsdecode(_address(call))
        with contextlib.ExitStack() as held:
            folder = _open_folder(path.parent)
            held.callback(os.close, folder)
            self._demand_own(Path(f"/proc/self/fd/{folder}").readlink())
            flags = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
            target = os.open(path.name, flags, dir_fd=folder)
            held.callback(os.close, target)
            if not stat.S_ISSOCK(os.fstat(target).st_mode):
                raise Refused(errno.ECONNREFUSED)
            connecting = socket.socket(fileno=call.copy(call.arguments[0]))
            held.enter_context(connecting)
            connecting.connect(f"/proc/self/fd/{target}")

    def bind(self, call: Call) -> None:
        """Under the very name that was asked for, since a socket can be asked for it; therefore by
        a thread that can make sockets in the kernel's own folders alone.
        """
        path = _address(call)
        with contextlib.ExitStack() as held:
            folder = os.open(f"/proc/{call.caller}/cwd", os.O_PATH | os.O_CLOEXEC)
            held.callback(os.close, folder)
            binding = socket.socket(fileno=call.copy(call.arguments[0]))
            held.enter_context(binding)
            self._binder.submit(_bind, binding, path, folder).result()

    def _demand_own(self, folder: Path) -> None:
        around = (each for each in (folder, *folder.parents) if each in self._own | self._closed)
        if next(around, None) not in self._own:
            raise Refused(errno.EACCES)

    def _restrict(self) -> None:
        succeed(libc().unshare(OWN_FOLDER), "unshare")
        if self._restricted:
            make_nothing_but_sockets(self._own)


def _open_folder(path: Path) -> int:
    """By no way through /proc: that could lead to what other processes see under such a name."""
    how = struct.pack("=QQQ", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC, 0, NO_MAGIC)
    return succeed(libc().syscall(OPENAT2, AT_FDCWD, os.fsencode(path), how, len(how)), "openat2")


def _bind(binding: socket.socket, path: bytes, folder: int) -> None:
    os.fchdir(folder)
    binding.bind(path)


def _address(call: Call) -> bytes:
    """The path in the caller's memory; sockets without one are refused."""
    start, length = call.arguments[1], call.arguments[2] & 0xFFFFFFFF
    address = call.read(start, min(length, LONGEST_ADDRESS))
    family, path = address[:2], address[2:].split(b"\0")[0]
    if family != struct.pack("=H", socket.AF_UNIX) or not path:  # abstract, unnamed
        raise Refused(errno.EACCES)
    return path
