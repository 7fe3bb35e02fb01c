"""Do submissions that students make of the released notebook still fit this one?"""

from __future__ import annotations

from collections.abc import Iterator

from skipgrade.classroom.lint.finding import Finding
from skipgrade.classroom.lint.notebook import Cell, Notebook


def find(notebook: Notebook, released: Notebook, submitted: int) -> Iterator[Finding]:
    """`submitted` is how many students' submissions of it lie in the course."""
    here = {cell.grade_id: cell for cell in notebook.cells if cell.grade_id}
    for cell in released.cells:
        if not cell.grade_id:
            continue
        now = here.get(cell.grade_id)
        if now is None:
            told = f"was released as {cell.grade_id}, and no cell has that name (grade_id) now"
        elif _kind(now) != _kind(cell):
            told = f"was released as {_kind(cell)}, and is {_kind(now)} now"
        else:
            continue
        told += (
            f": the {submitted} submission(s) under submitted/ cannot be graded with it"
            if submitted
            else ": submissions of the released notebook could not be graded with it"
        )
        fix = (
            "Give it back its name and kind."
            if submitted
            else "Well if no student has the notebook yet; or give it back its name and kind."
        )
        yield Finding(notebook.file, cell.grade_id, told, fix, note=not submitted)


def _kind(cell: Cell) -> str:
    if cell.marks.get("task"):
        return "a task"
    if cell.is_test:
        return "a test"
    if cell.is_answer:
        return "a graded answer" if cell.is_graded else "an answer"
    return f"a {cell.kind} cell"
