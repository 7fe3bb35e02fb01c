"""[grader, judge's kernel] What the judge says of one cell."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

AT_LENGTH = 60  # characters of what came instead; nobody needs to read more of them twice


class CheckFailedError(AssertionError):
    """A check that costs the whole cell."""


class HiddenTestError(RuntimeError):
    """A hidden test, or the solution it asks, is not in order; no submission is to pay for that."""


class NoAnswerError(Exception):
    """The student's notebook gave no answer; the text is the reason to show."""


class Reason(str):
    """A reason for lost points: text as people read it, which carries its parts.

    As an exception's only argument it comes back whole from `str(error)`.
    """

    expected: str
    got: str
    hint: str

    def __new__(cls, text: str, expected: str = "", got: str = "", hint: str = "") -> Reason:
        reason = super().__new__(cls, text)
        reason.expected, reason.got, reason.hint = expected, got, hint
        return reason

    def __str__(self) -> str:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return Reason, (str.__str__(self), self.expected, self.got, self.hint)

    def in_short(self) -> str:
        """Its first line; of parts, what came before what was expected."""
        if self.expected:
            return f"{self.got} (expected {self.expected})"
        return (self.splitlines() or [""])[0]

    def repeats(self, other: Reason) -> bool:
        """Whether it says of the same thing the same, or of another what was told at length."""
        told = self.expected == other.expected or len(self.got) > AT_LENGTH
        return bool(self.expected) and told and self.got == other.got

    def as_data(self) -> dict[str, str]:
        """How it is kept in a notebook's metadata."""
        if not self.expected:
            return {"text": str.__str__(self)}
        return {"expected": self.expected, "got": self.got, "hint": self.hint}

    @classmethod
    def of(cls, value: str | dict[str, str]) -> Reason:
        """From a text, or from what `as_data` gave."""
        if isinstance(value, cls):
            return value
        if isinstance(value, dict) and "text" not in value:
            return message(**value)
        return cls(value["text"] if isinstance(value, dict) else value)


@dataclass
class Verdict:
    """The share of a cell's points that was earned, and a reason for every share that was not."""

    share: float
    reasons: list[str] = field(default_factory=list)  # each a Reason
    notes: list[str] = field(default_factory=list)
    accuracies: list[dict[str, Any]] = field(default_factory=list)  # measured, with their bars
    earlier: list[str] = field(default_factory=list)  # what went wrong in cells before
    kernel_lost: bool = False
    seconds: float = 0.0  # how long judging took
    internal_error: str = ""  # for the instructor's log: a hidden test that raised

    def __post_init__(self) -> None:
        self.reasons = [Reason.of(one) for one in self.reasons]

    def to_dict(self) -> dict[str, Any]:
        """As JSON may carry it; `Verdict(**...)` reads it."""
        return asdict(self) | {"reasons": reasons_as_data(self.reasons)}

    @classmethod
    def zero(cls, reason: str, *, kernel_lost: bool = False) -> Verdict:
        return cls(0.0, [Reason.of(reason)], kernel_lost=kernel_lost)


def message(expected: str, got: str, hint: str) -> Reason:
    """Expected, got, and one thing to look at."""
    text = f"Expected: {expected}\nGot: {got}" + (f"\nHint: {hint}" if hint else "")
    return Reason(text, expected, got, hint)


def reasons_as_data(reasons: Iterable[str]) -> list[dict[str, str]]:
    return [Reason.of(one).as_data() for one in reasons]


def reasons_of(kept: dict[str, Any]) -> list[Reason]:
    """The reasons in a cell's `metadata.skipgrade`; what went wrong in cells before comes last."""
    return [Reason.of(one) for one in [*kept.get("reasons", []), *kept.get("earlier", [])]]
