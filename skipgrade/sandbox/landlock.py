"""Linux's Landlock: a process gives up the files it has no rule for, and cannot get them back.

Its three system calls, which have the same numbers on every processor. An older version knows less:

    1 (Linux 5.13)  reading, writing, making, removing; never a rename or link to another folder
    2 (Linux 5.19)  renames and links to other folders
    3 (Linux 6.2)   truncating a file that is not open for writing
    5 (Linux 6.10)  commands to devices, for those that can be opened at all
    6 (Linux 6.12)  signals, and abstract names of sockets

What version 3 adds is kept by the seccomp filter as well (`filter.py`), and so is what 6 adds; the
devices of version 5 are those a kernel may use. So version 1 will do.
"""

from __future__ import annotations

import ctypes
import enum
import os
import sys
from collections.abc import Iterable

from skipgrade.sandbox.processes import libc, succeed

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
ASK_VERSION, PATH_BENEATH = 1, 1
NO_NEW_PRIVILEGES = 38
SIGNALS_AND_ABSTRACT_SOCKETS, SINCE_VERSION = 0b11, 6


class Access(enum.IntFlag):
    EXECUTE = 1 << 0
    WRITE_FILE = 1 << 1
    READ_FILE = 1 << 2
    READ_DIR = 1 << 3
    REMOVE_DIR = 1 << 4
    REMOVE_FILE = 1 << 5
    MAKE_CHAR = 1 << 6
    MAKE_DIR = 1 << 7
    MAKE_REG = 1 << 8
    MAKE_SOCK = 1 << 9
    MAKE_FIFO = 1 << 10
    MAKE_BLOCK = 1 << 11
    MAKE_SYM = 1 << 12
    REFER = 1 << 13
    TRUNCATE = 1 << 14
    IOCTL_DEV = 1 << 15


ALL = ~Access(0)
OF_FILES = (
    Access.EXECUTE | Access.WRITE_FILE | Access.READ_FILE | Access.TRUNCATE | Access.IOCTL_DEV
)  # fmt: skip
KNOWN = {  # since which version
    1: (Access.MAKE_SYM << 1) - 1,
    2: (Access.REFER << 1) - 1,
    3: (Access.TRUNCATE << 1) - 1,
    5: (Access.IOCTL_DEV << 1) - 1,
}
Rules = Iterable[tuple[Access, Iterable[str]]]


class _Ruleset(ctypes.Structure):
    _fields_ = (
        ("files", ctypes.c_uint64),
        ("network", ctypes.c_uint64),
        ("scoped", ctypes.c_uint64),  # zero, an older Linux does not mind what it does not know
    )


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("access", ctypes.c_uint64), ("parent", ctypes.c_int32))


def version() -> int:
    """Of Landlock here; 0 where it is missing, switched off or not let through."""
    if not sys.platform.startswith("linux"):
        return 0
    return max(0, int(libc().syscall(CREATE_RULESET, None, ctypes.c_size_t(0), ASK_VERSION)))


def keeps_signals(known: int) -> bool:
    return known >= SINCE_VERSION


def restrict(rules: Rules, known: int, handled: Access = ALL, signals: bool = False) -> None:
    """Give the calling thread, and what it starts, those of the `handled` rights a rule grants.

    `known`: the version to use. `signals`: none to processes outside either, where that is known.
    """
    handled &= Access(max(rights for since, rights in KNOWN.items() if since <= known))
    scoped = SIGNALS_AND_ABSTRACT_SOCKETS if signals and keeps_signals(known) else 0
    about = _Ruleset(handled, 0, scoped)
    size = ctypes.c_size_t(ctypes.sizeof(about))
    library = libc()
    ruleset = succeed(
        library.syscall(CREATE_RULESET, ctypes.byref(about), size, 0), "landlock_create_ruleset"
    )
    try:
        for access, paths in rules:
            for path in filter(os.path.exists, paths):
                _allow(ruleset, path, access & handled)
        succeed(library.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0), "prctl")
        succeed(library.syscall(RESTRICT_SELF, ruleset, 0), "landlock_restrict_self")
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: str, access: Access) -> None:
    parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        access = access if os.path.isdir(path) else access & OF_FILES  # noqa: PTH112
        beneath = _Beneath(access, parent)
        if access:
            succeed(
                libc().syscall(ADD_RULE, ruleset, PATH_BENEATH, ctypes.byref(beneath), 0),
                f"landlock_add_rule {path}",
            )
    finally:
        os.close(parent)
