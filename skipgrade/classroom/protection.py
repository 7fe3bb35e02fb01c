"""What this machine can keep submissions from, in words for people."""

import sys
from collections.abc import Iterator
from pathlib import Path

from skipgrade.classroom.course import Course
from skipgrade.sandbox import missing_protections
from skipgrade.sandbox.provisioner import SandboxProvisioner

ACCEPTED = """\

# Written by skipgrade: this machine lacks these protections, and what is graded in this folder
# comes from the project itself. Never write this for a class.
c.SandboxProvisioner.accept_missing = {missing}
"""


def accept_missing(config: Path) -> None:
    """Have a course whose submissions are the project's own do without what is not there."""
    if missing := missing_protections():
        with config.open("a", encoding="utf-8") as file:
            file.write(ACCEPTED.format(missing=missing))


def accepted_missing(course: Course) -> list[str]:
    """The protections that a course's configuration does without, missing or not."""
    return list(SandboxProvisioner(config=course.config).accept_missing)


def warnings_for_own_submissions() -> Iterator[str]:
    """Loud, where the project's own submissions run with less than a class needs."""
    if missing := missing_protections():
        yield (
            f"  NOT CONFINED: {', '.join(missing)}. These submissions are the project's own, so "
            "they run all the same. A class must be confined: see `skipgrade doctor`."
        )


def starts_cold() -> bool:
    """Whether each kernel imports its packages again: only Linux forks safely after imports."""
    return not sys.platform.startswith("linux")


def notes() -> Iterator[str]:
    """What is different about a run on this machine, for its summary."""
    if starts_cold():
        yield "Every notebook's kernel started cold here: that takes longer and changes no verdict."
