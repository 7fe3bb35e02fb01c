"""Stands in for /dev/shm where a kernel cannot have its own: a folder that only its supervisor
opens.

What the C library, torch and multiprocessing do with names in /dev/shm is done here, in the
caller's place, with the same names in that folder. Any other path is none of its business.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from skipgrade.sandbox.calls import Call, CallRefusedError

FOLDER = b"/dev/shm/"


class SharedMemory:
    def __init__(self, folder: Path) -> None:
        self._folder = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)

    def calls(self) -> Mapping[str, Callable[[Call], bool]]:
        """What to do for which system call; each says whether it was about shared memory."""
        return {
            "open": lambda call: self._open(call, *call.arguments[:3]),
            "openat": lambda call: self._open(call, *call.arguments[1:4]),
            "creat": lambda call: self._open(
                call, call.arguments[0], os.O_CREAT | os.O_WRONLY | os.O_TRUNC, call.arguments[1]
            ),
            "unlink": lambda call: self._unlink(call, call.arguments[0]),
            "unlinkat": lambda call: self._unlink(call, call.arguments[1]),
            "link": lambda call: self._link(call, call.arguments[0], call.arguments[1]),
            "linkat": lambda call: self._link(call, call.arguments[1], call.arguments[3]),
        }

    def _open(self, call: Call, path: int, flags: int, mode: int) -> bool:
        name = _name(call.path(path))
        if name is None:
            return False
        safely = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
        opened = os.open(name, flags & 0x7FFFFFFF | safely, mode & 0o777, dir_fd=self._folder)
        try:
            call.give(opened, flags)
        finally:
            os.close(opened)
        return True

    def _unlink(self, call: Call, path: int) -> bool:
        name = _name(call.path(path))
        if name is None:
            return False
        os.unlink(name, dir_fd=self._folder)
        call.succeed()
        return True

    def _link(self, call: Call, path: int, new: int) -> bool:
        names = [_name(call.path(path)), _name(call.path(new))]
        if names == [None, None]:
            return False
        old, made = names
        if old is None or made is None:
            raise CallRefusedError(errno.EXDEV)
        both = {"src_dir_fd": self._folder, "dst_dir_fd": self._folder}
        os.link(old, made, follow_symlinks=False, **both)
        call.succeed()
        return True


def _name(path: bytes) -> bytes | None:
    """A name in /dev/shm, if that is what the path means."""
    name = path.removeprefix(FOLDER)
    if name == path or b"/" in name or name in (b"", b".", b".."):
        return None
    return name
