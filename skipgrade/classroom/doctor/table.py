"""The findings as text that fits a terminal, a narrow one too, and as JSON."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from dataclasses import asdict

from skipgrade import __version__
from skipgrade.classroom.doctor.finding import Finding, State, ready

NARROW = 60
SHOWN = {State.OK: "ok", State.NOTE: "note", State.FIX: "FIX"}


def lines(findings: list[Finding], width: int) -> Iterator[str]:
    """A line for each finding, and what to do under it; no colours, no frames."""
    names = max(len(one.name) for one in findings)
    indent = 6 if width < NARROW else names + 10
    part = ""
    for one in findings:
        if one.part != part:
            yield from ([""] if part else [])
            part = one.part
            yield part.capitalize()
        start = f"  {SHOWN[one.state]:<4}  {one.name:<{names}}  "
        if width < NARROW:
            yield start.rstrip()
            start = ""
        yield from _wrapped(one.found, width, indent, start)
        if one.fix:
            yield from _wrapped(f"-> {one.fix}", width, indent)
    yield ""
    yield from textwrap.wrap(_verdict(findings), width)


def _wrapped(text: str, width: int, indent: int, start: str = "") -> list[str]:
    after = " " * indent
    return textwrap.wrap(
        text,
        max(width, indent + 20),
        initial_indent=start or after,
        subsequent_indent=after,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _verdict(findings: list[Finding]) -> str:
    if ready(findings):
        return "Ready to grade a class."
    names = ", ".join(one.name for one in findings if one.state is State.FIX)
    return f"NOT ready to grade a class. To fix: {names}."


def as_json(findings: list[Finding]) -> str:
    told = {
        "version": __version__,
        "ready": ready(findings),
        "findings": [asdict(one) for one in findings],
    }
    return json.dumps(told, indent=1)
