"""The owner's side: one zygote for this process, and a handle on each kernel it has forked."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from skipgrade.sandbox.kernel_request import KernelRequest

SHARED = "KERNEL_ZYGOTE"
REPLY_TIMEOUT_S = 1.0


class ZygoteError(RuntimeError):
    """No kernel could be forked."""


class WarmKernel:
    """A forked kernel, as `subprocess.Popen` would show it; jupyter_client treats it as one."""

    stdin = stdout = stderr = None

    def __init__(self, line: socket.socket) -> None:
        self.pid: int | None = None
        self.returncode: int | None = None
        self.reason = ""  # why it was stopped, when its supervisor did that
        self._line = line
        self._heard = b""
        self._asked = self._answered = 0
        self._cpu_seconds = 0.0

    def wait_until_started(self, seconds: float) -> bool:
        """Whether the kernel is on its way; False when its zygote or its supervisor has ended."""
        deadline = time.monotonic() + seconds
        while self.pid is None and self.returncode is None:
            if not select.select([self._line], [], [], max(0.0, deadline - time.monotonic()))[0]:
                raise ZygoteError(f"No kernel was forked within {seconds:g} s.")
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

    def cpu_seconds(self) -> float:
        """Processor time that it and all it started have used so far, those that ended included.

        What was last heard, when it has ended or its supervisor does not answer.
        """
        if self.returncode is None:
            self._asked += 1
            self._say(asked=self._asked)
        deadline = time.monotonic() + REPLY_TIMEOUT_S
        while self.returncode is None and self._answered != self._asked:
            if not select.select([self._line], [], [], max(0.0, deadline - time.monotonic()))[0]:
                break
            self._listen()
        return self._cpu_seconds

    def send_signal(self, number: int) -> None:
        self._say(signal=number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def _say(self, **message: int) -> None:
        with contextlib.suppress(OSError):  # it has ended, as `poll` will say
            self._line.sendall(json.dumps(message).encode() + b"\n")

    def _listen(self) -> None:
        try:
            data = self._line.recv(65536)
        except ConnectionResetError:
            data = b""
        *messages, self._heard = (self._heard + data).split(b"\n")
        for message in messages:
            self._learn(json.loads(message))
        if not data and self.returncode is None:
            self.returncode = -signal.SIGKILL  # the supervisor was killed, and the kernel with it
        if self.returncode is not None:
            self._line.close()

    def _learn(self, told: dict[str, Any]) -> None:
        self.pid = told.get("pid", self.pid)
        self.reason = told.get("reason", self.reason)
        self._answered = told.get("asked", self._answered)
        self._cpu_seconds = told.get("cpu_seconds", self._cpu_seconds)
        self.returncode = told.get("exit", self.returncode)


class Zygote:
    """A process that forks kernels for whoever knows its `address`; it imports `modules` first."""

    def __init__(self, modules: Sequence[str], environment: Mapping[str, str]) -> None:
        self._owner = os.getpid()
        self._folder = tempfile.mkdtemp(prefix="skipgrade-zygote-")
        self.address = str(Path(self._folder, "socket"))
        self._lifeline, theirs = socket.socketpair()
        with theirs, socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as requests:
            requests.bind(self.address)
            requests.listen()
            descriptors = [theirs.fileno(), requests.fileno()]
            command = [sys.executable, "-m", "skipgrade.sandbox.zygote", self._folder]
            self._process = subprocess.Popen(
                [*command, *map(str, descriptors), *modules],
                env=dict(environment),
                pass_fds=descriptors,
                stdin=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is its owner's to handle
            )

    def usable(self) -> bool:
        return self._owner == os.getpid() and self._process.poll() is None

    def close(self) -> None:
        self._lifeline.close()
        if self._owner == os.getpid():
            try:
                self._process.wait(timeout=REPLY_TIMEOUT_S)
            except subprocess.TimeoutExpired:  # it is still importing, and listens to nobody
                self._process.terminate()
                self._process.wait()
            shutil.rmtree(self._folder, ignore_errors=True)


_zygote: Zygote | None = None
_lock = threading.Lock()


def fork(request: KernelRequest, environment: Mapping[str, str]) -> WarmKernel:
    """A kernel from the zygote this process shares, or from its own; replaced when it has died."""
    if shared := os.environ.get(SHARED):
        with contextlib.suppress(ZygoteError):
            return _ask(shared, request)
    return _ask(_own(request.modules, environment).address, request)


def _own(modules: Sequence[str], environment: Mapping[str, str]) -> Zygote:
    global _zygote
    with _lock:
        if _zygote is None or not _zygote.usable():
            if _zygote is not None:
                _zygote.close()
            _zygote = Zygote(modules, environment)
        return _zygote


def _ask(address: str, request: KernelRequest) -> WarmKernel:
    ours, theirs = socket.socketpair()
    with theirs:
        try:
            _send(address, request, theirs.fileno())
        except ZygoteError:
            ours.close()
            raise
    return WarmKernel(ours)


def _send(address: str, request: KernelRequest, *descriptors: int) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as line:
        try:
            line.connect(address)
            socket.send_fds(line, [request.encode()], descriptors)
        except OSError as error:
            raise ZygoteError(f"The process that forks kernels has ended ({error}).") from None


def prepare(shared: Mapping[str, str], modules: Sequence[str]) -> None:
    """Have a zygote that is shared import these as soon as it can; nobody waits for it."""
    if SHARED in shared:
        with contextlib.suppress(ZygoteError):  # whoever wants a kernel of it will notice
            _send(shared[SHARED], KernelRequest([], {}, "", modules=list(modules)))


@contextlib.contextmanager
def sharing(modules: Sequence[str], environment: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """A zygote for several processes; in their environment these variables tell them of it."""
    zygote = Zygote(modules, environment)
    try:
        yield {SHARED: zygote.address}
    finally:
        zygote.close()


@atexit.register
def close() -> None:
    """End the zygote of this process, if it has one."""
    global _zygote
    with _lock:
        if _zygote is not None:
            _zygote.close()
        _zygote = None
