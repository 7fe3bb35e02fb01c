"""ipykernel without its one TCP port, through which forked processes pass on what they print."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import zmq
from ipykernel.iostream import IOPubThread
from ipykernel.kernelapp import IPKernelApp
from zmq.eventloop.zmqstream import ZMQStream


class PortlessOutput(IOPubThread):
    """Output of forked processes comes over a unix socket."""

    def _setup_pipe_in(self) -> None:
        self._pipe_uuid = os.urandom(16)
        self._pipe_address = f"ipc://{Path(tempfile.mkdtemp(), 'output')}"
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


class PortlessKernelApp(IPKernelApp):
    def init_iopub(self, context: Any) -> None:
        self.iopub_socket = context.socket(zmq.XPUB)
        self.iopub_socket.linger = 1000
        self._apply_curve_server_options(self.iopub_socket)
        self.iopub_port = self._bind_socket(self.iopub_socket, self.iopub_port)
        self.configure_tornado_logger()
        self.iopub_thread = PortlessOutput(self.iopub_socket, pipe=True, session=self.session)
        self.iopub_thread.start()
        self.iopub_socket = self.iopub_thread.background_socket
