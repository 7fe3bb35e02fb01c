"""Which system calls a confined kernel may make: a seccomp filter, compiled once for many.

Some calls are refused, some succeed without an effect, and some are put to the kernel's warden.
"""

from __future__ import annotations

import ctypes
import errno
import os
import socket
import tempfile

from skipgrade.sandbox.processes import libc, succeed

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
# Which libseccomp may be too old to know: the same on all processors.
NUMBERS = {
    "fsopen": 430, "pidfd_open": 434, "pidfd_getfd": 438, "process_madvise": 440,
    "mount_setattr": 442, "quotactl_fd": 443, "memfd_secret": 447, "process_mrelease": 448,
    "fchmodat2": 452, "statmount": 457, "listmount": 458, "setxattrat": 463, "removexattrat": 466,
    "open_tree_attr": 467,
}  # fmt: skip
FIRST_UNKNOWN, LAST_NUMBER = 468, 511  # system calls made since this was written: not there
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
SET_MODE_FILTER, NEW_LISTENER, SPECULATION_ALLOWED = 1, 1 << 3, 1 << 2


class Filter:
    """As the Linux kernel reads it. A `listening` one asks the warden, any other refuses.

    `shared_memory`: whether files are opened in /dev/shm by the warden, which gives the kernel a
    folder of its own in place of it. `signals`: whether the warden looks at whom they are for.
    """

    def __init__(self, listening: bool, shared_memory: bool, signals: bool) -> None:
        import pyseccomp as seccomp

        self.listening = listening
        self._seccomp = seccomp
        self._rules = seccomp.SyscallFilter(seccomp.ALLOW)
        self._refuse = seccomp.ERRNO(errno.EPERM)
        self._pretend = seccomp.ERRNO(0)
        self._absent = seccomp.ERRNO(errno.ENOSYS)
        self._ask = seccomp.NOTIFY if listening else self._refuse
        self._add_calls()
        self._add_arguments()
        self._add_sockets()
        self._add_processes()
        if listening and shared_memory:
            self._add_shared_memory()
        for name in ("kill", "tkill", "tgkill") if listening and signals else ():
            self._add(self._ask, name)
        with tempfile.TemporaryFile() as file:
            self._rules.export_bpf(file)
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
        listener = succeed(
            libc().syscall(self._call, SET_MODE_FILTER, flags, ctypes.byref(program)), "seccomp"
        )
        return listener if self.listening else None

    def _add(self, action: int, name: str, *conditions: tuple[int, ...]) -> None:
        number = self._number(name)
        if number >= 0:
            arguments = (self._seccomp.Arg(*each) for each in conditions)
            self._rules.add_rule(action, number, *arguments)

    def _number(self, name: str) -> int:
        """Of a system call; less than zero where this processor has no such call."""
        return NUMBERS.get(name) or int(
            self._seccomp.resolve_syscall(self._seccomp.Arch.NATIVE, name)
        )

    def _add_calls(self) -> None:
        for name in FORBIDDEN.split():
            self._add(self._refuse, name)
        for name in WITHOUT_EFFECT.split():
            self._add(self._pretend, name)
        for name in ABOUT_A_PROCESS.split():
            self._add(self._refuse, name, (0, self._seccomp.NE, 0))
        for number in range(FIRST_UNKNOWN, LAST_NUMBER + 1):
            self._rules.add_rule(self._absent, number)

    def _add_arguments(self) -> None:
        """Calls that honest code makes too, with other arguments."""
        for command in LOCKS:
            self._add(self._pretend, "fcntl", self._is(1, command))
        for command in (*OWNERS, LEASE, WATCH, PIPE_SIZE):
            self._add(self._refuse, "fcntl", self._is(1, command))
        self._add(self._refuse, "ioctl", self._is(1, FEED_TERMINAL))
        self._add(self._refuse, "ioctl", (1, self._seccomp.MASKED_EQ, ALL_OF_THEM, OF_INTERFACES))
        for option in (DIE_WITH_PARENT, DUMPABLE):
            nothing = (1, self._seccomp.EQ, 0)
            self._add(self._pretend, "prctl", self._is(0, option), nothing)
        for option in (SECCOMP, CORE_SCHEDULING):
            self._add(self._refuse, "prctl", self._is(0, option))
        self._add(self._refuse, "personality", (0, self._seccomp.NE, ONLY_ASK))

    def _is(self, argument: int, value: int) -> tuple[int, ...]:
        return (argument, self._seccomp.MASKED_EQ, LOW_HALF, value)

    def _add_sockets(self) -> None:
        """Unix streams alone: they reach nobody without a `connect`, which the warden makes."""
        seccomp = self._seccomp
        streams = (1, seccomp.MASKED_EQ, KIND, int(socket.SOCK_STREAM))
        for name in ("socket", "socketpair"):
            self._add(self._refuse, name, (0, seccomp.NE, int(socket.AF_UNIX)))
            for kind in set(range(KIND + 1)) - {int(socket.SOCK_STREAM)}:
                self._add(self._refuse, name, (1, seccomp.MASKED_EQ, KIND, kind))
            if self.listening:
                self._add(self._ask, name, (0, seccomp.EQ, int(socket.AF_UNIX)), streams)
        for option in BUFFER_SIZES:
            level = self._is(1, int(socket.SOL_SOCKET))
            self._add(self._pretend, "setsockopt", level, self._is(2, option))
        for name in ("connect", "bind"):
            self._add(self._ask, name)

    def _add_processes(self) -> None:
        masked = self._seccomp.MASKED_EQ
        for flag in (1 << bit for bit in range(32) if NAMESPACES >> bit & 1):
            self._add(self._refuse, "clone", (0, masked, flag, flag))
        self._add(self._absent, "clone3")  # its flags are out of sight: use clone
        if self.listening:
            self._add(self._ask, "clone", (0, masked, NAMESPACES, 0))
            self._add(self._ask, "fork")
            self._add(self._ask, "vfork")

    def _add_shared_memory(self) -> None:
        """Whatever makes a file, or opens one for reading and writing: few calls do."""
        masked = self._seccomp.MASKED_EQ
        for name, flags in (("openat", 2), ("open", 1)):
            self._add(self._ask, name, (flags, masked, os.O_CREAT, os.O_CREAT))
            self._add(self._ask, name, (flags, masked, os.O_ACCMODE, os.O_RDWR))
        for name in ("creat", "unlink", "unlinkat", "link", "linkat"):
            self._add(self._ask, name)
