"""Runs a command as on a machine that lacks something: Linux refuses the calls, there and below.

python -m tests.sandbox.refusing landlock,mounts COMMAND [ARGUMENT ...]
"""

from __future__ import annotations

import errno
import os
import sys

from skipgrade.sandbox import landlock
from skipgrade.sandbox.bpf import Rule, error, program
from skipgrade.sandbox.filter import load
from skipgrade.sandbox.processes import libc, succeed
from skipgrade.sandbox.syscalls import here, numbers

KNOWN = numbers(here())
MOUNTS = "mount umount2 pivot_root unshare setns move_mount open_tree fsopen fsmount fsconfig"
TRACING = "pidfd_getfd process_vm_readv process_vm_writev kcmp ptrace"
CALLS = {
    "landlock": (landlock.CREATE_RULESET, landlock.ADD_RULE, landlock.RESTRICT_SELF),
    "mounts": tuple(KNOWN[name] for name in MOUNTS.split()),
    "tracing": tuple(KNOWN[name] for name in TRACING.split()),
    "listeners": (KNOWN["close_range"],),  # what came with Linux 5.9
    "seccomp": (KNOWN["seccomp"],),
}
IN_A_CONTAINER = {"mounts", "tracing"}  # Docker's own profile says it like this
NEW_NUMBERS = 512


def refuse(*lacking: str) -> None:
    """In this process and all it starts, as a Linux that was built without, or a container does."""
    rules = [
        Rule(call, error(errno.EPERM if name in IN_A_CONTAINER else errno.ENOSYS))
        for name in lacking
        for call in CALLS[name]
    ]
    succeed(libc().prctl(landlock.NO_NEW_PRIVILEGES, 1, 0, 0, 0), "prctl")
    load(program(rules, here(), NEW_NUMBERS), 0)


if __name__ == "__main__":
    refuse(*sys.argv[1].split(","))
    os.execvp(sys.argv[2], sys.argv[2:])
