"""Processors, memory, disk, and the paths and ports that grading uses."""

from __future__ import annotations

import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from skipgrade.classroom.doctor.finding import Finding, State

PART = "machine"
GIB = 2**30
FOR_A_SUBMISSION = 4 * GIB  # c.SandboxProvisioner.disk_gib, unless a course says otherwise
LONGEST_SOCKET = 107 if sys.platform.startswith("linux") else 103
SOCKET = "/skipgrade-kernel-12345678/output-1234567"

finding = partial(Finding, PART)


def examine(folder: Path) -> Iterator[Finding]:
    yield _workers()
    yield from _disk({"disk": folder, "temporary files": Path(tempfile.gettempdir())})
    yield _path_length()
    yield _ports()


def _workers() -> Finding:
    from dask.system import CPU_COUNT
    from distributed.system import MEMORY_LIMIT

    from skipgrade.classroom.cluster import MEMORY_A_WORKER, default_workers

    has = f"{CPU_COUNT} processor(s), {MEMORY_LIMIT / GIB:.1f} GiB of memory"
    if MEMORY_LIMIT < MEMORY_A_WORKER:
        least = f"at least {MEMORY_A_WORKER / GIB:g} GiB"
        return finding("room", State.FIX, has, f"Give the machine or container {least}.")
    return finding("room", State.OK, f"{has}: {default_workers()} submission(s) at a time")


def _disk(places: dict[str, Path]) -> Iterator[Finding]:
    from skipgrade.classroom.task import LEAST_FREE

    for name, place in places.items():
        free = shutil.disk_usage(place).free
        told = f"{free / GIB:.1f} GiB free in {place}"
        if not os.access(place, os.W_OK):
            yield finding(name, State.FIX, f"{place} cannot be written to", "Change its rights.")
        elif free < LEAST_FREE:
            least = f"{LEAST_FREE / 2**20:.0f} MiB"
            yield finding(name, State.FIX, told, f"Free at least {least}, better 4 GiB.")
        elif free < FOR_A_SUBMISSION:
            yield finding(name, State.NOTE, f"{told}; one submission may write 4 GiB")
        else:
            yield finding(name, State.OK, told)


def _path_length() -> Finding:
    """The address of a unix socket has room for about a hundred characters."""
    folder = tempfile.gettempdir()
    most = LONGEST_SOCKET - len(SOCKET)
    if len(os.fsencode(folder)) > most:
        told = f"{folder} is too long a name for the sockets of kernels"
        return finding("paths", State.FIX, told, f"Set TMPDIR to one of {most} characters or less.")
    return finding("paths", State.OK, "short enough for the sockets of kernels")


def _ports() -> Finding:
    try:
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
    except OSError as error:
        told = f"none can be opened on 127.0.0.1 ({error.strerror})"
        return finding("ports", State.NOTE, told, "Grade with `--workers 0`, which needs none.")
    return finding("ports", State.OK, "on 127.0.0.1 alone, for the workers")
