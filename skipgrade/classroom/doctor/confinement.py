"""Protection by protection: is it in force here, and if not, why, and what helps."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from skipgrade.classroom.doctor.finding import Finding, State

PART = "confinement"
SECURITY_MODULES = Path("/sys/kernel/security/lsm")
ACTIONS = Path("/proc/sys/kernel/seccomp/actions_avail")
CONTAINERS = (Path("/.dockerenv"), Path("/run/.containerenv"))
ELSEWHERE = (
    "Grade on Linux, in a virtual machine perhaps; `skipgrade demo` works here all the same."
)

finding = partial(Finding, PART)


def examine() -> Iterator[Finding]:
    yield from protections()
    yield from helps()


def protections() -> Iterator[Finding]:
    """What no class is graded without."""
    from skipgrade.sandbox import PROTECTIONS, missing_protections
    from skipgrade.sandbox.confinement import files_kept_by

    missing = missing_protections()
    for name, told in PROTECTIONS.items():
        what = told.removeprefix(f"{name}: ")
        if name not in missing:
            by = f". Here by {files_kept_by()}" if name == "files" else ""
            yield finding(name, State.OK, what + by)
        else:
            why, fix = _why_not(name)
            yield finding(name, State.FIX, f"not in force: {why}. Wanted: {what}", fix)


def helps() -> Iterator[Finding]:
    """What the supervisor does alone where it is missing."""
    from skipgrade.sandbox.confinement import HELPS

    absent = set(HELPS)
    if sys.platform.startswith("linux"):
        from skipgrade.sandbox.zygote import look_around

        absent &= look_around()
    for name, what in HELPS.items():
        if name in absent:
            yield finding(name, State.NOTE, f"not there, and done without: {what}")
        else:
            yield finding(name, State.OK, what)


def _why_not(name: str) -> tuple[str, str]:
    """The likely reason, and what to do about it."""
    if not sys.platform.startswith("linux"):
        return f"this is {platform.system()}", ELSEWHERE
    here = f"Linux {platform.release()}"
    inside = any(path.exists() for path in CONTAINERS)
    if name == "files":
        if _listed(SECURITY_MODULES, "landlock") is False:
            return (
                f"{here} started without Landlock, and refuses mounts",
                "Add landlock to `lsm=` on the kernel's command line, or grade as root.",
            )
        what = "Landlock's system calls and mounts"
    else:
        if _listed(ACTIONS, "user_notif") is not True:
            return f"{here} has no seccomp that asks", "Use a newer Linux, with seccomp."
        what = "seccomp"
    if inside:
        return (
            f"this container, or {here} under it, refuses {what}",
            "Start the container with a seccomp profile that allows them, or grade outside it.",
        )
    return f"{here} does not have {what}, or something refuses it", "Grade on a newer Linux."


def _listed(path: Path, word: str) -> bool | None:
    """Whether a word is in a file of Linux's; None where there is no such file to read."""
    try:
        return word in path.read_text().replace(",", " ").split()
    except OSError:
        return None
