"""A process that has imported the heavy packages and run nothing; it forks kernels on request.

    python -m skipgrade.sandbox.zygote FOLDER LIFELINE REQUESTS MODULE[:FUNCTION] ...

REQUESTS is the descriptor of a socket that listens in FOLDER. Each connection brings one
`KernelRequest`, together with the socket on which that kernel's supervisor will report. Modules
that a request names and that are not there yet are imported first, and stay for all that follow;
a request that comes without a socket is for that alone. When the owner closes the other end of
LIFELINE, or dies, the zygote ends; kernels do the same by their own sockets.
"""

from __future__ import annotations

import functools
import gc
import importlib
import os
import select
import shutil
import signal
import socket
import sys
import traceback
from collections.abc import Collection, Sequence
from pathlib import Path

from skipgrade.sandbox import confinement, groups, mounts, supervisor
from skipgrade.sandbox.filter import Filter
from skipgrade.sandbox.kernel_request import KernelRequest
from skipgrade.sandbox.processes import adopt_orphans, children, close_all_but, reap

LARGEST_ORDER = 2**20


def main(arguments: Sequence[str]) -> None:
    """Import the modules named, then serve until the owner is gone."""
    folder, lifeline, requests, *names = arguments
    sys.path[:] = [entry for entry in sys.path if entry and Path(entry) != Path.cwd()]
    _prepare(names)
    look_around()
    adopt_orphans()
    try:
        _serve(socket.socket(fileno=int(lifeline)), socket.socket(fileno=int(requests)))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@functools.cache
def look_around() -> frozenset[str]:
    """The protections and helps that are not there; asked for once, before the first kernel."""
    absent = set(confinement.missing())
    if not mounts.possible():
        absent.add("folders")
    if not groups.homes():
        absent.add("groups")
    _filter(absent)
    return frozenset(absent)


_filters: dict[tuple[bool, bool], Filter] = {}


def _filter(absent: Collection[str]) -> Filter | None:
    """Compiled once, for all kernels that go without the same."""
    if "network" in absent:
        return None
    kind = ("processes" not in absent, "folders" in absent)
    if kind not in _filters:
        _filters[kind] = Filter(*kind)
    return _filters[kind]


_prepared: set[str] = set()


def _prepare(names: Sequence[str]) -> None:
    """Import what has not been imported before, for every kernel from now on."""
    new = [name for name in names if name not in _prepared]
    if new:
        gc.disable()  # what is imported stays: looking for garbage in it takes a third of the time
        for name in new:
            _import(name)
        _prepared.update(new)
        confinement.interpreter.cache_clear()
        confinement.interpreter()
        gc.collect()
        gc.freeze()  # what is here now stays shared with every kernel
        gc.enable()


def _import(name: str) -> None:
    """Import a module, and call a function of it where one is named."""
    module, _, function = name.partition(":")
    try:
        imported = importlib.import_module(module)
        if function:
            getattr(imported, function)()
    except Exception:  # kernels can do without, and will fail where a notebook cannot
        print(
            f"skipgrade: kernels start without {name}, which cannot be imported:", file=sys.stderr
        )
        traceback.print_exc()


def _serve(lifeline: socket.socket, requests: socket.socket) -> None:
    supervisors: set[int] = set()
    while True:
        ready, _, _ = select.select([lifeline, requests], [], [], 1.0 if supervisors else None)
        reap(supervisors)
        for orphan in (
            children(os.getpid()) - supervisors
        ):  # left behind by a supervisor that was killed
            os.kill(orphan, signal.SIGKILL)
        groups.remove_left(
            groups.homes(), supervisor.group_name(os.getpid(), ""), map(str, supervisors)
        )
        if lifeline in ready:
            return
        if requests in ready:
            _fork(requests, supervisors)


def _fork(requests: socket.socket, supervisors: set[int]) -> None:
    """Take one request and fork its supervisor."""
    connection, _ = requests.accept()
    with connection:
        data, descriptors, _, _ = socket.recv_fds(connection, LARGEST_ORDER, 1)
    if not data:  # whoever asked has gone
        return
    request = KernelRequest.decode(data)
    _prepare(request.modules)
    if not descriptors:  # nobody waits for a kernel yet
        return
    request.without = sorted({*request.without, *look_around()})
    filtered = _filter(request.without)
    line = socket.socket(fileno=descriptors[0])
    pid = os.fork()
    if pid == 0:
        close_all_but(line.fileno())
        supervisor.keep(request, line, filtered, groups.homes())  # does not return
    supervisors.add(pid)
    line.close()


if __name__ == "__main__":
    main(sys.argv[1:])
    os._exit(0)  # nothing was run here that would need clearing up
