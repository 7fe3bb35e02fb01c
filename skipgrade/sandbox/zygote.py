"""A process that has imported the heavy packages and run nothing; it forks kernels on request.

    python -m skipgrade.sandbox.zygote DESCRIPTOR MODULE[:FUNCTION] ...

Its owner holds the other end of the socket DESCRIPTOR. Each message there is an `Order`, together
with the socket on which that kernel's warden will report. When the owner closes its end, or dies,
the zygote ends; kernels do the same by their own sockets.
"""

from __future__ import annotations

import gc
import importlib
import os
import select
import signal
import socket
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

from skipgrade.sandbox import confinement, warden
from skipgrade.sandbox.order import Order
from skipgrade.sandbox.processes import adopt_orphans, children, close_all_but, reap

LARGEST_ORDER = 2**20


def main(arguments: Sequence[str]) -> None:
    """Import the modules named, then serve until the owner is gone."""
    requests = socket.socket(fileno=int(arguments[0]))
    sys.path[:] = [entry for entry in sys.path if entry and Path(entry) != Path.cwd()]
    for name in arguments[1:]:
        _import(name)
    absent = confinement.missing()
    filtered = None
    if "network" not in absent:
        filtered = confinement.Filter(listening="processes" not in absent)
    adopt_orphans()
    gc.collect()
    gc.freeze()  # what is here now stays shared with every kernel
    _serve(requests, filtered)


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


def _serve(requests: socket.socket, filtered: confinement.Filter | None) -> None:
    wardens: set[int] = set()
    while True:
        select.select([requests], [], [], 1.0 if wardens else None)
        reap(wardens)
        for orphan in children(os.getpid()) - wardens:  # left behind by a warden that was killed
            os.kill(orphan, signal.SIGKILL)
        readable, _, _ = select.select([requests], [], [], 0)
        if not readable:
            continue
        data, descriptors, _, _ = socket.recv_fds(requests, LARGEST_ORDER, 1)
        if not data:
            return
        line = socket.socket(fileno=descriptors[0])
        pid = os.fork()
        if pid == 0:
            close_all_but(line.fileno())
            warden.keep(Order.decode(data), line, filtered)  # does not return
        wardens.add(pid)
        line.close()


if __name__ == "__main__":
    main(sys.argv[1:])
    os._exit(0)  # nothing was run here that would need clearing up
