"""What would go wrong with a source notebook, found before a student has it: `skipgrade lint`.

Everything is read off the file; nothing of it is run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from skipgrade.classroom.course import Course
from skipgrade.classroom.errors import CourseError
from skipgrade.classroom.holdout import secret_if_drawn
from skipgrade.classroom.lint import (
    form,
    hidden_tests,
    markers,
    order,
    points,
    private,
    released,
)
from skipgrade.classroom.lint.finding import Finding, faults
from skipgrade.classroom.lint.notebook import NoNotebookError, Notebook, read
from skipgrade.classroom.marking import Marking

__all__ = ["Finding", "demand_sound", "examine", "faults"]


def demand_sound(course: Course, assignments: Iterable[str]) -> None:
    """`CourseError` with a line for everything that has to be fixed."""
    found = [one for assignment in assignments for one in faults(examine(course, assignment))]
    if found:
        raise CourseError("nothing was released:", map(str, found))


def examine(course: Course, assignment: str) -> list[Finding]:
    """Everything there is to say about an assignment's source notebooks."""
    folder = course.folder("source", course.require(assignment))
    return [one for path in sorted(folder.glob("*.ipynb")) for one in _in_file(course, path)]


def _in_file(course: Course, path: Path) -> Iterator[Finding]:
    try:
        notebook = read(path)
    except NoNotebookError as error:
        yield error.finding
        return
    yield from form.find(notebook)
    yield from markers.find(notebook)
    found, names = order.find(notebook)
    yield from found
    yield from hidden_tests.find(notebook, names, judged=_judged(course))
    yield from points.find(notebook, Marking(config=course.config).is_bonus)
    yield from private.find(notebook, secret_if_drawn(course))
    yield from _since_release(course, notebook)


def _since_release(course: Course, notebook: Notebook) -> Iterable[Finding]:
    assignment = notebook.path.parent.name
    path = course.folder("release", assignment) / notebook.path.name
    if not path.is_file():
        return []
    try:
        before = read(path)
    except NoNotebookError:  # `release` writes it again
        return []
    return released.find(notebook, before, len(course.submissions(assignment)))


def _judged(course: Course) -> bool:
    """Whether hidden tests run in the judge's kernel here, as the course's configuration says."""
    from nbgrader.converters import Autograde

    from skipgrade.judging.grader.execute import JudgedExecute

    grader = Autograde(coursedir=course.directory(), config=course.config)
    return JudgedExecute in grader.autograde_preprocessors
