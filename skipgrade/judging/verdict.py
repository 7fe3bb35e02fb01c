"""What the judge says of one cell."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any


class CheckFailed(AssertionError):
    """A check that costs the whole cell."""


class HiddenTestError(RuntimeError):
    """A hidden test, or the solution it asks, is not in order; no submission is to pay for that."""


class NoAnswer(Exception):
    """The student's notebook gave no answer; the text is the reason to show."""


@dataclass
class Verdict:
    """The share of a cell's points that was earned, and a reason for every share that was not."""

    share: float
    reasons: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    lost_kernel: bool = False
    seconds: float = 0.0  # how long judging took
    trouble: str = ""  # for the instructor's log: a hidden test that raised

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def zero(cls, reason: str, *, lost_kernel: bool = False) -> Verdict:
        return cls(0.0, [reason], lost_kernel=lost_kernel)


def message(expected: str, got: str, hint: str) -> str:
    """Expected, got, and one thing to look at."""
    lines = [f"Expected: {expected}", f"Got: {got}"]
    if hint:
        lines.append(f"Look at: {hint}")
    return "\n".join(lines)
