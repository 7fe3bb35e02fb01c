"""What a confined process may still do: Landlock or a view of files of its own, and seccomp.

`confine` applies both to the process that calls it, which must have one thread only; it cannot be
undone.
"""

from __future__ import annotations

import ctypes
import functools
import os
import sys
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from skipgrade.sandbox import landlock, view
from skipgrade.sandbox.filter import Filter, filters, listeners
from skipgrade.sandbox.landlock import Access
from skipgrade.sandbox.mounts import SHARED_MEMORY, TEMPORARY, enter_mounts
from skipgrade.sandbox.processes import libc, succeed

PROTECTIONS = {
    "files": "files: closed except for a submission's own (Landlock, Linux 5.13 or newer; or "
    "mounts, by root or with user namespaces)",
    "signals": "signals: none to other processes (seccomp listeners, Linux 5.9; or Landlock, 6.12)",
    "network": "network: none, nor new rights (seccomp, Linux 4.17, on x86_64 and aarch64)",
    "processes": "processes: a limit, and no foreign sockets (seccomp listeners, Linux 5.9)",
}
# Where the machine has these they do a part of the work; elsewhere the supervisor does it alone.
HELPS = {
    "folders": "a /tmp and a /dev/shm of each kernel's own (a mount namespace)",
    "groups": "a control group for each kernel",
}
LANDLOCK, VIEW = "Landlock", "a view of its own"

SYSTEM = (
    "/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64",
    "/etc/ld.so.cache", "/etc/localtime", "/etc/timezone", "/etc/mime.types", "/etc/fonts",
    "/etc/nsswitch.conf", "/etc/passwd", "/etc/group", "/etc/os-release", "/etc/alternatives",
    "/etc/locale.alias", "/etc/ssl/openssl.cnf",
    "/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/proc/version", "/proc/loadavg",
    "/proc/uptime", "/proc/filesystems", "/proc/sys/vm/overcommit_memory",
    "/sys/devices/system/cpu", "/sys/devices/system/node",
    "/proc/driver/nvidia", "/proc/devices", "/sys/bus/pci",
)  # fmt: skip
DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
ACCELERATORS = ("nvidia*", "kfd", "dri/*")

# What torch, psutil and the C library read of their own process: nothing of the machine's others.
OF_ITSELF = (
    "auxv", "cmdline", "comm", "io", "limits", "maps", "oom_score", "oom_score_adj", "smaps",
    "smaps_rollup", "stat", "statm", "status",
)  # fmt: skip
LISTED_OF_ITSELF = ("fd", "task")  # names, not what is behind them
NO_NEW_PRIVILEGES, DROP_FROM_BOUNDS, CAPABILITIES = 38, 24, 64
CAPABILITY_VERSION = 0x20080522


@dataclass
class AllowedPaths:
    """The files and folders a process may use besides the system's; the rest it cannot open."""

    readable: list[str] = field(default_factory=list)
    writable: list[str] = field(default_factory=list)


def missing() -> list[str]:
    """The names of the `PROTECTIONS` this machine cannot give."""
    if not sys.platform.startswith("linux"):
        return list(PROTECTIONS)
    answered = listeners()
    given = {
        "files": bool(files_kept_by()),
        "signals": answered or landlock.keeps_signals(landlock.version()),
        "network": filters(),
        "processes": answered,
    }
    return [name for name in PROTECTIONS if not given[name]]


def files_kept_by() -> str:
    """What closes files here: `LANDLOCK`, where that is missing a `VIEW`; empty if nothing can."""
    if landlock.version():
        return LANDLOCK
    return VIEW if sys.platform.startswith("linux") and view.possible() else ""


def confine(
    paths: AllowedPaths, filtered: Filter | None, without: Collection[str], known: int
) -> int | None:
    """Give up everything but `paths`; `without` names the protections that are not there, `known`
    is the version of Landlock to use: with 0 a view takes its place.
    """
    folders = "folders" not in without
    if "files" not in without and not known:
        _show_nothing_but(paths, folders)
    drop_privileges()
    if "files" not in without and known:
        _restrict_files(paths, folders, known)
    return filtered.load() if filtered else None


def drop_privileges() -> None:
    """No rights beyond the user's own, now or later; matters most where the user is root."""

    class Header(ctypes.Structure):
        _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))

    library = libc()
    for capability in range(CAPABILITIES):
        library.prctl(DROP_FROM_BOUNDS, capability, 0, 0, 0)  # refused to whoever has none to drop
    nothing = (ctypes.c_uint32 * 6)()
    succeed(library.capset(ctypes.byref(Header(CAPABILITY_VERSION, 0)), nothing), "capset")
    succeed(library.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0), "prctl")


def _restrict_files(paths: AllowedPaths, folders: bool, known: int) -> None:
    use = Access.READ_FILE | Access.READ_DIR | Access.EXECUTE
    change = Access.WRITE_FILE | Access.TRUNCATE
    make = (
        Access.MAKE_REG | Access.MAKE_DIR | Access.MAKE_SYM | Access.MAKE_FIFO
        | Access.MAKE_SOCK | Access.REMOVE_FILE | Access.REMOVE_DIR | Access.REFER
    )  # fmt: skip
    granted = (
        (use, [*SYSTEM, *interpreter(), *paths.readable]),
        (use | change | make, _writable(paths, folders)),
        (Access.READ_FILE | change | Access.IOCTL_DEV, devices()),
        (Access.READ_FILE, [f"/proc/self/{name}" for name in OF_ITSELF]),
        (Access.READ_DIR, [f"/proc/self/{name}" for name in LISTED_OF_ITSELF]),
    )
    landlock.restrict(granted, known, signals=True)


def _show_nothing_but(paths: AllowedPaths, folders: bool) -> None:
    own = [f"/proc/self/{name}" for name in (*OF_ITSELF, "fd")]
    here = Path.cwd()
    view.enclose(
        [*SYSTEM, *interpreter(), *paths.readable, *own],
        [*_writable(paths, folders), *devices()],
    )
    os.chdir(here)


def _writable(paths: AllowedPaths, folders: bool) -> list[str]:
    return [*paths.writable, *([str(TEMPORARY), str(SHARED_MEMORY)] if folders else [])]


def in_own_folders_alone(
    folders: Iterable[Path], without: Collection[str], known: int, kernel: int
) -> Callable[[], None]:
    """What has the calling thread make sockets in a kernel's own folders, and nothing elsewhere."""
    if "files" in without:
        return lambda: None
    if not known:
        return functools.partial(enter_mounts, kernel)
    made = (
        Access.MAKE_SOCK | Access.MAKE_REG | Access.MAKE_DIR | Access.MAKE_SYM
        | Access.MAKE_FIFO | Access.MAKE_BLOCK | Access.MAKE_CHAR
    )  # fmt: skip
    rules = [(Access.MAKE_SOCK, [*map(str, folders)])]
    return lambda: landlock.restrict(rules, known, handled=made)


def hold_readable(pid: int) -> list[int]:
    """What a kernel may read of itself is found by its place in Linux's own memory, which forgets
    it when nobody has it open.
    """
    names = (Path(f"/proc/{pid}/{name}") for name in OF_ITSELF)
    return [os.open(name, os.O_PATH | os.O_CLOEXEC) for name in names if name.exists()]


@functools.cache  # asked for once before kernels are forked, which all have the same packages
def interpreter() -> tuple[str, ...]:
    """Python's own folders, and those of packages that were imported from elsewhere."""
    homes = {Path(home).resolve() for home in (sys.prefix, sys.base_prefix)}
    folders = set(homes)
    for name, module in list(sys.modules.items()):
        file = Path(getattr(module, "__file__", None) or "")
        if "." not in name and file.name == "__init__.py":
            folder = file.resolve().parent
            if not homes & set(folder.parents):
                folders.add(folder)
    return tuple(map(str, folders))


def devices() -> Iterator[str]:
    yield from (f"/dev/{name}" for name in DEVICES)
    for pattern in ACCELERATORS:
        yield from map(str, Path("/dev").glob(pattern))
