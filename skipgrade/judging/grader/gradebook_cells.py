"""[grader] What nbgrader's preprocessors look up in the gradebook cell by cell, read once for a
notebook.

Theirs send a query for each cell and commit after each: a quarter of what a worker itself does for
a submission.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from nbgrader.api import BaseCell, Comment, Grade, Gradebook, MissingEntry, Notebook
from nbgrader.preprocessors import OverwriteCells, SaveAutoGrades

Entry = TypeVar("Entry")


class SourceCells:
    """A gradebook, for who asks how one notebook's cells were released."""

    def __init__(self, gradebook: Gradebook, notebook: str, assignment: str) -> None:
        self._gradebook = gradebook
        released = gradebook.find_notebook(notebook, assignment)
        self._notebook = released
        self._source = {cell.name: cell for cell in released.source_cells}
        self._graded = {cell.name: cell for cell in [*released.grade_cells, *released.task_cells]}

    def __enter__(self) -> SourceCells:
        return self

    def __exit__(self, *error: object) -> None:
        self._gradebook.close()

    def find_notebook(self, name: str, assignment: str) -> Notebook:
        return self._notebook

    def find_source_cell(self, name: str, notebook: str, assignment: str) -> Any:
        return _entry(self._source, name)

    def find_graded_cell(self, name: str, notebook: str, assignment: str) -> Any:
        return _entry(self._graded, name)


class GradesOfOne:
    """A gradebook, for who writes the grades and comments of one submitted notebook."""

    def __init__(self, gradebook: Gradebook, notebook: str, assignment: str, student: str) -> None:
        self._gradebook = gradebook
        submitted = gradebook.find_submission_notebook(notebook, assignment, student)
        self._grades, self._comments = (
            {
                name: entry
                for entry, name in gradebook.db.query(kind, BaseCell.name)
                .join(BaseCell, BaseCell.id == kind.cell_id)
                .filter(kind.notebook_id == submitted.id)
            }
            for kind in (Grade, Comment)
        )

    def __enter__(self) -> GradesOfOne:
        return self

    def __exit__(self, kind: type | None, *error: object) -> None:
        if kind is None:
            self._gradebook.db.commit()
        self._gradebook.close()

    def find_grade(self, name: str, notebook: str, assignment: str, student: str) -> Grade:
        return _entry(self._grades, name)

    def find_comment(self, name: str, notebook: str, assignment: str, student: str) -> Comment:
        return _entry(self._comments, name)

    @property
    def db(self) -> GradesOfOne:
        return self

    def commit(self) -> None:
        """Asked for after each cell; done when all cells are through."""


def _entry(entries: Mapping[str, Entry], name: str) -> Entry:
    if name not in entries:
        raise MissingEntry(f"No cell {name!r} in the gradebook")
    return entries[name]


class OverwriteCellsAtOnce(OverwriteCells):
    @property
    def gradebook(self) -> SourceCells:
        return self._cells

    @gradebook.setter
    def gradebook(self, opened: Gradebook) -> None:
        self._cells = SourceCells(opened, self.notebook_id, self.assignment_id)


class SaveGradesAtOnce(SaveAutoGrades):
    @property
    def gradebook(self) -> GradesOfOne:
        return self._grades

    @gradebook.setter
    def gradebook(self, opened: Gradebook) -> None:
        self._grades = GradesOfOne(opened, self.notebook_id, self.assignment_id, self.student_id)
