"""What a machine and a course have, and lack, for grading a class: `skipgrade doctor`.

Whatever is broken here may be what we would look with. So each part imports what it needs when it
looks, and one that fails says how, and the others go on.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from skipgrade.classroom.doctor import confinement, course, machine, packages
from skipgrade.classroom.doctor.finding import Finding, State, looked_at, ready
from skipgrade.classroom.doctor.table import as_json, lines

__all__ = ["as_json", "examine", "in_short", "lines", "ready"]


def examine(folder: Path) -> Iterator[Finding]:
    """Everything there is to know, part by part."""
    yield from looked_at("confinement", confinement.examine)
    yield from looked_at("packages", packages.examine)
    yield from looked_at("machine", partial(machine.examine, folder))
    yield from looked_at("course", partial(course.examine, folder))


def in_short(folder: Path) -> Iterator[str]:
    """One line before grading, where something is missing: what can be seen at once."""
    looked = [
        *looked_at("confinement", confinement.protections),
        *looked_at("machine", partial(machine.examine, folder)),
    ]
    if names := [one.name for one in looked if one.state is State.FIX]:
        lacking = ", ".join(names)
        yield f"  Not in order here: {lacking}. `skipgrade doctor` says why, and what helps."
