"""What two gradings of a submission tell differently, and because of what.

Named first is what a test is about: its own text, the answers before it, the files it speaks of.
Whatever else was changed between the two gradings is named after that.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from skipgrade.classroom.grounds import GIVEN, OWN_CELLS
from skipgrade.classroom.record import Grading
from skipgrade.classroom.style import number

OF_A_TEST = ("hidden", "visible", "points")  # kinds of grounds that matter for one cell alone
OF_ALL = ("answers", "files", "solution", "course", "versions")
JOINED = (OWN_CELLS, GIVEN)  # names for many cells
MOST_NAMED = 3


@dataclass(frozen=True)
class Change:
    """A cell's points before and now; None where it was not graded."""

    cell: str
    before: float | None
    now: float | None
    causes: list[str] = field(default_factory=list)
    besides: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)  # for what is lost now

    @property
    def points(self) -> str:
        return f"{_points(self.before)} → {_points(self.now)}"

    @property
    def because(self) -> str:
        first, then = (self.causes, self.besides) if self.causes else (self.besides, [])
        if not first:
            return "nothing that is on record was changed"
        return _named(first) + (f" (changed too: {_named(then)})" if then else "")


def changes(before: Grading, now: Grading) -> list[Change]:
    """The cells whose points are other ones, in the order in which they were graded."""
    cells = [*now.verdicts, *(cell for cell in before.verdicts if cell not in now.verdicts)]
    return [
        _change(cell, before, now)
        for cell in cells
        if _points_of(cell, before) != _points_of(cell, now)
    ]


def differences(before: Grading, now: Grading) -> list[str]:
    """Everything on record that was changed between two gradings."""
    found = [told for _, told in _failures(before, now)]
    tests = list(dict.fromkeys([*before.grounds.get("hidden", {}), *now.grounds.get("hidden", {})]))
    for cell in tests:
        found += [f"{cell}: {told}" for _, told in _differing(OF_A_TEST, before, now, cell)]
    return found + [told for _, told in _differing(OF_ALL, before, now)]


def _change(cell: str, before: Grading, now: Grading) -> Change:
    own = [*_failures(before, now), *_differing(OF_A_TEST, before, now, cell)]
    others = list(_differing(OF_ALL, before, now))
    near = {*before.near.get(cell, ()), *now.near.get(cell, ())}
    told = now.verdicts.get(cell)
    return Change(
        cell,
        _points_of(cell, before),
        _points_of(cell, now),
        causes=[told for _, told in own] + [told for name, told in others if name in near],
        besides=[told for name, told in others if name not in near],
        reasons=told.in_short() if told else [],
    )


def _failures(before: Grading, now: Grading) -> Iterator[tuple[str, str]]:
    """A submission that could not be read has no verdicts."""
    if now.failure != before.failure:
        yield "", now.failure or f"before, {before.failure}"


def _differing(
    kinds: Sequence[str], before: Grading, now: Grading, only: str | None = None
) -> Iterator[tuple[str, str]]:
    """What differs, by its name and in words; of one cell where `only` names it."""
    for kind in kinds:
        old, new = before.grounds.get(kind, {}), now.grounds.get(kind, {})
        for name in dict.fromkeys([*old, *new]):
            if only in (None, name) and old.get(name) != new.get(name):
                yield name, _in_words(kind, name, old.get(name), new.get(name))


def _in_words(kind: str, name: str, old: str | None, new: str | None) -> str:
    happened = "is new" if old is None else "is gone" if new is None else "was changed"
    if name in JOINED and happened == "was changed":
        return f"{name} were changed"
    match kind:
        case "hidden" | "visible":
            return f"its {kind} test {happened}"
        case "points":
            return f"it is worth {new} points and was worth {old}" if old and new else "it is new"
        case "versions":
            return f"{name} {old or '(not set)'} → {new or '(not set)'}"
        case "answers":
            return f"the answer in {name} {happened}"
        case "solution":
            return f"the solution in {name} {happened}"
    return f"{name} {happened}"


def _named(told: list[str]) -> str:
    more = len(told) - MOST_NAMED
    named = told if more <= 0 else [*told[:MOST_NAMED], f"and {more} more"]
    return "; ".join(named)


def _points_of(cell: str, grading: Grading) -> float | None:
    if cell in grading.verdicts:
        return grading.verdicts[cell].points
    return 0.0 if grading.graded and not grading.verdicts else None


def _points(value: float | None) -> str:
    return "-" if value is None else number(value)
