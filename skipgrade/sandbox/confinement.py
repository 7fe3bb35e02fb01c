"""What a confined process may still do: Landlock for files and signals, seccomp for the rest.

`confine` applies both to the process that calls it, which must have one thread only; it cannot be
undone.
"""

from __future__ import annotations

import ctypes
import functools
import os
import sys
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from skipgrade.sandbox.filter import Filter
from skipgrade.sandbox.mounts import SHARED_MEMORY, TEMPORARY
from skipgrade.sandbox.processes import libc, succeed

PROTECTIONS = {
    "files": "files: closed but for a submission's own (Landlock, Linux 6.2 or newer)",
    "signals": "signals: none to other processes (seccomp listeners, or Landlock of Linux 6.12)",
    "network": "network: none, nor new rights (seccomp, with libseccomp installed)",
    "processes": "processes: a limit, and no foreign sockets (seccomp listeners, Linux 5.14)",
}
# Where the machine has these they do a part of the work; elsewhere the warden does it alone.
HELPS = {
    "folders": "a /tmp and a /dev/shm of each kernel's own (a mount namespace)",
    "groups": "a control group for each kernel",
    "scopes": "signals kept in by Landlock itself (Linux 6.12)",
}
LANDLOCK_FOR_FILES, LANDLOCK_FOR_SIGNALS = 3, 6  # versions of its interface
SECCOMP_THERE, SECCOMP_LISTENERS = 2, 5  # levels of libseccomp

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
class Places:
    """The files and folders a process may use besides the system's; the rest it cannot open."""

    readable: list[str] = field(default_factory=list)
    writable: list[str] = field(default_factory=list)


def missing() -> list[str]:
    """The names of the `PROTECTIONS` this machine cannot give."""
    if not sys.platform.startswith("linux"):
        return list(PROTECTIONS)
    landlock, seccomp = _landlock(), _seccomp()
    given = {
        "files": landlock >= LANDLOCK_FOR_FILES,
        "signals": scopes() or seccomp >= SECCOMP_LISTENERS,
        "network": seccomp >= SECCOMP_THERE,
        "processes": seccomp >= SECCOMP_LISTENERS,
    }
    return [name for name in PROTECTIONS if not given[name]]


def scopes() -> bool:
    """Whether Landlock keeps signals in."""
    return _landlock() >= LANDLOCK_FOR_SIGNALS


def _landlock() -> int:
    try:
        import landlockpy
    except ImportError:
        return 0
    return int(landlockpy.abi_version()) if landlockpy.supported() else 0


def _seccomp() -> int:
    try:
        import pyseccomp
    except (ImportError, RuntimeError):  # RuntimeError: there is no libseccomp
        return 0
    return int(pyseccomp.get_api())


def confine(places: Places, filtered: Filter | None, without: Collection[str] = ()) -> int | None:
    """Give up everything but `places`; `without` names the protections that are not there."""
    _drop_privileges()
    if "files" not in without:
        _restrict_files(places, "folders" not in without, "scopes" not in without)
    return filtered.load() if filtered else None


def _drop_privileges() -> None:
    """No rights beyond the user's own, now or later; matters most where the user is root."""

    class Header(ctypes.Structure):
        _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))

    library = libc()
    for capability in range(CAPABILITIES):
        library.prctl(DROP_FROM_BOUNDS, capability, 0, 0, 0)  # refused to whoever has none to drop
    nothing = (ctypes.c_uint32 * 6)()
    succeed(library.capset(ctypes.byref(Header(CAPABILITY_VERSION, 0)), nothing), "capset")
    succeed(library.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0), "prctl")


def _restrict_files(places: Places, folders: bool, signals: bool) -> None:
    from landlockpy import AccessFS, Ruleset, Scope

    use = AccessFS.READ_FILE | AccessFS.READ_DIR | AccessFS.EXECUTE
    change = AccessFS.WRITE_FILE | AccessFS.TRUNCATE
    make = (
        AccessFS.MAKE_REG | AccessFS.MAKE_DIR | AccessFS.MAKE_SYM | AccessFS.MAKE_FIFO
        | AccessFS.MAKE_SOCK | AccessFS.REMOVE_FILE | AccessFS.REMOVE_DIR | AccessFS.REFER
    )  # fmt: skip
    of_a_file = AccessFS.READ_FILE | AccessFS.EXECUTE | change | AccessFS.IOCTL_DEV
    scope = Scope.SIGNAL | Scope.ABSTRACT_UNIX_SOCKET if signals else Scope.NONE
    private = [str(TEMPORARY), str(SHARED_MEMORY)] if folders else []
    granted = (
        (use, [*SYSTEM, *interpreter(), *places.readable]),
        (use | change | make, [*places.writable, *private]),
        (AccessFS.READ_FILE | change | AccessFS.IOCTL_DEV, devices()),
        (AccessFS.READ_FILE, [f"/proc/self/{name}" for name in OF_ITSELF]),
        (AccessFS.READ_DIR, [f"/proc/self/{name}" for name in LISTED_OF_ITSELF]),
    )
    with Ruleset(scoped=scope) as rules:
        for access, paths in granted:
            for path in filter(Path.exists, map(Path, paths)):
                rules.allow_path(path, access if path.is_dir() else access & of_a_file)
        rules.restrict()


def make_nothing_but_sockets(folders: Iterable[Path]) -> None:
    """The calling thread makes sockets in these folders alone, and no other new files."""
    from landlockpy import AccessFS, Ruleset

    made = (
        AccessFS.MAKE_SOCK | AccessFS.MAKE_REG | AccessFS.MAKE_DIR | AccessFS.MAKE_SYM
        | AccessFS.MAKE_FIFO | AccessFS.MAKE_BLOCK | AccessFS.MAKE_CHAR
    )  # fmt: skip
    with Ruleset(handled_fs=made) as rules:
        for folder in folders:
            rules.allow_path(folder, AccessFS.MAKE_SOCK)
        rules.restrict()


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
