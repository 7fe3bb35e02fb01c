"""Run a command as on a machine that lacks something.

    python tests/machines/refuse.py KIND [KIND ...] -- COMMAND ...

Landlock, seccomp and namespaces are taken away by a seccomp filter, which the command and all it
starts inherit: their system calls fail as on a kernel that does not have them. `linux` takes the
system itself away, for our own code alone: every Python that starts reads `not_linux/`.
"""

from __future__ import annotations

import argparse
import errno
import os
import sys
from pathlib import Path
from typing import Any

NOT_LINUX = Path(__file__).parent / "not_linux"
NEW_LISTENER, SET_SECCOMP = 1 << 3, 22
NEW_NAMESPACES = 0x7E020080  # every CLONE_NEW... flag
FIRST = 0xFFFFFFFF  # the half of an argument that an int fills

Rule = tuple[int, str, tuple[int, ...]]  # what it fails with, the call, when: (argument, mask, is)

KINDS: dict[str, list[Rule]] = {
    "landlock": [
        (errno.ENOSYS, f"landlock_{name}", ())
        for name in ("create_ruleset", "add_rule", "restrict_self")
    ],
    "seccomp": [
        (errno.ENOSYS, "seccomp", ()),
        (errno.EINVAL, "prctl", (0, FIRST, SET_SECCOMP)),
    ],
    "listeners": [(errno.EINVAL, "seccomp", (1, NEW_LISTENER, NEW_LISTENER))],
    "namespaces": [
        (errno.EPERM, "unshare", ()),
        (errno.EPERM, "setns", ()),
        (errno.ENOSYS, "clone3", ()),
        *(
            (errno.EPERM, "clone", (0, flag, flag))
            for flag in (1 << bit for bit in range(32) if NEW_NAMESPACES >> bit & 1)
        ),
    ],
    "linux": [],
}


def main() -> None:
    parser = argparse.ArgumentParser(description="Run a command without what a machine may lack.")
    parser.add_argument("kinds", nargs="+", choices=KINDS, metavar="KIND", help=", ".join(KINDS))
    cut = sys.argv.index("--") if "--" in sys.argv else len(sys.argv)
    kinds, command = parser.parse_args(sys.argv[1:cut]).kinds, sys.argv[cut + 1 :]
    if not command:
        parser.error("after -- comes the command to run")
    refuse(rule for kind in kinds for rule in KINDS[kind])
    if "linux" in kinds:
        paths = [str(NOT_LINUX), os.environ.get("PYTHONPATH", "")]
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
    os.execvp(command[0], command)


def refuse(rules: Any) -> None:
    """From now on, for this process and its children; it cannot be undone."""
    rules = list(rules)
    if not rules:
        return
    import pyseccomp as seccomp

    refusing = seccomp.SyscallFilter(seccomp.ALLOW)
    for fails_with, name, when in rules:
        number = seccomp.resolve_syscall(seccomp.Arch.NATIVE, name)
        conditions = [seccomp.Arg(when[0], seccomp.MASKED_EQ, *when[1:])] if when else []
        refusing.add_rule(seccomp.ERRNO(fails_with), number, *conditions)
    refusing.load()


if __name__ == "__main__":
    main()
