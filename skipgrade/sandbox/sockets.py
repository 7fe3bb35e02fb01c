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
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from skipgrade.sandbox.calls import Call, CallRefusedError
from skipgrade.sandbox.own_files import OwnFiles

LONGEST_ADDRESS = 110


class Sockets:
    def __init__(self, files: OwnFiles, restrict: Callable[[], None]) -> None:
        """`restrict`: has the calling thread make sockets in the kernel's own folders alone."""
        self._files = files
        self._binder = ThreadPoolExecutor(1, initializer=restrict)

    def connect(self, call: Call) -> None:
        with contextlib.ExitStack() as held:
            target = self._files.open(call.caller, _address(call), os.O_PATH)
            held.callback(os.close, target)
            if not stat.S_ISSOCK(os.fstat(target).st_mode):
                raise CallRefusedError(errno.ECONNREFUSED)
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


def _bind(binding: socket.socket, path: bytes, folder: int) -> None:
    os.fchdir(folder)  # nothing else in the supervisor goes by its working folder
    binding.bind(path)


def _address(call: Call) -> bytes:
    """The path in the caller's memory; sockets without one are refused."""
    start, length = call.arguments[1], call.arguments[2] & 0xFFFFFFFF
    address = call.read(start, min(length, LONGEST_ADDRESS))
    family, path = address[:2], address[2:].split(b"\0")[0]
    if family != struct.pack("=H", socket.AF_UNIX) or not path:  # abstract, unnamed
        raise CallRefusedError(errno.EACCES)
    return path
