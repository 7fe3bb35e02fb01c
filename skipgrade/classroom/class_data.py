"""What the page of a class is made of, in addition to the rows of the report."""

from collections import Counter
from dataclasses import dataclass, field

import nbformat

from skipgrade.classroom.course import Course
from skipgrade.classroom.histories import histories_in
from skipgrade.classroom.outline import outlines
from skipgrade.classroom.record import Record
from skipgrade.classroom.report import Row
from skipgrade.lab.history import History

LARGEST = 5_000_000  # bytes of a history that is drawn
LONGEST = 5_000  # epochs


@dataclass
class Failing:
    """A task, who lost points with it, and the reason most of them share."""

    title: str
    cell: str
    most: float
    lost: dict[str, float] = field(default_factory=dict)
    reasons: Counter[str] = field(default_factory=Counter)

    @property
    def reason(self) -> tuple[str, int]:
        return self.reasons.most_common(1)[0]

    @property
    def total(self) -> float:
        return sum(self.lost.values())


@dataclass(frozen=True)
class Measured:
    """An accuracy on held-out images, and the bars it was held against."""

    student: str
    accuracy: float
    bars: tuple[float, ...]


def failing(table: list[Row], titles: dict[str, str]) -> list[Failing]:
    """The tasks that cost the class most, most costly first."""
    found: dict[str, Failing] = {}
    for row in table:
        worth = {task.cell: task.most for task in row.marks.tasks} if row.marks else {}
        for loss in row.losses:
            task = found.setdefault(
                loss.cell,
                Failing(titles.get(loss.cell, loss.cell), loss.cell, worth.get(loss.cell, 0.0)),
            )
            task.lost[row.student] = loss.points
            task.reasons[loss.reason] += 1
    return sorted(found.values(), key=lambda task: -task.total)


def titles_of(course: Course, assignment: str) -> dict[str, str]:
    places = outlines(course.folder("source", assignment))
    return {cell: place.title for cell, place in places.items()}


def accuracies(course: Course, assignment: str, table: list[Row]) -> dict[str, list[Measured]]:
    """Per graded cell, what everybody's weights or predictions reached."""
    found: dict[str, list[Measured]] = {}
    for row in table:
        for path in sorted(course.folder("autograded", assignment, row.student).glob("*.ipynb")):
            for cell in nbformat.read(path, as_version=4).cells:
                for one in cell.metadata.get("skipgrade", {}).get("accuracies", ()):
                    name = cell.metadata.nbgrader["grade_id"]
                    measured = Measured(row.student, one["accuracy"], tuple(one["bars"]))
                    found.setdefault(name, []).append(measured)
    return found


def curves(course: Course, assignment: str, table: list[Row]) -> dict[str, dict[str, History]]:
    """Per run, everybody's history as it was handed in; what is none is left out."""
    found: dict[str, dict[str, History]] = {}
    for row in table:
        folder = course.folder("submitted", assignment, row.student)
        for run, history in histories_in(folder, LARGEST).items():
            if 0 < len(history) <= LONGEST:
                found.setdefault(run, {})[row.student] = history
    return found


def seconds(course: Course, assignment: str) -> dict[str, float]:
    """How long the latest grading of each submission took."""
    latest = Record(course.root, assignment).latest()
    return {student: told.seconds for student, told in latest.items()}
