"""One thing that was looked at, and how it is."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass


class State(enum.StrEnum):
    OK = "ok"
    NOTE = "note"  # good to know; a class can be graded
    FIX = "fix"


@dataclass(frozen=True)
class Finding:
    part: str
    name: str
    state: State
    found: str
    fix: str = ""


def ready(findings: Iterable[Finding]) -> bool:
    """Whether a class can be graded here: there is nothing left to fix."""
    return all(one.state is not State.FIX for one in findings)


def looked_at(part: str, look: Callable[[], Iterable[Finding]]) -> Iterator[Finding]:
    """What `look` finds, and how it failed if it does."""
    try:
        yield from look()
    except Exception as error:
        told = (str(error).splitlines() or [""])[0]
        yield Finding(
            part,
            part,
            State.FIX,
            f"could not be looked at: {type(error).__name__}: {told}",
            "Repair the installation: `make install`, or `pip install 'skipgrade[staff]'`.",
        )
