"""Which system calls a confined kernel may make: a seccomp filter, compiled once for many.

Some calls are refused, some succeed without an effect, and some are put to the kernel's supervisor.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import functools
import os
import socket
import threading

from skipgrade.sandbox.bpf import ASK, STEP, If, Rule, error, program
from skipgrade.sandbox.landlock import NO_NEW_PRIVILEGES
from skipgrade.sandbox.processes import libc, succeed
from skipgrade.sandbox.syscalls import FIRST_UNKNOWN, PROCESSORS, here, numbers

REFUSE, PRETEND, ABSENT = error(errno.EPERM), error(0), error(errno.ENOSYS)

# Other processes' memory, namespaces and mounts, the machine itself, what speaks past files and
# sockets (queues, watches, keys), and ways round a filter.
FORBIDDEN = """
    ptrace process_vm_readv process_vm_writev process_madvise process_mrelease kcmp
    pidfd_open pidfd_getfd pidfd_send_signal rt_sigqueueinfo rt_tgsigqueueinfo get_robust_list
    mount umount2 pivot_root chroot fsopen fsmount fspick fsconfig move_mount open_tree
    open_tree_attr mount_setattr statmount listmount unshare setns
    name_to_handle_at open_by_handle_at memfd_create memfd_secret
    shmget shmat shmctl msgget msgsnd msgrcv msgctl semget semop semtimedop semctl
    mq_open mq_unlink mq_timedsend mq_timedreceive mq_notify mq_getsetattr
    inotify_init inotify_init1 inotify_add_watch inotify_rm_watch fanotify_init fanotify_mark
    bpf perf_event_open userfaultfd seccomp modify_ldt syslog lookup_dcookie
    io_uring_setup io_uring_enter io_uring_register io_setup add_key request_key keyctl
    init_module finit_module delete_module kexec_load kexec_file_load reboot swapon swapoff
    acct quotactl quotactl_fd settimeofday clock_settime clock_adjtime adjtimex
    sethostname setdomainname iopl ioperm vhangup
    setxattr lsetxattr fsetxattr setxattrat removexattr lremovexattr fremovexattr removexattrat
"""
# Landlock does not see them, honest code can do without: they succeed, and nothing happens.
WITHOUT_EFFECT = """
    chmod fchmod fchmodat fchmodat2 chown fchown lchown fchownat utime utimes futimesat utimensat
    setpriority ioprio_set sched_setscheduler sched_setparam sched_setattr sched_setaffinity
    flock sync syncfs setsid
"""
ABOUT_A_PROCESS = "prlimit64 migrate_pages move_pages"  # named first; 0 is the caller
LOCKS = (6, 7, 37, 38)  # fcntl's, of a file: they would be seen and felt in other kernels
OWNERS, LEASE, WATCH, PIPE_SIZE = (8, 15), 1024, 1026, 1031
OF_INTERFACES, ALL_OF_THEM = 0x8900, 0xFFFFFF00  # the machine's network, and sockets' owners
FEED_TERMINAL = 0x5412
BUFFER_SIZES = (7, 8, 32, 33)
LOW_HALF = 0xFFFFFFFF  # all the kernel looks at where an argument is an int
DIE_WITH_PARENT, DUMPABLE, SECCOMP, CORE_SCHEDULING = 1, 4, 22, 62
ONLY_ASK = 0xFFFFFFFF  # personality's argument that changes nothing
KIND = 0xF  # the part of a socket's type that tells streams from datagrams
NAMESPACES = 0x7E020080  # every CLONE_NEW... flag
SET_MODE_FILTER, ACTION_AVAILABLE = 1, 2
NEW_LISTENER, SPECULATION_ALLOWED = 1 << 3, 1 << 2
# What the supervisor calls, and one that came with the last of its requests to a listener.
ANSWERING = ("pidfd_open", "pidfd_getfd", "openat2", "close_range")


class Filter:
    """As the Linux kernel reads it. A `listening` one asks the supervisor, any other refuses.

    `shared_memory`: whether files are opened in /dev/shm by the supervisor, which gives the kernel
    a folder of its own in place of it.
    """

    def __init__(self, listening: bool, shared_memory: bool) -> None:
        processor = here()
        self.listening = listening
        self._numbers = numbers(processor)
        self._rules: list[Rule] = []
        self._ask = ASK if listening else REFUSE
        self._add_calls()
        self._add_arguments()
        self._add_truncating()
        self._add_sockets()
        self._add_processes()
        if listening and shared_memory:
            self._add_shared_memory()
        self._program = program(self._rules, processor, FIRST_UNKNOWN)

    def load(self) -> int | None:
        """Put it in force for the calling process; gives the listener's descriptor."""
        flags = SPECULATION_ALLOWED | (NEW_LISTENER if self.listening else 0)
        listener = load(self._program, flags)
        return listener if self.listening else None

    def _add(self, action: int, name: str, *conditions: If) -> None:
        """Of several for one call the first that fits counts."""
        if name in self._numbers:  # else this processor has no such call
            self._rules.append(Rule(self._numbers[name], action, conditions))

    def _add_calls(self) -> None:
        for name in FORBIDDEN.split():
            self._add(REFUSE, name)
        for name in WITHOUT_EFFECT.split():
            self._add(PRETEND, name)
        for name in ABOUT_A_PROCESS.split():
            self._add(REFUSE, name, If(0, 0, equal=False))

    def _add_arguments(self) -> None:
        """Calls that honest code makes too, with other arguments."""
        for command in LOCKS:
            self._add(PRETEND, "fcntl", _is(1, command))
        for command in (*OWNERS, LEASE, WATCH, PIPE_SIZE):
            self._add(REFUSE, "fcntl", _is(1, command))
        self._add(REFUSE, "ioctl", _is(1, FEED_TERMINAL))
        self._add(REFUSE, "ioctl", If(1, OF_INTERFACES, ALL_OF_THEM))
        for option in (DIE_WITH_PARENT, DUMPABLE):
            self._add(PRETEND, "prctl", _is(0, option), If(1, 0))
        for option in (SECCOMP, CORE_SCHEDULING):
            self._add(REFUSE, "prctl", _is(0, option))
        self._add(REFUSE, "personality", If(0, ONLY_ASK, equal=False))

    def _add_truncating(self) -> None:
        """What Landlock does not see before its version 3; ftruncate wants a file that is open for
        writing. `openat2` has its flags out of sight: use openat.
        """
        self._add(self._ask, "truncate")
        self._add(ABSENT, "openat2")
        for name, flags in (("openat", 2), ("open", 1)):
            for not_for_writing in (os.O_RDONLY, os.O_ACCMODE):
                mask = os.O_TRUNC | os.O_ACCMODE
                self._add(REFUSE, name, If(flags, os.O_TRUNC | not_for_writing, mask))

    def _add_sockets(self) -> None:
        """Unix streams alone: they reach nobody without a `connect`, which the supervisor makes."""
        for name in ("socket", "socketpair"):
            self._add(REFUSE, name, If(0, int(socket.AF_UNIX), equal=False))
            self._add(REFUSE, name, If(1, int(socket.SOCK_STREAM), KIND, equal=False))
            if self.listening:
                self._add(self._ask, name)
        for option in BUFFER_SIZES:
            self._add(PRETEND, "setsockopt", _is(1, int(socket.SOL_SOCKET)), _is(2, option))
        for name in ("connect", "bind"):
            self._add(self._ask, name)

    def _add_processes(self) -> None:
        self._add(REFUSE, "clone", If(0, 0, NAMESPACES, equal=False))
        self._add(ABSENT, "clone3")  # its flags are out of sight: use clone
        if self.listening:
            for name in ("clone", "fork", "vfork", "kill", "tkill", "tgkill"):
                self._add(self._ask, name)

    def _add_shared_memory(self) -> None:
        """Whatever makes a file, or opens one for reading and writing: few calls do."""
        for name, flags in (("openat", 2), ("open", 1)):
            self._add(self._ask, name, If(flags, os.O_CREAT, os.O_CREAT))
            self._add(self._ask, name, If(flags, os.O_RDWR, os.O_ACCMODE))
        for name in ("creat", "unlink", "unlinkat", "link", "linkat"):
            self._add(self._ask, name)


def _is(argument: int, value: int) -> If:
    """Of an argument that is an int: all Linux looks at is its lower half."""
    return If(argument, value, LOW_HALF)


def load(steps: bytes, flags: int) -> int:
    """Put a program in force for the calling thread, and all it starts."""

    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("first", ctypes.c_void_p))

    held = ctypes.create_string_buffer(steps, len(steps))
    about = Program(len(steps) // STEP.size, ctypes.addressof(held))
    number = numbers(here())["seccomp"]
    return succeed(libc().syscall(number, SET_MODE_FILTER, flags, ctypes.byref(about)), "seccomp")


def filters() -> bool:
    """Whether Linux here runs such programs, and we know this processor's calls."""
    return here() in PROCESSORS and _offers(error(0) & 0xFFFF0000)


def listeners() -> bool:
    """Whether it asks another process, and gives that one all it needs to answer: Linux 5.9."""
    return filters() and _offers(ASK) and all(map(_there, ANSWERING)) and _listened()


@functools.cache
def _listened() -> bool:
    """Tried, since a container may refuse it, and Linux a second one below another. In a thread,
    which takes the filter and the rights given up with it when it ends.
    """
    listener: list[int] = []

    def listen() -> None:
        with contextlib.suppress(OSError):
            succeed(libc().prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0), "prctl")
            listener.append(load(program([], here(), FIRST_UNKNOWN), NEW_LISTENER))

    trying = threading.Thread(target=listen)
    trying.start()
    trying.join()
    for descriptor in listener:
        os.close(descriptor)
    return bool(listener)


def _offers(action: int) -> bool:
    asked = ctypes.byref(ctypes.c_uint32(action))
    return int(libc().syscall(numbers(here())["seccomp"], ACTION_AVAILABLE, 0, asked)) == 0


def _there(name: str) -> bool:
    libc().syscall(numbers(here())[name], *(ctypes.c_long(-1) for _ in range(4)))
    return ctypes.get_errno() not in (errno.ENOSYS, errno.EPERM)  # a container's answer
