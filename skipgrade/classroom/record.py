"""The record of gradings: a line for each, with its verdicts and what they follow from.

`.skipgrade/gradings/ASSIGNMENT/STUDENT.jsonl` in the course. A line is written in one piece; what a
crash left of one goes when the next is written, and does not count until then.
"""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbgrader.utils import determine_grade

from skipgrade.classroom.grounds import Grounds
from skipgrade.classroom.ledger import FOLDER
from skipgrade.judging.grader.source import is_automatic
from skipgrade.judging.verdict import Reason, reasons_of

Seconds = dict[str, dict[str, float]]


@dataclass(frozen=True)
class Told:
    """The verdict on one cell, as it was told."""

    points: float
    most: float
    reasons: list[dict[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def in_short(self) -> list[str]:
        return [Reason.of(one).in_short() for one in self.reasons]


@dataclass(frozen=True)
class Grading:
    """One grading of one submission. Without a `failure` it went from end to end."""

    time: str
    student: str
    seconds: float = 0.0
    graded: bool = False
    failure: str | None = None
    worker: str = ""
    cells: Seconds = field(default_factory=dict)
    verdicts: dict[str, Told] = field(default_factory=dict)
    grounds: Grounds = field(default_factory=dict)
    near: dict[str, list[str]] = field(
        default_factory=dict
    )  # by test, the answers and files it is about

    @property
    def points(self) -> float:
        return sum(one.points for one in self.verdicts.values())

    @property
    def most(self) -> float:
        return sum(one.most for one in self.verdicts.values())


def verdicts_in(folder: Path) -> dict[str, Told]:
    """What the notebooks of a graded submission say of each cell that a test decides."""
    notebooks = (nbformat.read(path, as_version=4) for path in sorted(folder.glob("*.ipynb")))
    return {cell: told for notebook in notebooks for cell, told in verdicts_of(notebook).items()}


def verdicts_of(notebook: NotebookNode) -> dict[str, Told]:
    return {
        cell.metadata.nbgrader["grade_id"]: _told(cell)
        for cell in notebook.cells
        if is_automatic(cell)
    }


def _told(cell: NotebookNode) -> Told:
    points, most = determine_grade(cell)
    kept = cell.metadata.get("skipgrade", {})
    reasons = reasons_of(kept)
    if not kept:  # graded without the judge
        errors = (one for one in cell.outputs if one.output_type == "error")
        reasons = [Reason(f"{one.ename}: {one.evalue}") for one in errors]
    told = [one.as_data() for one in reasons]
    return Told(points or 0.0, most, told, list(kept.get("notes", [])))


class Record:
    """The gradings of one assignment."""

    def __init__(self, root: Path, assignment: str) -> None:
        self.folder = root / FOLDER / "gradings" / assignment

    def add(self, grading: Grading) -> None:
        """To be called by one process at a time."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._path(grading.student).open("a+b") as file:
            file.seek(0)
            file.truncate(file.read().rfind(b"\n") + 1)
            file.write(json.dumps(asdict(grading)).encode() + b"\n")

    def of(self, student: str) -> list[Grading]:
        """A student's gradings, the latest last."""
        path = self._path(student)
        text = path.read_text(encoding="utf-8") if path.is_file() else ""
        return [_grading(json.loads(line)) for line in text.split("\n")[:-1]]

    def every(self) -> dict[str, list[Grading]]:
        """All gradings, by student."""
        students = (path.stem for path in sorted(self.folder.glob("*.jsonl")))
        return {student: found for student in students if (found := self.of(student))}

    def latest(self) -> dict[str, Grading]:
        """By student, the latest grading of each submission, failed or not."""
        return {student: found[-1] for student, found in self.every().items()}

    def graded(self) -> dict[str, list[Grading]]:
        """By student, the gradings whose points went into the gradebook."""
        kept = {
            student: [one for one in found if one.graded] for student, found in self.every().items()
        }
        return {student: found for student, found in kept.items() if found}

    def _path(self, student: str) -> Path:
        return self.folder / f"{student}.jsonl"


def _grading(line: dict[str, Any]) -> Grading:
    verdicts = {cell: Told(**told) for cell, told in line["verdicts"].items()}
    return Grading(**line | {"verdicts": verdicts})
