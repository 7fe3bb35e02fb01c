"""Grades a class: nbgrader's Autograde, one hand-in after the other, to the last one."""

import glob
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from nbgrader.api import Gradebook, MissingEntry
from nbgrader.converters import Autograde

from skipgrade.classroom import handin
from skipgrade.classroom.course import ConversionFailed, Course, CourseError


@dataclass(frozen=True)
class Outcome:
    """What became of one hand-in. `failure` is None where it was graded from end to end."""

    student: str
    seconds: float
    failure: str | None = None
    scored: bool = True


def grade(
    course: Course,
    assignment: str,
    students: Sequence[str] | None = None,
    say: Callable[[str], None] = print,
) -> list[Outcome]:
    """Grade every hand-in of an assignment, or those of some students."""
    notebooks = notebook_names(course, assignment)
    present = course.submissions(assignment)
    chosen = list(students) if students else present
    missing = sorted(set(chosen) - set(present))
    if missing or not chosen:
        who = ", ".join(missing) or "any student"
        raise CourseError(
            f"submitted/ holds no hand-in of {who} for {assignment}: "
            f"put it into submitted/STUDENT/{assignment}/."
        )
    outcomes = []
    for number, student in enumerate(chosen, start=1):
        say(f"  [{number}/{len(chosen)}] {student} ...")
        outcome = _grade_one(course, assignment, student, notebooks)
        say(f"        {outcome.failure or 'graded'} ({outcome.seconds:.0f} s)")
        outcomes.append(outcome)
    return outcomes


def notebook_names(course: Course, assignment: str) -> list[str]:
    """The notebooks the gradebook expects; an error where nothing was released yet."""
    course.require(assignment)
    with course.gradebook() as book:
        try:
            return [notebook.name for notebook in book.find_assignment(assignment).notebooks]
        except MissingEntry as error:
            raise CourseError(
                f"The gradebook does not know {assignment}: "
                f"run `nbgrader generate_assignment {assignment}` first."
            ) from error


def _grade_one(course: Course, assignment: str, student: str, notebooks: list[str]) -> Outcome:
    started = time.monotonic()

    def outcome(failure: str | None = None, scored: bool = True) -> Outcome:
        return Outcome(student, time.monotonic() - started, failure, scored)

    wrong = handin.what_is_wrong(course.folder("submitted", assignment, student), notebooks)
    try:
        course.run(Autograde, assignment, glob.escape(student))
    except ConversionFailed as error:
        if wrong is None:
            return outcome(f"not graded: {error}", scored=False)
        with course.gradebook() as book:
            record_zero(book, assignment, student)
    return outcome(wrong)


def record_zero(book: Gradebook, assignment: str, student: str) -> None:
    """What nbgrader itself records for a file that was not handed in."""
    book.update_or_create_student(student)
    submission = book.update_or_create_submission(assignment, student)
    for notebook in submission.notebooks:
        for entry in notebook.grades:
            entry.auto_score = 0
            entry.needs_manual_grade = False
    book.db.commit()
