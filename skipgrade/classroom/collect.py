"""What learning platforms hand out, put under submitted/STUDENT/ASSIGNMENT."""

import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from skipgrade.classroom.collect_place import ASK, Ready, Shelf, make_ready, told_time
from skipgrade.classroom.collect_plan import Attempt, Plan
from skipgrade.classroom.collect_sources import open_source
from skipgrade.classroom.course import Course
from skipgrade.classroom.errors import CourseError
from skipgrade.classroom.roster import Roster
from skipgrade.judging.intake.plain_files import entries
from skipgrade.judging.intake.tidy import wanted
from skipgrade.judging.intake.unpack import NotUnpackedError

Say = Callable[[str], None]


@dataclass
class Row:
    """A student's line in the table."""

    student: str
    attempts: int
    became: str = ""
    files: int = 0
    time: str = ""
    odd: list[str] = field(default_factory=list)


def collect(
    course: Course, assignment: str, files: Sequence[Path], roster_file: Path | None, say: Say
) -> int:
    """Place every attempt; 0 where all were placed, 1 where something was not."""
    course.require(assignment)
    roster = Roster.read(roster_file) if roster_file else None
    submitted = course.root / course.directory().submitted_directory
    submitted.mkdir(exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=".collecting-", dir=submitted))
    try:
        with ExitStack() as stack:
            asked = wanted(course.folder("source", assignment))
            plan = Plan(assignment, roster, scratch, asked.notebooks | asked.files)
            for path in files:
                plan.add(open_source(path, assignment, stack))
            rows = _place_all(course, assignment, plan, scratch, say)
    except OSError as error:
        raise CourseError(f"Collecting stopped ({error}). Fix that, and run it again.") from error
    finally:
        shutil.rmtree(scratch)
    _say_table(rows, plan, roster, say)
    return 1 if plan.problems else 0


def _place_all(course: Course, assignment: str, plan: Plan, scratch: Path, say: Say) -> list[Row]:
    by_student: dict[str, list[Attempt]] = {}
    for attempt in plan.attempts.values():
        for student in attempt.students:
            by_student.setdefault(student, []).append(attempt)
    _refuse_alike(course, assignment, by_student, plan)
    rows = []
    for count, (student, attempts) in enumerate(sorted(by_student.items()), 1):
        place = course.folder("submitted", assignment, student)
        kept = course.root / "collected" / assignment / student
        work = scratch / "student"
        work.mkdir()
        row = _place(Shelf(place, kept, work), student, attempts, plan)
        shutil.rmtree(work)
        say(f"  [{count}/{len(by_student)}] {student}: {row.became}")
        rows.append(row)
    return rows


def _refuse_alike(
    course: Course, assignment: str, by_student: dict[str, list[Attempt]], plan: Plan
) -> None:
    """Two ids that differ only in case are one folder on many disks."""
    there = {one.casefold(): one for one in course.submissions(assignment)}
    for student in sorted(by_student):
        other = there.setdefault(student.casefold(), student)
        if other != student:
            del by_student[student]
            told = (
                f"{student} and {other} differ only in case. Give --roster a CSV that says which "
                "is right, with the other in a further column."
            )
            plan.problems[told] = None


def _place(shelf: Shelf, student: str, attempts: list[Attempt], plan: Plan) -> Row:
    row = Row(student, len(attempts))
    ready: list[Ready] = []
    for number, attempt in enumerate(attempts):
        folder = shelf.scratch / f"attempt-{number}"
        told = len(attempt.odd)
        try:
            ready.append(make_ready(attempt, folder))
        except NotUnpackedError as error:
            plan.problems[f"{student}, in {attempt.source}: {error}. {ASK}."] = None
            row.odd.append("an attempt cannot be read")
        row.odd += [one for one in attempt.odd if one not in row.odd]
        del attempt.odd[told:]  # the next of a group tells what it finds itself
        if len(attempt.students) > 1:
            others = ", ".join(one for one in attempt.students if one != student)
            row.odd.append(f"with {others}")
    became = [shelf.take(one) for one in _in_order(ready)]
    latest = [one for one in became if one in ("placed", "replaced", "time noted")]
    row.became = latest[-1] if latest else (became[-1] if became else "not placed")
    if shelf.place.is_dir():
        row.files = sum(1 for entry in entries(shelf.place) if entry.path.name != "timestamp.txt")
        time = told_time(shelf.place)
        row.time = f"{time:%Y-%m-%d %H:%M} UTC" if time else ""
    if "replaced" in became or "earlier, kept" in became:
        where = os.path.relpath(shelf.kept, shelf.place.parents[2])
        row.odd.append(f"earlier attempts are in {where}")
    return row


def _in_order(ready: list[Ready]) -> list[Ready]:
    """Where no time is told, as the platform counts, then as they were named."""
    return sorted(ready, key=lambda one: (one.time.timestamp() if one.time else 0.0, one.order))


def _say_table(rows: list[Row], plan: Plan, roster: Roster | None, say: Say) -> None:
    width = max([len(row.student) for row in rows] + [7])
    say(f"{'student':{width}}  files  {'time':20}  attempts  what became of it")
    for row in rows:
        told = "; ".join([row.became, *row.odd])
        say(f"{row.student:{width}}  {row.files:5}  {row.time:20}  {row.attempts:8}  {told}")
    if roster:
        missing = [one.id for one in roster.students if one.id not in {row.student for row in rows}]
        say(f"In these files there is nothing of: {', '.join(missing) or 'nobody'}")
    for problem in plan.problems:
        say(f"Not placed: {problem}")
