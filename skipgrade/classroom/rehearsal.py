"""Does an assignment grade itself right? The solution must earn everything, the stubs nothing.

The source notebook is executed from top to bottom, training included, and handed in together with
the untouched release; nbgrader grades both.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError
from nbformat import NotebookNode
from traitlets.config import Config

from skipgrade.classroom import demo, grading, holdout, protection, release
from skipgrade.classroom.course import Course
from skipgrade.classroom.errors import CourseError
from skipgrade.classroom.progress import Outcome
from skipgrade.judging.grader.preload import preload
from skipgrade.judging.verdict import reasons_of
from skipgrade.sandbox import async_kernel_manager

SOLUTION, UNTOUCHED = "solution", "untouched"


@dataclass(frozen=True)
class Rehearsal:
    """The judge's marks by student and cell, and how long the notebook took to run."""

    course: Course
    assignment: str
    seconds: float

    def marks(self, student: str) -> dict[str, dict[str, Any]]:
        """Points, most, reasons and notes of every automatically graded cell."""
        path = self.course.folder("autograded", self.assignment, student)
        cells = nbformat.read(path / f"{self.assignment}.ipynb", as_version=4).cells
        return {
            cell.metadata.nbgrader["grade_id"]: dict(cell.metadata.skipgrade)
            for cell in cells
            if "skipgrade" in cell.metadata
        }

    def lost_by_solution(self) -> list[str]:
        """Why the solution did not earn everything; empty when it did."""
        return [
            f"{name}: {mark['points']:g} of {mark['max']:g} points. "
            + "; ".join(reason.in_short() for reason in reasons_of(mark))
            for name, mark in self.marks(SOLUTION).items()
            if mark["points"] < mark["max"]
        ]

    def won_by_stubs(self) -> list[str]:
        """Where the untouched release earned points; empty when nowhere."""
        return [
            f"{name}: {mark['points']:g} points for a stub"
            for name, mark in self.marks(UNTOUCHED).items()
            if mark["points"] > 0
        ]


def rehearse(project: Path, folder: Path, assignment: str, say: Callable[[str], None]) -> Rehearsal:
    """Release, execute, hand in and grade `assignment` in a course of its own under `folder`."""
    course = demo.new_course(project, folder, assignment)
    if holdout.wants(course, assignment):
        holdout.build(course, [assignment], say)
    release.generate(course, [assignment], say)
    source = course.folder("source", assignment) / f"{assignment}.ipynb"
    notebook = nbformat.read(source, as_version=4)
    hand_in = course.folder("submitted", assignment, SOLUTION)
    hand_in.mkdir(parents=True)
    holdout.give(course, assignment, hand_in)
    seconds = _execute(notebook, hand_in, preload(source), say)
    nbformat.write(notebook, hand_in / source.name)
    untouched = course.folder("submitted", assignment, UNTOUCHED)
    untouched.mkdir(parents=True)
    released = course.folder("release", assignment) / source.name
    (untouched / source.name).write_bytes(released.read_bytes())
    for warning in protection.warnings_for_own_submissions():
        say(warning)
    _demand_graded(grading.grade(course, assignment, say=say))
    return Rehearsal(course, assignment, seconds)


def _demand_graded(outcomes: list[Outcome]) -> None:
    """A fault of the assignment shows in both; it is told once."""
    if told := dict.fromkeys(str(one.failure) for one in outcomes if not one.scored):
        first, *others = told
        raise CourseError(first, others)


def _execute(
    notebook: NotebookNode, folder: Path, preloaded: list[str], say: Callable[[str], None]
) -> float:
    """Run the notebook; `CourseError` names the cell that fails."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    started = time.monotonic()

    running = ""

    def tell(cell: NotebookNode, **kwargs: Any) -> None:
        nonlocal running
        running = cell.metadata.get("nbgrader", {}).get("grade_id") or cell.id
        if "needs-training" in cell.metadata.get("tags", []):
            number = cells.index(cell) + 1
            say(f"  {time.monotonic() - started:4.0f} s: cell {number} of {len(cells)}, {cell.id}")

    config = Config()
    config.WarmProvisioner.preload = preloaded
    client = NotebookClient(
        notebook,
        km=async_kernel_manager("judge", config=config),  # trusted, as it is there
        timeout=None,
        resources={"metadata": {"path": str(folder)}},
        on_cell_execute=tell,
    )
    try:
        client.execute(cleanup_kc=True)
    except CellExecutionError as error:
        told = f"{error.ename}: {error.evalue}"
        raise CourseError(f"the source notebook fails in cell {running}: {told}") from error
    except DeadKernelError as error:
        raise CourseError(f"the source notebook's kernel died in cell {running}") from error
    return time.monotonic() - started
