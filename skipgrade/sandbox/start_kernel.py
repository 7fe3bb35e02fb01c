"""From a fork to a kernel: everything that has to happen before a student's code may run."""

from __future__ import annotations

import atexit
import os
import resource
import signal
import socket
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import NoReturn

from skipgrade.sandbox.confinement import confine
from skipgrade.sandbox.filter import Filter
from skipgrade.sandbox.kernel_request import KernelRequest, Limits
from skipgrade.sandbox.processes import die_with_parent, table_sum

CONFINED, COUNTED = b"confined", b"counted"  # said by the kernel, and to it
PENDING_SIGNALS = 1024  # of all processes of this user, the grader's included


def become_kernel(
    request: KernelRequest, parent: socket.socket, filtered: Filter | None
) -> NoReturn:
    """Turn this fork of a zygote into the kernel that was ordered; ends this process."""
    status = 1
    try:
        _settle(request)
        try:
            listener = None
            if request.paths is not None:
                _limit(request.limits)
                listener = confine(request.paths, filtered, request.without, request.landlock)
            socket.send_fds(parent, [CONFINED], [] if listener is None else [listener])
            if listener is not None:
                os.close(listener)
        except BaseException:
            parent.sendall(traceback.format_exc().encode()[-60_000:])
            raise
        status = _run(request.arguments, parent)
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def _settle(request: KernelRequest) -> None:
    """Its own session, environment and folder; random numbers seeded again."""
    os.setsid()
    die_with_parent(signal.SIGKILL)
    os.environ.clear()
    os.environ.update(request.environment)
    time.tzset()
    tempfile.tempdir = None
    os.chdir(request.folder)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1) if request.paths is None else (0, 1, 2):
        os.dup2(nowhere, descriptor)
    os.close(nowhere)
    if numpy := sys.modules.get("numpy"):
        numpy.random.seed()
    threads = os.environ.get("OMP_NUM_THREADS", "")
    if threads.isdecimal() and (torch := sys.modules.get("torch")):
        torch.set_num_threads(max(1, int(threads)))  # not what the zygote was started with


def _limit(limits: Limits) -> None:
    for kind, value in (
        (resource.RLIMIT_DATA, limits.memory + inherited_memory()),
        (resource.RLIMIT_FSIZE, limits.disk),
        (resource.RLIMIT_NOFILE, limits.open_files),
        (resource.RLIMIT_CPU, limits.seconds),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_MSGQUEUE, 0),
        (resource.RLIMIT_SIGPENDING, PENDING_SIGNALS),
    ):
        _, most = resource.getrlimit(kind)
        value = value if most == resource.RLIM_INFINITY else min(value, most)
        resource.setrlimit(kind, (value, value))


def inherited_memory() -> int:
    """What the imported packages hold and have reserved: not the kernel's to answer for."""
    return table_sum(Path("/proc/self/status"), "VmData:")


def _run(arguments: list[str], parent: socket.socket) -> int:
    """Get ready, and start when the supervisor has taken this process into its accounts."""
    from skipgrade.sandbox.kernel_app import PortlessKernelApp

    sys.argv = ["ipykernel_launcher.py", *arguments]
    app = PortlessKernelApp.instance()
    app.initialize(arguments)
    with parent:
        if parent.recv(len(COUNTED)) != COUNTED:
            return 1
    app.start()
    atexit._run_exitfuncs()
    return 0
