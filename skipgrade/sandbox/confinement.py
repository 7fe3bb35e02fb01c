"""What a confined process may still do: Landlock for files and signals, seccomp for the rest.

`Filter` is compiled once, in the process that forks kernels. `confine` applies it to the process
that calls it, which must have one thread only; it cannot be undone.
"""

from __future__ import annotations

import ctypes
import errno
import functools
import os
import socket
import sys
import tempfile
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from skipgrade.sandbox.processes import libc

PROTECTIONS = {
    "files": "files: closed but for a submission's own (Landlock, Linux 6.2 or newer)",
    "signals": "signals: none to other processes (Landlock, Linux 6.12 or newer)",
    "network": "network: none, nor new rights (seccomp, with libseccomp installed)",
    "processes": "processes: a limit, and no foreign sockets (seccomp listeners, Linux 5.6)",
}
LANDLOCK_FOR_FILES, LANDLOCK_FOR_SIGNALS = 3, 6  # versions of its interface
SECCOMP_THERE, SECCOMP_LISTENERS = 1, 5  # levels of libseccomp

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

# Other processes' memory, namespaces and mounts, the machine itself, and ways round a filter.
FORBIDDEN = """
    ptrace process_vm_readv process_vm_writev process_madvise kcmp pidfd_open pidfd_getfd
    mount umount2 pivot_root chroot fsopen fsmount fspick fsconfig move_mount open_tree
    mount_setattr unshare setns name_to_handle_at open_by_handle_at memfd_create memfd_secret
    shmget shmat msgget semget mq_open bpf perf_event_open userfaultfd fanotify_init
    io_uring_setup io_uring_enter io_uring_register add_key request_key keyctl
    init_module finit_module delete_module kexec_load kexec_file_load reboot swapon swapoff
    acct quotactl settimeofday clock_settime clock_adjtime adjtimex sethostname setdomainname
    iopl ioperm vhangup setxattr lsetxattr fsetxattr removexattr lremovexattr fremovexattr
"""
# Landlock does not see them, honest code can do without: they succeed, and nothing happens.
WITHOUT_EFFECT = """
    chmod fchmod fchmodat fchmodat2 chown fchown lchown fchownat utime utimes futimesat utimensat
    setpriority ioprio_set sched_setscheduler sched_setparam sched_setattr sched_setaffinity
"""
ABOUT_A_PROCESS = "prlimit64 migrate_pages move_pages"  # named first; 0 is the caller
KIND = 0xF  # the part of a socket's type that tells streams from datagrams
NAMESPACES = 0x7E020080  # every CLONE_NEW... flag
THREAD = 0x00010000  # CLONE_THREAD
SET_MODE_FILTER, NEW_LISTENER, SPECULATION_ALLOWED = 1, 1 << 3, 1 << 2
NO_NEW_PRIVILEGES, DROP_FROM_BOUNDS, CAPABILITIES = 38, 24, 64
CAPABILITY_VERSION = 0x20080522


@dataclass
class Places:
    """The files and folders a process may use besides the system's; the rest it cannot open."""

    readable: list[str] = field(default_factory=list)
    writable: list[str] = field(default_factory=list)


class ConfinementFailed(OSError):
    """The kernel refused a protection it had announced."""


def missing() -> list[str]:
    """The names of the `PROTECTIONS` this machine cannot give."""
    if not sys.platform.startswith("linux"):
        return list(PROTECTIONS)
    landlock, seccomp = _landlock(), _seccomp()
    given = {
        "files": landlock >= LANDLOCK_FOR_FILES,
        "signals": landlock >= LANDLOCK_FOR_SIGNALS,
        "network": seccomp >= SECCOMP_THERE,
        "processes": seccomp >= SECCOMP_LISTENERS,
    }
    return [name for name in PROTECTIONS if not given[name]]


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


class Filter:
    """Which system calls are refused, and which are put to a listener, as the kernel reads it."""

    def __init__(self, listening: bool) -> None:
        import pyseccomp as seccomp

        self.listening = listening
        rules = seccomp.SyscallFilter(seccomp.ALLOW)
        refuse = seccomp.ERRNO(errno.EPERM)
        ask = seccomp.NOTIFY if listening else refuse

        def add(action: int, name: str, *conditions: tuple[int, ...]) -> None:
            if seccomp.resolve_syscall(seccomp.Arch.NATIVE, name) >= 0:
                rules.add_rule(action, name, *(seccomp.Arg(*each) for each in conditions))

        for name in FORBIDDEN.split():
            add(refuse, name)
        for name in WITHOUT_EFFECT.split():
            add(seccomp.ERRNO(0), name)
        for name in ABOUT_A_PROCESS.split():
            add(refuse, name, (0, seccomp.NE, 0))
        add(refuse, "socket", (0, seccomp.NE, int(socket.AF_UNIX)))
        for name in ("socket", "socketpair"):  # a datagram needs no connect to go elsewhere
            add(refuse, name, (1, seccomp.MASKED_EQ, KIND, int(socket.SOCK_DGRAM)))
        for flag in (1 << bit for bit in range(32) if NAMESPACES >> bit & 1):
            add(refuse, "clone", (0, seccomp.MASKED_EQ, flag, flag))
        add(seccomp.ERRNO(errno.ENOSYS), "clone3")  # its flags are out of sight: use clone
        add(ask, "connect")
        if listening:
            add(ask, "clone", (0, seccomp.MASKED_EQ, THREAD | NAMESPACES, 0))
            add(ask, "fork")
            add(ask, "vfork")
        with tempfile.TemporaryFile() as file:
            rules.export_bpf(file)
            file.seek(0)
            self._program = file.read()
        self._call = seccomp.resolve_syscall(seccomp.Arch.NATIVE, "seccomp")

    def load(self) -> int | None:
        """Put it in force for the calling process; gives the listener's descriptor."""

        class Program(ctypes.Structure):
            _fields_ = (("length", ctypes.c_ushort), ("first", ctypes.c_void_p))

        steps = ctypes.create_string_buffer(self._program, len(self._program))
        program = Program(len(self._program) // 8, ctypes.addressof(steps))
        flags = SPECULATION_ALLOWED | (NEW_LISTENER if self.listening else 0)
        listener = _succeed(
            libc().syscall(self._call, SET_MODE_FILTER, flags, ctypes.byref(program)), "seccomp"
        )
        return listener if self.listening else None


def confine(places: Places, filtered: Filter | None, without: Collection[str] = ()) -> int | None:
    """Give up everything but `places`; `without` names the protections that are not there."""
    _drop_privileges()
    if "files" not in without:
        _restrict_files(places, signals="signals" not in without)
    return filtered.load() if filtered else None


def _drop_privileges() -> None:
    """No rights beyond the user's own, now or later; matters most where the user is root."""

    class Header(ctypes.Structure):
        _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))

    library = libc()
    for capability in range(CAPABILITIES):
        library.prctl(DROP_FROM_BOUNDS, capability, 0, 0, 0)  # refused to whoever has none to drop
    nothing = (ctypes.c_uint32 * 6)()
    _succeed(library.capset(ctypes.byref(Header(CAPABILITY_VERSION, 0)), nothing), "capset")
    _succeed(library.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0), "prctl")


def _restrict_files(places: Places, signals: bool) -> None:
    from landlockpy import AccessFS, Ruleset, Scope

    use = AccessFS.READ_FILE | AccessFS.READ_DIR | AccessFS.EXECUTE
    change = AccessFS.WRITE_FILE | AccessFS.TRUNCATE
    make = (
        AccessFS.MAKE_REG | AccessFS.MAKE_DIR | AccessFS.MAKE_SYM | AccessFS.MAKE_FIFO
        | AccessFS.MAKE_SOCK | AccessFS.REMOVE_FILE | AccessFS.REMOVE_DIR | AccessFS.REFER
    )  # fmt: skip
    unlisted = AccessFS.READ_FILE | change | AccessFS.MAKE_REG | AccessFS.REMOVE_FILE
    of_a_file = AccessFS.READ_FILE | AccessFS.EXECUTE | change | AccessFS.IOCTL_DEV
    scope = Scope.SIGNAL | Scope.ABSTRACT_UNIX_SOCKET if signals else Scope.NONE
    granted = (
        (use, [*SYSTEM, *interpreter(), *places.readable, "/proc/self"]),
        (use | change | make, places.writable),
        (unlisted | AccessFS.REFER, ["/dev/shm"]),  # the names of others' files stay unknown
        (AccessFS.READ_FILE | change | AccessFS.IOCTL_DEV, devices()),
    )
    with Ruleset(scoped=scope) as rules:
        for access, paths in granted:
            for path in filter(Path.exists, map(Path, paths)):
                rules.allow_path(path, access if path.is_dir() else access & of_a_file)
        rules.restrict()


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


def _succeed(result: int, call: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise ConfinementFailed(number, f"{call}: {os.strerror(number)}")
    return result
