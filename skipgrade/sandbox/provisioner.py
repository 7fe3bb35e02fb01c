"""Starts a student's kernel: an ordinary process with a clean environment and a memory limit."""

from __future__ import annotations

import resource
import shutil
import tempfile
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning import LocalProvisioner
from traitlets import Float

PASSED_ON = {
    "PATH", "HOME", "USER", "LANG", "LANGUAGE", "TZ", "TMPDIR", "LD_LIBRARY_PATH",
    "VIRTUAL_ENV", "PYTHONPATH", "CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS", "MKL_NUM_THREADS",
    "NBGRADER_EXECUTION", "SKIPGRADE_DATA", "SKIPGRADE_DATASET", "SKIPGRADE_BACKBONE",
}  # fmt: skip
PREFIXES_PASSED_ON = ("LC_", "JPY_")


def clean_environment(environment: dict[str, str]) -> dict[str, str]:
    """What a submission may see of the grader's environment: no tokens, no course folder."""
    return {
        name: value
        for name, value in environment.items()
        if name in PASSED_ON or name.startswith(PREFIXES_PASSED_ON)
    }


class LimitedProvisioner(LocalProvisioner):
    """jupyter_client's local start, for code that is not trusted.

    Every kernel gets an IPython folder of its own, so that start-up files one submission
    leaves behind are never read by the next.
    """

    memory_gib = Float(
        8.0, help="Memory a student's kernel may allocate; beyond it Python raises MemoryError."
    ).tag(config=True)

    _ipython_folder: str | None = None

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        kwargs = await super().pre_launch(**kwargs)
        if self._ipython_folder is None:
            self._ipython_folder = tempfile.mkdtemp(prefix="skipgrade-ipython-")
        environment = clean_environment(kwargs["env"])
        environment["IPYTHONDIR"] = self._ipython_folder
        environment["PYTHONDONTWRITEBYTECODE"] = "1"
        kwargs["env"] = environment
        return kwargs

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        info = await super().launch_kernel(cmd, **kwargs)
        self._limit_memory()
        return info

    def _limit_memory(self) -> None:
        if not hasattr(resource, "prlimit"):
            self.log.warning("This system cannot limit the memory of a running kernel.")
            return
        limit = int(self.memory_gib * 2**30)
        assert self.pid is not None
        resource.prlimit(self.pid, resource.RLIMIT_DATA, (limit, limit))

    async def cleanup(self, restart: bool = False) -> None:
        await super().cleanup(restart)
        if self._ipython_folder is not None and not restart:
            shutil.rmtree(self._ipython_folder, ignore_errors=True)
            self._ipython_folder = None
