"""jupyter_client's way to our kernels: forked from a warm process, and confined if not trusted.

Kernelspecs choose one of the two provisioners here; nbclient and nbgrader need not know.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning import LocalProvisioner
from traitlets import Float, Integer, List, Unicode

from skipgrade.sandbox import confinement, folders, landlock, zygotes
from skipgrade.sandbox.confinement import PROTECTIONS, AllowedPaths
from skipgrade.sandbox.kernel_request import GIB, INLINE, KernelRequest, Limits

PASSED_ON = {
    "PATH", "USER", "LANG", "LANGUAGE", "TZ", "LD_LIBRARY_PATH",
    "VIRTUAL_ENV", "PYTHONPATH", "CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS", "MKL_NUM_THREADS",
    "NBGRADER_EXECUTION", "SKIPGRADE_DATA", "SKIPGRADE_DATASET", "SKIPGRADE_BACKBONE",
    "SKIPGRADE_RETRAIN",
}  # fmt: skip
PREFIXES_PASSED_ON = ("LC_",)
FIGURES_INLINE = {"MPLBACKEND": INLINE}
DEBUGGER_QUIET = {"PYDEVD_DISABLE_FILE_VALIDATION": "1"}  # it would warn of breakpoints
THREADS, THREADS_FOR_EACH_PROCESSOR = 512, 4  # libraries start one or two for each by themselves
START_TIMEOUT_S = 180.0
KILL_TIMEOUT_S, POLL_S = 5.0, 0.005


class SandboxMissingError(RuntimeError):
    """This machine cannot confine a student's kernel as far as the configuration demands."""


def demand_protection(accept_missing: Collection[str]) -> None:
    """Raise `SandboxMissingError` where this machine cannot confine as far as it must."""
    missing = [name for name in confinement.missing() if name not in accept_missing]
    if missing:
        told = "; ".join(PROTECTIONS[name] for name in missing)
        accepted = sorted({*missing, *accept_missing})
        raise SandboxMissingError(
            "nothing was graded: this machine cannot run submissions in a sandbox. "
            f"Missing: {told}. Grade on a machine that has it; or, if you "
            "trust every submission, write "
            f"c.SandboxProvisioner.accept_missing = {accepted} into nbgrader_config.py."
        )


def clean_environment(environment: dict[str, str]) -> dict[str, str]:
    """What a submission may see of the grader's environment: no tokens, no course folder."""
    return {
        name: value
        for name, value in environment.items()
        if name in PASSED_ON or name.startswith(PREFIXES_PASSED_ON)
    }


def environment_of_zygote() -> dict[str, str]:
    home = {"HOME": os.environ["HOME"]} if "HOME" in os.environ else {}
    return clean_environment(dict(os.environ)) | home | FIGURES_INLINE | DEBUGGER_QUIET


class WarmProvisioner(LocalProvisioner):
    """A trusted kernel that has its packages imported when it starts."""

    preload = List(
        Unicode(), help="Modules imported, and MODULE:FUNCTION called, before kernels are forked."
    ).tag(config=True)
    abandoned = List(
        Unicode(), help="Folders to remove if this process dies while the kernel runs."
    ).tag(config=True)

    process: Any
    _forked: zygotes.WarmKernel | None = None  # stays when `process` is forgotten at its end
    _cpu_seconds = 0.0

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        if not sys.platform.startswith("linux"):  # a cold start will have to do
            return await super().launch_kernel(cmd, **kwargs)
        request = self._request(cmd, kwargs["env"], str(kwargs.get("cwd") or Path.cwd()))
        for attempt in ("first", "last"):
            kernel = zygotes.fork(request, environment_of_zygote())
            if await asyncio.to_thread(kernel.wait_until_started, START_TIMEOUT_S):
                break
            if attempt == "last" or kernel.reason:
                raise zygotes.ZygoteError(f"A kernel did not start: {kernel.reason}")
        self.process = self._forked = kernel
        self.pid, self.pgid = kernel.pid, None
        self.cwd = request.folder
        return self.connection_info

    async def kill(self, restart: bool = False) -> None:
        """Kill as usual, then look often for the end: jupyter_client looks every 0.1 seconds.

        Without a thread to wait in: at the end of a process, when judges are dismissed, there are
        no new ones.
        """
        await super().kill(restart)
        deadline = time.monotonic() + KILL_TIMEOUT_S
        while await self.poll() is None and time.monotonic() < deadline:
            await asyncio.sleep(POLL_S)

    def cpu_seconds(self) -> float:
        """Processor time that the kernel and all it started have used since its start.

        Asked of its supervisor: a thousandth of a second, unless that is busy (at most one second;
        then what it said last). What a cell costs is the difference of two. When the kernel has
        ended it stays what it was; zero where kernels are not forked (not Linux).
        """
        if isinstance(self.process, zygotes.WarmKernel):
            self._cpu_seconds = self.process.cpu_seconds()
        return self._cpu_seconds

    def why_ended(self) -> str:
        """Why its supervisor stopped the kernel; empty when it ended, or goes on, by itself."""
        return "" if self._forked is None else self._forked.reason

    def _request(self, cmd: list[str], environment: dict[str, str], folder: str) -> KernelRequest:
        """`cmd` is `python -m ipykernel_launcher ...`: the fork takes the arguments alone."""
        environment = {k: v for k, v in environment.items() if k != "JPY_PARENT_PID"}
        arguments = cmd[cmd.index("ipykernel_launcher") + 1 :]
        return KernelRequest(
            arguments,
            FIGURES_INLINE | environment,
            folder,
            modules=self.preload,
            abandoned=self._abandoned(),
        )

    def _abandoned(self) -> list[str]:
        return [*self.abandoned, self._runtime()]

    def _runtime(self) -> str:
        """The folder of the connection file and the sockets."""
        manager: Any = self.parent
        return str(Path(manager.connection_file).parent)


class SandboxProvisioner(WarmProvisioner):
    """The same for code that is not trusted: confined before it runs, limited, and cleared away."""

    memory_gib = Float(
        8.0, help="Memory a student's kernel may use; beyond it Python raises MemoryError."
    ).tag(config=True)
    disk_gib = Float(4.0, help="What a student's kernel may write to disk.").tag(config=True)
    files = Integer(100_000, help="Files and folders a student's kernel may make.").tag(config=True)
    processes = Integer(64, help="Processes a student's kernel may have.").tag(config=True)
    seconds = Integer(3600, help="How long a student's kernel may run.").tag(config=True)
    readable = List(Unicode(), help="Files and folders it may read.").tag(config=True)
    writable = List(Unicode(), help="Folders it may write to.").tag(config=True)
    accept_missing = List(
        Unicode(), help=f"Protections to do without: {', '.join(PROTECTIONS)}."
    ).tag(config=True)

    _private: str | None = None

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        demand_protection(self.accept_missing)
        kwargs = await super().pre_launch(**kwargs)
        if self._private is None:
            self._private = tempfile.mkdtemp(prefix="skipgrade-private-")
            Path(self._private, "tmp").mkdir()
        kwargs["env"] = clean_environment(kwargs["env"]) | {
            "HOME": self._private,
            "IPYTHONDIR": str(Path(self._private, "ipython")),
            "TMPDIR": str(Path(self._private, "tmp")),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        return kwargs

    def _request(self, cmd: list[str], environment: dict[str, str], folder: str) -> KernelRequest:
        request = super()._request(cmd, environment, folder)
        assert self._private is not None
        own = [folder, self._runtime(), self._private]
        request.paths = AllowedPaths(self.readable, [*own, *self.writable])
        request.limits = Limits(
            memory=int(self.memory_gib * GIB),
            disk=int(self.disk_gib * GIB),
            files=self.files,
            processes=self.processes,
            threads=THREADS + THREADS_FOR_EACH_PROCESSOR * (os.cpu_count() or 1),
            seconds=self.seconds,
        )
        request.without = confinement.missing()
        request.landlock = landlock.version()
        request.private = self._private
        request.abandoned.append(self._private)
        return request

    async def cleanup(self, restart: bool = False) -> None:
        await super().cleanup(restart)
        if self._private is not None and not restart:
            folders.remove(self._private)
            self._private = None


def sharing(
    preload: Sequence[str], environment: Mapping[str, str]
) -> AbstractContextManager[dict[str, str]]:
    """One zygote for several processes of this machine; tell them by these variables."""
    if not sys.platform.startswith("linux"):
        return nullcontext({})
    return zygotes.sharing(preload, environment_of_zygote() | dict(environment))
