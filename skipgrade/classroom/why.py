"""`skipgrade why` and `skipgrade regrade`: verdicts on record, and what changed since."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from skipgrade.classroom.changes import changes, differences
from skipgrade.classroom.course import Course
from skipgrade.classroom.errors import CourseError
from skipgrade.classroom.record import Grading, Record
from skipgrade.classroom.style import number

Pair = tuple[Grading, Grading]
Gradings = Mapping[str, Sequence[Grading]]
NAMED = 10


def lines(course: Course, assignment: str, student: str, which: int | None = None) -> Iterator[str]:
    """A student's verdicts as one grading told them, and what changed since the one before."""
    found = graded(course, assignment, student)
    place = len(found) if which is None else which
    if not 1 <= place <= len(found):
        raise CourseError(f"{student} has gradings 1 to {len(found)} of {assignment} on record.")
    now = found[place - 1]
    score = f"{number(now.points)} of {number(now.most)} by tests"
    yield f"{student}, {assignment}: {score}, grading {place} of {len(found)}, {_when(now)}"
    if now.failure:
        yield f"  {now.failure}"
    for cell, told in now.verdicts.items():
        if told.points < told.most:
            reasons = told.in_short() or ["no reason was recorded"]
            yield f"  {cell}  {number(told.points)} of {number(told.most)}: {reasons[0]}"
            yield from (f"      {reason}" for reason in reasons[1:])
    if place > 1:
        yield from _since(found[place - 2], now, place - 1)


def _since(before: Grading, now: Grading, place: int) -> Iterator[str]:
    score = f"{number(before.points)} of {number(before.most)}"
    found = changes(before, now)
    told = "" if found else ": no points changed"
    yield f"Since grading {place}, {_when(before)}, {score}{told}"
    for change in found:
        yield f"  {change.cell}  {change.points}: {change.because}"
    if not found:
        yield from (f"  {one}" for one in differences(before, now))


def graded(course: Course, assignment: str, student: str) -> list[Grading]:
    """The gradings whose points went into the gradebook; an error where there is none."""
    course.require(assignment)
    found = Record(course.root, assignment).graded().get(student)
    if not found:
        raise CourseError(
            f"There is no grading of {student}'s {assignment} on record. `skipgrade grade` keeps "
            "one; nbgrader's own command does not."
        )
    return found


def graded_since(before: Gradings, now: Gradings) -> tuple[dict[str, Pair], list[str]]:
    """Of those graded in between, the last two gradings; and who had none on record before."""
    again = sorted(one for one in now if len(now[one]) > len(before.get(one, ())))
    pairs = {one: (before[one][-1], now[one][-1]) for one in again if before.get(one)}
    return pairs, [one for one in again if one not in pairs]


def class_changes(pairs: Mapping[str, Pair]) -> Iterator[tuple[str, str, list[tuple[str, str]]]]:
    """What changed for a class: each cell and cause, and whose points were and are how many."""
    found: dict[tuple[str, str], dict[str, list[str]]] = {}
    for student, (before, now) in pairs.items():
        for change in changes(before, now):
            by_points = found.setdefault((change.cell, change.because), {})
            by_points.setdefault(change.points, []).append(student)
    for (cell, because), by_points in found.items():
        yield cell, because, [(points, _names(who)) for points, who in by_points.items()]


def as_lines(pairs: Mapping[str, Pair]) -> Iterator[str]:
    for cell, because, by_points in class_changes(pairs):
        yield f"  {cell}: {because}"
        yield from (f"    {points}  {who}" for points, who in by_points)


def in_one_line(pairs: Mapping[str, Pair], new: Sequence[str]) -> str:
    other = sum(before.points != now.points for before, now in pairs.values())
    told = f"{other} of {len(pairs)} graded again have other points"
    return f"{told}; {len(new)} had no grading on record: {_names(new)}" if new else told


def _names(students: Sequence[str]) -> str:
    more = len(students) - NAMED
    return ", ".join(students[:NAMED]) + (f" and {more} more" if more > 0 else "")


def _when(grading: Grading) -> str:
    return f"{datetime.fromisoformat(grading.time):%Y-%m-%d %H:%M} UTC"
