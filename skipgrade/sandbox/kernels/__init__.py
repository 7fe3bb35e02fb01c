"""The two kernelspecs, `student` and `judge`, kept out of the user's own Jupyter folders."""

from __future__ import annotations

import tempfile
import weakref
from pathlib import Path
from typing import Any, TypeVar

import zmq
from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager, KernelManager
from traitlets import Type

from skipgrade.sandbox import folders
from skipgrade.sandbox.client import PromptClient

FOLDER = Path(__file__).parent
MESSAGE_LIMIT = 16 * 2**20
MESSAGES = 16  # that wait here, on each channel; the kernel keeps the rest
RETRY_MS = 10  # milliseconds until a kernel that has no sockets yet is called again


class _Bounded:
    """Clients of this manager drop the connection over a message larger than the limit, hold no
    more than a few that nobody has read, and call a kernel that is still starting more often than
    every 0.1 seconds.
    """

    def client(self, **kwargs: Any) -> Any:
        client = super().client(**kwargs)  # type: ignore[misc]
        client.context.setsockopt(zmq.MAXMSGSIZE, MESSAGE_LIMIT)  # for the sockets it will make
        client.context.setsockopt(zmq.RCVHWM, MESSAGES)
        client.context.setsockopt(zmq.RECONNECT_IVL, RETRY_MS)
        return client


class BoundedKernelManager(_Bounded, KernelManager):
    pass


class BoundedAsyncKernelManager(_Bounded, AsyncKernelManager):
    client_factory = Type(PromptClient, klass=AsyncKernelClient)


Manager = TypeVar("Manager", BoundedKernelManager, BoundedAsyncKernelManager)


def kernel_manager(name: str, **traits: Any) -> BoundedKernelManager:
    """A manager for the kernel `name`; its kernelspec's provisioner decides how it starts."""
    return _manager(BoundedKernelManager, name, traits)


def async_kernel_manager(name: str, **traits: Any) -> BoundedAsyncKernelManager:
    """The same for nbclient, which wants the asynchronous class."""
    return _manager(BoundedAsyncKernelManager, name, traits)


def _manager(kind: type[Manager], name: str, traits: dict[str, Any]) -> Manager:
    """Channels are unix sockets in a folder of the kernel's own, gone when the manager is."""
    specs = KernelSpecManager(kernel_dirs=[str(FOLDER)], ensure_native_kernel=False)
    folder = tempfile.mkdtemp(prefix="skipgrade-kernel-")
    manager = kind(
        kernel_name=name,
        kernel_spec_manager=specs,
        transport="ipc",
        connection_file=str(Path(folder, "kernel.json")),
        **traits,
    )
    weakref.finalize(manager, folders.remove, folder)
    return manager
