"""Files in a kernel's own folders, as its supervisor opens them in the caller's place."""

from __future__ import annotations

import errno
import os
import struct
from collections.abc import Iterable
from pathlib import Path

from skipgrade.sandbox.calls import Call, CallRefusedError
from skipgrade.sandbox.processes import libc, succeed

OPENAT2, AT_FDCWD, NO_MAGIC = 437, -100, 0x02


class OwnFiles:
    def __init__(self, own: Iterable[str], closed: Iterable[str], largest: int) -> None:
        """`closed`: folders that may lie in its `own` and are not."""
        self.folders = {Path(folder).resolve() for folder in own}
        self._closed = {Path(folder).resolve() for folder in closed}
        self._largest = largest

    def open(self, caller: int, path: bytes, flags: int) -> int:
        """Links and races change nothing: what was looked at is held, and used."""
        whole = Path(f"/proc/{caller}/cwd").readlink() / os.fsdecode(path)
        folder = _open_folder(whole.parent)
        try:
            self._demand_own(Path(f"/proc/self/fd/{folder}").readlink())
            return os.open(whole.name, flags | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
        finally:
            os.close(folder)

    def truncate(self, call: Call) -> None:
        path, length = call.path(call.arguments[0]), call.arguments[1]
        if length > self._largest:
            raise CallRefusedError(errno.EFBIG)
        opened = self.open(call.caller, path, os.O_WRONLY | os.O_NONBLOCK)
        try:
            os.ftruncate(opened, length)
        finally:
            os.close(opened)
        call.succeed()

    def _demand_own(self, folder: Path) -> None:
        known = self.folders | self._closed
        around = (each for each in (folder, *folder.parents) if each in known)
        if next(around, None) not in self.folders:
            raise CallRefusedError(errno.EACCES)


def _open_folder(path: Path) -> int:
    """By no way through /proc: that could lead to what other processes see under such a name."""
    how = struct.pack("=QQQ", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC, 0, NO_MAGIC)
    return succeed(libc().syscall(OPENAT2, AT_FDCWD, os.fsencode(path), how, len(how)), "openat2")
