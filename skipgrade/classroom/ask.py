"""`skipgrade ask`: what a submission would earn by tests, before the deadline and off the record.

Graded as always, into a place of its own. Told is what each task would earn, and what students can
see anyway: the error of the test's visible part. An accuracy is answered by the Ladder, and the
points that hang on it change with that answer alone.
"""

import json
import re
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from nbconvert.filters import strip_ansi
from nbformat import NotebookNode

from skipgrade.classroom import cluster, grading, ladder
from skipgrade.classroom.course import Course
from skipgrade.classroom.errors import CourseError
from skipgrade.classroom.ledger import FOLDER
from skipgrade.classroom.outline import outlines
from skipgrade.classroom.record import verdicts_of
from skipgrade.classroom.style import number
from skipgrade.judging.grader.source import is_automatic

ERROR = re.compile(r"^\w*(?:Error|Exception|Interrupt)\b.*")


@dataclass(frozen=True)
class Answer:
    """What a student is told of one task."""

    cell: str
    points: float
    most: float
    told: str = ""
    accuracies: list[float] = field(default_factory=list)


def ask(course: Course, assignment: str, student: str) -> list[Answer]:
    """Grade what lies under submitted/, and answer; the gradebook stays as it is."""
    names = grading.notebook_names(course, assignment)
    grading.present(course, assignment, [student])
    with _place(course, assignment) as place, course.gradebook() as book:
        jobs = grading.jobs_for(course, assignment, names, book, place, [student])
        with cluster.here(course) as results:
            (graded,) = results(jobs)
        if graded.folder is None or graded.failure:
            raise CourseError(f"{student}: {graded.failure or 'not graded'}")
        notebooks = [
            nbformat.read(path, as_version=4) for path in sorted(graded.folder.glob("*.ipynb"))
        ]
    kept = _Kept(course, assignment, student)
    answers = [one for notebook in notebooks for one in _answers(notebook, kept)]
    kept.write()
    return answers


def lines(course: Course, assignment: str, student: str) -> Iterator[str]:
    answers = ask(course, assignment, student)
    places = outlines(course.folder("source", assignment))
    points, most = (sum(one) for one in zip(*((a.points, a.most) for a in answers), strict=True))
    yield f"{student}, {assignment}: {number(points)} of {number(most)} by tests, as it is now"
    for one in answers:
        if one.points < one.most or one.accuracies:
            title = f"{places[one.cell].title} ({one.cell})" if one.cell in places else one.cell
            told = f": {one.told}" if one.told else ""
            yield f"  {title}  {number(one.points)} of {number(one.most)}{told}"


class _Kept:
    """What was answered about accuracies before, and the points that went with it."""

    def __init__(self, course: Course, assignment: str, student: str) -> None:
        self.path = course.root / FOLDER / "asked" / assignment / f"{student}.json"
        known = self.path.is_file()
        self.cells: dict[str, dict[str, Any]] = json.loads(self.path.read_text()) if known else {}

    def answer(self, cell: str, points: float, measured: list[float]) -> tuple[float, list[float]]:
        before = self.cells.get(cell, {"points": points, "accuracies": []})
        now = ladder.answers(before["accuracies"], measured)
        if now != before["accuracies"]:
            self.cells[cell] = {"points": points, "accuracies": now}
        return self.cells.get(cell, before)["points"], now

    def write(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        draft = self.path.with_suffix(".new")
        draft.write_text(json.dumps(self.cells))
        draft.replace(self.path)


def _answers(notebook: NotebookNode, kept: _Kept) -> Iterator[Answer]:
    verdicts = verdicts_of(notebook)
    for cell in notebook.cells:
        if not is_automatic(cell):
            continue
        name = cell.metadata.nbgrader["grade_id"]
        verdict = verdicts[name]
        found = cell.metadata.get("skipgrade", {}).get("accuracies", [])
        if found:
            points, told = kept.answer(name, verdict.points, [one["accuracy"] for one in found])
            bars = ", ".join(f"{bar:.4g}" for one in found for bar in one["bars"])
            best = " and ".join(f"{one:.0%}" for one in told)
            text = f"about {best} of the held-out images, your best answer so far"
            yield Answer(name, points, verdict.most, f"{text} (bars: {bars})", told)
        else:
            yield Answer(name, verdict.points, verdict.most, _visible_error(cell))


def _visible_error(cell: NotebookNode) -> str:
    """The last line of what the visible part showed, where that is an error."""
    shown = [strip_ansi(one.text) for one in cell.outputs if one.output_type == "stream"]
    last = shown[-1].strip().splitlines()[-1:] if shown else []
    return last[0] if last and ERROR.match(last[0]) else ""


@contextmanager
def _place(course: Course, assignment: str) -> Iterator[Path]:
    """A folder for this question alone; a class may be graded meanwhile."""
    place = course.root / FOLDER / "asking" / f"{assignment}-{uuid.uuid4().hex}"
    place.mkdir(parents=True)
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)
