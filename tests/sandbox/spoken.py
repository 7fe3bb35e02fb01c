"""One cell after the other to a kernel, and what came of each."""

from __future__ import annotations

import ast
import contextlib
import time
from collections.abc import Sequence
from pathlib import Path
from queue import Empty
from typing import Any

import pytest
from jupyter_client.manager import KernelManager
from traitlets.config import Config

from skipgrade.sandbox import confinement, kernel_manager, landlock

LACKING = confinement.missing()
needs_confinement = pytest.mark.skipif(
    bool(LACKING), reason=f"this machine cannot confine: {', '.join(LACKING)} missing"
)


class KernelEnded(AssertionError):
    """While it ran a cell; our kernels say why."""


class Kernel:
    """A running kernel, spoken to as nbclient does."""

    def __init__(self, manager: KernelManager, folder: Path, **launch: Any) -> None:
        self.manager = manager
        self.manager.start_kernel(cwd=str(folder), **launch)
        self.client = self.manager.client()
        self.client.start_channels(stdin=False, hb=False)

    @property
    def provisioner(self) -> Any:
        """A `SandboxProvisioner`, where the kernel is one of the project's."""
        return self.manager.provisioner

    def run(self, code: str, name: str, seconds: float = 300) -> Any:
        """The value of a variable after a cell, or the cell's error as text."""
        plain = f"{name} is None or isinstance({name}, (bool, int, str, list))"
        ask = {name: f"repr({name} if {plain} else str({name}))"}
        message = self.client.execute(
            f"{name} = None\n{code}", user_expressions=ask, stop_on_error=False
        )
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if not self.manager.is_alive():
                raise KernelEnded(self.provisioner.why_ended())
            with contextlib.suppress(Empty):
                reply = self.client.get_shell_msg(timeout=1)
                if reply["parent_header"].get("msg_id") == message:
                    break
        else:
            raise TimeoutError(f"no answer within {seconds:g} s")
        content = reply["content"]
        if content["status"] != "ok":
            return f"{content['ename']}: {content['evalue']}"
        text = content["user_expressions"][name]["data"]["text/plain"]
        return ast.literal_eval(ast.literal_eval(text))

    def stopped_for(self, code: str, seconds: float = 120) -> str:
        """Why the kernel was stopped while it ran a cell; empty if it was not."""
        self.client.execute(code)
        process = self.provisioner.process
        deadline = time.monotonic() + seconds
        while process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.1)
        return str(self.provisioner.why_ended())

    def close(self) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


# Time enough for a slow machine, where one kernel is asked everything.
LIMITS = {"memory_gib": 1.0, "disk_gib": 0.25, "processes": 24, "seconds": 3600}
PRELOAD = {"preload": ["torch"]}


def confined(
    folder: Path, without: Sequence[str] = (), known: int | None = None, **limits: Any
) -> Kernel:
    """A student's kernel, on a machine that offers all but some of what helps to confine it, and
    has that version of Landlock.
    """
    given = LIMITS | PRELOAD | {"accept_missing": list(without)} | limits
    missing = [*confinement.missing(), *without]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(confinement, "missing", lambda: missing)
        if known is not None:
            patch.setattr(landlock, "version", lambda: known)
        manager = kernel_manager("student", config=Config(SandboxProvisioner=given))
        return Kernel(manager, folder)
