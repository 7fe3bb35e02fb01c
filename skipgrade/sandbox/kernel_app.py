"""ipykernel as a forked kernel has it: without its one TCP port, and no figure drawn twice."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from subprocess import PIPE, STDOUT, Popen
from types import MethodType
from typing import Any

import zmq
from ipykernel.iostream import IOPubThread, OutStream
from ipykernel.kernelapp import IPKernelApp
from traitlets import default
from zmq.eventloop.zmqstream import ZMQStream

from skipgrade.sandbox.kernel_request import INLINE


class PortlessOutput(IOPubThread):
    """Output of forked processes comes over a unix socket, in the folder of the kernel's others."""

    def __init__(self, socket: Any, folder: Path, session: Any) -> None:
        self._pipe_address = f"ipc://{folder / f'output-{os.getpid()}'}"
        super().__init__(socket, pipe=True, session=session)

    def _setup_pipe_in(self) -> None:
        self._pipe_uuid = os.urandom(16)
        receiving = self.socket.context.socket(zmq.PULL)
        receiving.linger = 0
        receiving.bind(self._pipe_address)
        self._pipe_in = ZMQStream(receiving, self.io_loop)
        self._pipe_in.on_recv(self._handle_pipe_msg)

    def _setup_pipe_out(self) -> tuple[Any, Any]:
        context: Any = zmq.Context()  # a new one after a fork
        sending = context.socket(zmq.PUSH)
        sending.linger = 3000
        sending.connect(self._pipe_address)
        return context, sending


class QuietStream(OutStream):
    """Flushing what is empty wakes no other thread; ipykernel flushes both streams every time."""

    def flush(self) -> None:
        with self._buffer_lock:
            empty = not self._buffers and not self._flush_pending
        if not empty:
            super().flush()


class PortlessKernelApp(IPKernelApp):
    @default("outstream_class")
    def _quiet(self) -> str:
        return f"{__name__}.{QuietStream.__name__}"

    def init_shell(self) -> None:
        super().init_shell()
        shell: Any = self.shell
        _show_figures_first(shell)
        shell.system = MethodType(_system, shell)

    def init_iopub(self, context: Any) -> None:
        self.iopub_socket = context.socket(zmq.XPUB)
        self.iopub_socket.linger = 1000
        self.iopub_socket.sndhwm = 0  # what waits is in this process's memory, and none is dropped
        self._apply_curve_server_options(self.iopub_socket)
        self.iopub_port = self._bind_socket(self.iopub_socket, self.iopub_port)
        self.configure_tornado_logger()
        folder = Path(self.abs_connection_file).parent
        self.iopub_thread = PortlessOutput(self.iopub_socket, folder, self.session)
        self.iopub_thread.start()
        self.iopub_socket = self.iopub_thread.background_socket


def _system(shell: Any, line: str) -> None:
    """A line that begins with `!`, through a pipe: ipykernel would want a terminal."""
    command = shell.var_expand(line, depth=1)
    with Popen(["/bin/sh", "-c", command], stdout=PIPE, stderr=STDOUT, errors="replace") as program:
        for text in program.stdout or ():
            print(text, end="", flush=True)
    shell.user_ns["_exit_code"] = program.returncode


def _show_figures_first(shell: Any) -> None:
    """Let the inline backend hear of a cell's end before pyplot does.

    The backend shows a cell's figures and closes them; pyplot draws those that are still open. In
    the order they come by themselves every figure is laid out and drawn once more, for nobody. A
    backend imported before the fork would not come by itself at all: there was no shell then.
    """
    imported = INLINE.removeprefix("module://") in sys.modules
    if not imported or os.environ.get("MPLBACKEND") != INLINE:
        return
    from IPython.core.pylabtools import activate_matplotlib
    from matplotlib_inline.backend_inline import configure_inline_support

    configure_inline_support(shell, INLINE)
    activate_matplotlib(INLINE)
