"""Run a command as on a machine that lacks something.

    python tests/machines/refuse.py KIND [KIND ...] -- COMMAND ...

All but `linux` is taken away by a seccomp filter, which the command and all it starts inherit:
system calls fail as on a kernel that does not have them, or in a container. `linux` takes the
system itself away, for our own code alone: every Python that starts reads `not_linux/`. Needs
Linux on x86_64 or aarch64, and no package.
"""

from __future__ import annotations

import argparse
import ctypes
import errno
import os
import platform
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

NOT_LINUX = Path(__file__).parent / "not_linux"
NEW_LISTENER, SET_SECCOMP = 1 << 3, 22
NEW_NAMESPACES = 0x7E020080  # every CLONE_NEW... flag
AN_INT = 0xFFFFFFFF  # the half of an argument that holds it
NUMBERS = {
    "x86_64": {
        "clone": 56, "ptrace": 101, "prctl": 157, "unshare": 272, "setns": 308,
        "process_vm_readv": 310, "process_vm_writev": 311, "kcmp": 312, "seccomp": 317,
    },
    "aarch64": {
        "clone": 220, "ptrace": 117, "prctl": 167, "unshare": 97, "setns": 268,
        "process_vm_readv": 270, "process_vm_writev": 271, "kcmp": 272, "seccomp": 277,
    },
}  # fmt: skip
EVERYWHERE = {
    "clone3": 435,
    "close_range": 436,
    "pidfd_getfd": 438,
    "landlock_create_ruleset": 444,
    "landlock_add_rule": 445,
    "landlock_restrict_self": 446,
}
# What a call fails with, its name, and when: (which argument, a mask for it, what is left then).
Rule = tuple[int, str, tuple[int, int, int] | None]
KINDS: dict[str, list[Rule]] = {
    "landlock": [(errno.ENOSYS, name, None) for name in EVERYWHERE if name.startswith("landlock")],
    "seccomp": [
        (errno.ENOSYS, "seccomp", None),
        (errno.EINVAL, "prctl", (0, AN_INT, SET_SECCOMP)),
    ],
    "listeners": [(errno.EINVAL, "seccomp", (1, NEW_LISTENER, NEW_LISTENER))],
    "5.9": [(errno.ENOSYS, "close_range", None)],  # what came with Linux 5.9
    "tracing": [  # as Docker's own profile has it
        (errno.EPERM, name, None)
        for name in ("ptrace", "process_vm_readv", "process_vm_writev", "kcmp", "pidfd_getfd")
    ],
    "namespaces": [
        (errno.EPERM, "unshare", None),
        (errno.EPERM, "setns", None),
        (errno.ENOSYS, "clone3", None),
        *(
            (errno.EPERM, "clone", (0, flag, flag))
            for flag in (1 << bit for bit in range(32) if NEW_NAMESPACES >> bit & 1)
        ),
    ],
    "linux": [],
}

LOAD, MASK, EQUAL, RETURN = 0x20, 0x54, 0x15, 0x06  # steps of a classic BPF program
FAIL, ALLOW = 0x00050000, 0x7FFF0000
NUMBER, ARGUMENTS = 0, 16  # where they lie in what the program reads
NO_NEW_PRIVILEGES, FILTER = 38, 2


def main() -> None:
    parser = argparse.ArgumentParser(description="Run a command without what a machine may lack.")
    parser.add_argument("kinds", nargs="+", choices=KINDS, metavar="KIND", help=", ".join(KINDS))
    cut = sys.argv.index("--") if "--" in sys.argv else len(sys.argv)
    kinds, command = parser.parse_args(sys.argv[1:cut]).kinds, sys.argv[cut + 1 :]
    if not command:
        parser.error("after -- comes the command to run")
    refuse([rule for kind in kinds for rule in KINDS[kind]])
    if "linux" in kinds:
        paths = [str(NOT_LINUX), os.environ.get("PYTHONPATH", "")]
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
    os.execvp(command[0], command)


def refuse(rules: list[Rule]) -> None:
    """From now on, for this process and its children; it cannot be undone."""
    if not rules:
        return
    steps = [step for rule in rules for step in _steps(*rule)]
    steps.append((RETURN, 0, 0, ALLOW))
    text = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))

    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("first", ctypes.c_void_p))

    program = Program(len(steps), ctypes.addressof(text))
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    for call in ((NO_NEW_PRIVILEGES, 1, 0, 0, 0), (SET_SECCOMP, FILTER, ctypes.byref(program))):
        if prctl(*call) != 0:
            sys.exit(f"refuse: this machine does not filter: {os.strerror(ctypes.get_errno())}")


def _steps(
    fails_with: int, name: str, when: tuple[int, int, int] | None
) -> Iterator[tuple[int, int, int, int]]:
    number = (EVERYWHERE | NUMBERS[platform.machine()])[name]
    yield LOAD, 0, 0, NUMBER
    yield EQUAL, 0, 4 if when else 1, number  # else: so many steps further
    if when:
        argument, mask, left = when
        yield LOAD, 0, 0, ARGUMENTS + 8 * argument
        yield MASK, 0, 0, mask
        yield EQUAL, 0, 1, left
    yield RETURN, 0, 0, FAIL | fails_with


if __name__ == "__main__":
    main()
