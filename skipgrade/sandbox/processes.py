"""Helpers around /proc and prctl: what Linux knows of processes."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
from collections.abc import Iterable
from pathlib import Path

LOWEST_PRIORITY = 19
DIE_WITH_PARENT, ADOPT_ORPHANS = 1, 36
GONE = (FileNotFoundError, ProcessLookupError, PermissionError)  # ended, or just ending


def libc() -> ctypes.CDLL:
    """The C library, for calls Python has no name for; it keeps their error numbers."""
    return ctypes.CDLL(None, use_errno=True)


class SystemCallError(OSError):
    """Linux refused what it had announced."""


def succeed(result: int, call: str) -> int:
    """A call's result; an error where it is one."""
    if result < 0:
        number = ctypes.get_errno()
        raise SystemCallError(number, f"{call}: {os.strerror(number)}")
    return result


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


def threads(pids: Iterable[int]) -> int:
    """How many they have together."""
    return sum(len(entries(f"/proc/{pid}/task")) for pid in pids)


def leader(thread: int) -> int:
    """The process a thread belongs to."""
    with contextlib.suppress(FileNotFoundError):
        for line in Path(f"/proc/{thread}/status").read_text().splitlines():
            if line.startswith("Tgid:"):
                return int(line.split()[1])
    raise ProcessLookupError(errno.ESRCH, os.strerror(errno.ESRCH))


def group_of(pid: int) -> int:
    """The process group it is in; 0 when it has ended."""
    with contextlib.suppress(ProcessLookupError):
        return os.getpgid(pid)
    return 0


def running(pids: Iterable[int]) -> int:
    """How many of their threads compute, or wait for a processor to do it on."""
    found = 0
    for pid in pids:
        for thread in entries(f"/proc/{pid}/task"):
            with contextlib.suppress(*GONE):
                found += (thread / "stat").read_text().rpartition(")")[2].split()[0] == "R"
    return found


def let_others_first(pids: Iterable[int]) -> None:
    """They, and what they start from now on, get what others leave of the processors."""
    for pid in pids:
        for thread in entries(f"/proc/{pid}/task"):
            with contextlib.suppress(*GONE):
                os.setpriority(os.PRIO_PROCESS, int(thread.name), LOWEST_PRIORITY)


def sockets(pids: Iterable[int]) -> int:
    """How many they hold open; one that several hold counts once."""
    found = set()
    for pid in pids:
        for descriptor in entries(f"/proc/{pid}/fd"):
            with contextlib.suppress(OSError):  # closed since it was listed
                found.add(str(descriptor.readlink()))
    return sum(name.startswith("socket:") for name in found)


def entries(folder: str) -> list[Path]:
    """What a folder of a process's holds; nothing when it has ended, or is just ending."""
    with contextlib.suppress(*GONE):
        return list(Path(folder).iterdir())
    return []


def processor_seconds(pids: Iterable[int]) -> float:
    """Processor time they have used, and those of their children that they have waited for."""
    ticks = 0
    for pid in pids:
        with contextlib.suppress(*GONE):
            behind_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += sum(map(int, behind_name[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


def memory(pid: int) -> int:
    """Bytes of memory a process holds, except for pages of files; pages it shares count in full."""
    return table_sum(Path(f"/proc/{pid}/status"), "RssAnon:", "RssShmem:")


def own_memory(pid: int, kind: str) -> int:
    """Of `Anon` or `Shmem`, a page shared by so many counted as that part of it; slower to know."""
    return table_sum(Path(f"/proc/{pid}/smaps_rollup"), f"Pss_{kind}:")


def table_sum(table: Path, *rows: str) -> int:
    """Bytes in these rows of one of a process's tables; none when it has ended."""
    with contextlib.suppress(*GONE):
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
