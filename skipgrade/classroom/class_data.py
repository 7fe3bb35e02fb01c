"""What the page of a class is made of, beside the rows of the report."""

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import nbformat

from skipgrade.classroom.course import Course
from skipgrade.classroom.outline import outline
from skipgrade.classroom.report import Row
from skipgrade.classroom.writing import TIMINGS_FILE
from skipgrade.judging.intake.plain_files import NotPlainFileError, open_plain
from skipgrade.lab.errors import LabError
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


def failing(table: list[Row], course: Course, assignment: str) -> list[Failing]:
    """The tasks that cost the class most, most costly first."""
    titles = titles_of(course, assignment)
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
    paths = sorted(course.folder("source", assignment).glob("*.ipynb"))
    return {cell: place.title for path in paths for cell, place in outline(path).items()}


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
        for path in sorted(folder.glob("*-history.json")):
            if (history := _history(path)) is not None:
                run = path.name.removesuffix("-history.json")
                found.setdefault(run, {})[row.student] = history
    return found


def _history(path: Path) -> History | None:
    try:
        with open_plain(path) as file:
            text = file.read(LARGEST + 1)
        history = History.parse(text, path)
    except (NotPlainFileError, LabError, OSError):
        return None  # the judge tells its student
    return history if len(text) <= LARGEST and 0 < len(history) <= LONGEST else None


def seconds(course: Course, assignment: str) -> dict[str, float]:
    """How long the latest grading of each submission took."""
    path = course.root / TIMINGS_FILE
    told: dict[str, float] = {}
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else ():
        entry = json.loads(line)
        if entry["assignment"] == assignment:
            told[entry["student"]] = entry.get("seconds", 0.0)
    return told
