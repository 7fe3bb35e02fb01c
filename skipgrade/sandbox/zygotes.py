"""The owner's side: one zygote for this process, and a handle on each kernel it has forked."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

from skipgrade.sandbox.order import Order


class ZygoteFailed(RuntimeError):
    """No kernel could be forked."""


class WarmKernel:
    """A forked kernel, as `subprocess.Popen` would show it; jupyter_client treats it as one."""

    stdin = stdout = stderr = None

    def __init__(self, line: socket.socket) -> None:
        self.pid: int | None = None
        self.returncode: int | None = None
        self.reason = ""  # why it was stopped, when its warden did that
        self._line = line
        self._heard = b""

    def wait_until_born(self, seconds: float) -> bool:
        """Whether the kernel is on its way; False when its zygote or its warden has ended."""
        deadline = time.monotonic() + seconds
        while self.pid is None and self.returncode is None:
            if not select.select([self._line], [], [], max(0.0, deadline - time.monotonic()))[0]:
                raise ZygoteFailed(f"No kernel was forked within {seconds:g} s.")
            self._listen()
        return self.pid is not None

    def poll(self) -> int | None:
        while self.returncode is None and select.select([self._line], [], [], 0)[0]:
            self._listen()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        while self.returncode is None:
            if not select.select([self._line], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired("kernel", timeout or 0.0)
            self._listen()
        return self.returncode

    def send_signal(self, number: int) -> None:
        with contextlib.suppress(OSError):  # it has ended, as `poll` will say
            self._line.sendall(json.dumps({"signal": number}).encode() + b"\n")

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def _listen(self) -> None:
        try:
            data = self._line.recv(65536)
        except ConnectionResetError:
            data = b""
        *messages, self._heard = (self._heard + data).split(b"\n")
        for message in messages:
            self._learn(json.loads(message))
        if not data and self.returncode is None:
            self.returncode = -signal.SIGKILL  # the warden was killed, and the kernel with it
        if self.returncode is not None:
            self._line.close()

    def _learn(self, told: dict[str, Any]) -> None:
        self.pid = told.get("pid", self.pid)
        self.reason = told.get("reason", self.reason)
        self.returncode = told.get("exit", self.returncode)


class Zygote:
    """A process that forks kernels with `modules` imported."""

    def __init__(self, modules: Sequence[str], environment: Mapping[str, str]) -> None:
        self._owner = os.getpid()
        self._requests, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        command = [sys.executable, "-m", "skipgrade.sandbox.zygote", str(theirs.fileno())]
        with theirs:
            self._process = subprocess.Popen(
                [*command, *modules],
                env=dict(environment),
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is its owner's to handle
            )

    def usable(self) -> bool:
        return self._owner == os.getpid() and self._process.poll() is None

    def fork(self, order: Order) -> WarmKernel:
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                socket.send_fds(self._requests, [order.encode()], [theirs.fileno()])
            except (BrokenPipeError, ConnectionResetError):
                ours.close()
                raise ZygoteFailed("The process that forks kernels has ended.") from None
        return WarmKernel(ours)

    def close(self) -> None:
        self._requests.close()
        if self._owner == os.getpid():
            self._process.wait()


_zygotes: dict[tuple[str, ...], Zygote] = {}
_lock = threading.Lock()


def fork(order: Order, modules: Sequence[str], environment: Mapping[str, str]) -> WarmKernel:
    """A kernel from this process's zygote; one that has died is replaced."""
    with _lock:
        key = tuple(modules)
        zygote = _zygotes.get(key)
        if zygote is None or not zygote.usable():
            if zygote is not None:
                zygote.close()
            zygote = _zygotes[key] = Zygote(modules, environment)
    return zygote.fork(order)


@atexit.register
def close_all() -> None:
    """End every zygote of this process."""
    with _lock:
        for zygote in _zygotes.values():
            zygote.close()
        _zygotes.clear()
