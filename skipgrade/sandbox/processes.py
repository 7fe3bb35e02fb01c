"""What Linux tells about processes, and asks of those who have some."""

from __future__ import annotations

import contextlib
import ctypes
import os
from pathlib import Path

DIE_WITH_PARENT, ADOPT_ORPHANS = 1, 36


def libc() -> ctypes.CDLL:
    """The C library, for calls Python has no name for; it keeps their error numbers."""
    return ctypes.CDLL(None, use_errno=True)


def adopt_orphans() -> None:
    """Descendants whose parent ends become children of this process."""
    libc().prctl(ADOPT_ORPHANS, 1, 0, 0, 0)


def die_with_parent(signal_number: int) -> None:
    libc().prctl(DIE_WITH_PARENT, signal_number, 0, 0, 0)


def children(pid: int) -> set[int]:
    """Processes started by `pid`, whichever of its threads did it, also those not yet reaped."""
    found: set[int] = set()
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                found.update(map(int, (thread / "children").read_text().split()))
    return found


def descendants(pid: int) -> set[int]:
    """Children, and theirs."""
    found: set[int] = set()
    waiting = [pid]
    while waiting:
        new = children(waiting.pop()) - found
        found |= new
        waiting += new
    return found


def memory(pid: int) -> int:
    """Bytes of memory a process holds, but for pages of files; pages it shares count in full."""
    return table_sum(Path(f"/proc/{pid}/status"), "RssAnon:", "RssShmem:")


def own_memory(pid: int) -> int:
    """The same, a page shared by so many processes counted as that part of it; slower to know."""
    return table_sum(Path(f"/proc/{pid}/smaps_rollup"), "Pss_Anon:", "Pss_Shmem:")


def table_sum(table: Path, *rows: str) -> int:
    """Bytes in these rows of one of a process's tables; none when it has ended."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        parts = [line.split() for line in table.read_text().splitlines() if line.startswith(rows)]
        return sum(int(part[1]) for part in parts) * 1024
    return 0


def reap(pids: set[int]) -> None:
    """Collect every child that has ended, and forget those of `pids` that have."""
    with contextlib.suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG)[0]) != 0:
            pids.discard(ended)


def close_all_but(*kept: int) -> None:
    """Close every descriptor but the standard ones and those to keep."""
    for entry in list(Path("/proc/self/fd").iterdir()):
        descriptor = int(entry.name)
        if descriptor > 2 and descriptor not in kept:
            with contextlib.suppress(OSError):  # the one this listing was read from
                os.close(descriptor)
