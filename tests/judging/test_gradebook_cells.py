"""What is read and written at once is what nbgrader reads and writes cell by cell."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat import NotebookNode
from nbgrader.api import Gradebook
from nbgrader.nbgraderformat import SCHEMA_VERSION
from nbgrader.preprocessors import OverwriteCells, SaveAutoGrades, SaveCells
from nbgrader.utils import compute_checksum
from sqlalchemy import Engine, event

from skipgrade.judging.grader.gradebook_cells import OverwriteCellsAtOnce, SaveGradesAtOnce

KINDS: dict[str, dict[str, bool | int]] = {
    "test": {"grade": True, "locked": True, "points": 3},
    "answer": {"solution": True},
    "essay": {"grade": True, "solution": True, "points": 2},
    "reading": {"task": True, "locked": True, "points": 1},
    "given": {"locked": True},
}
PLAIN: dict[str, bool | int] = dict.fromkeys(("grade", "solution", "locked", "task"), False)


def cell(name: str, source: str = "") -> NotebookNode:
    make = nbformat.v4.new_code_cell
    if name in ("essay", "reading"):
        make = nbformat.v4.new_markdown_cell
    new = make(source or f"# {name}")
    new.metadata.nbgrader = NotebookNode(
        PLAIN | KINDS[name] | {"grade_id": name, "schema_version": SCHEMA_VERSION}
    )
    new.metadata.nbgrader.checksum = compute_checksum(new)
    return new


def notebook() -> NotebookNode:
    return nbformat.v4.new_notebook(cells=[cell(name) for name in KINDS])


@pytest.fixture
def resources(tmp_path: Path) -> dict[str, Any]:
    """A gradebook that knows the notebook, and one student who handed it in."""
    url = f"sqlite:///{tmp_path}/gradebook.db"
    names = {"notebook": "one", "assignment": "A", "student": "ada", "db_url": url}
    with Gradebook(url) as book:
        book.add_assignment("A")
        book.add_student("ada")
    made: dict[str, Any] = {"nbgrader": names}
    SaveCells().preprocess(notebook(), made)
    with Gradebook(url) as book:
        book.add_submission("A", "ada")
    return made


@contextmanager
def statements() -> Iterator[list[str]]:
    sent: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if not statement.startswith("PRAGMA"):
            sent.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def grades(resources: dict[str, Any]) -> list[Any]:
    names = resources["nbgrader"]
    with Gradebook(names["db_url"]) as book:
        submitted = book.find_submission_notebook("one", "A", "ada")
        scores = [
            (grade.name, grade.auto_score, grade.manual_score, grade.needs_manual_grade)
            for grade in submitted.grades
        ]
        comments = [(comment.name, comment.auto_comment) for comment in submitted.comments]
    return [sorted(scores), sorted(comments)]


def answered() -> NotebookNode:
    """One test failed, one answer was left as it was, one was written."""
    nb = notebook()
    nb.cells[0].outputs = [nbformat.v4.new_output("error", ename="E", evalue="", traceback=[])]
    nb.cells[2].source = "an answer"
    return nb


def test_grades_and_comments_are_those_nbgrader_saves(resources: dict[str, Any]) -> None:
    SaveAutoGrades().preprocess(answered(), resources)
    due = grades(resources)
    assert ("test", 0.0, None, False) in due[0]
    with Gradebook(resources["nbgrader"]["db_url"]) as book:
        for grade in book.find_submission_notebook("one", "A", "ada").grades:
            if grade.name != "reading":  # nbgrader itself leaves a task's grade alone
                grade.auto_score, grade.needs_manual_grade = 99, True
        book.db.commit()
    SaveGradesAtOnce().preprocess(answered(), resources)
    assert grades(resources) == due


def test_what_a_person_gave_is_kept(resources: dict[str, Any]) -> None:
    with Gradebook(resources["nbgrader"]["db_url"]) as book:
        book.find_grade("test", "one", "A", "ada").manual_score = 2.5
        book.db.commit()
    SaveGradesAtOnce().preprocess(answered(), resources)
    assert ("test", 0.0, 2.5, True) in grades(resources)[0]


def test_nothing_is_written_of_a_notebook_that_stops_half_way(resources: dict[str, Any]) -> None:
    before = grades(resources)
    nb = answered()
    nb.cells[-2].metadata.nbgrader.grade_id = "nobody"
    with pytest.raises(Exception, match="nobody"):
        SaveGradesAtOnce().preprocess(nb, resources)
    assert grades(resources) == before


def bent() -> NotebookNode:
    """Everything that OverwriteCells puts right."""
    nb = notebook()
    nb.cells[0].source = "pass"
    nb.cells[0].metadata.nbgrader.points = 100
    nb.cells[1] = nbformat.v4.new_markdown_cell("text", metadata=nb.cells[1].metadata)
    nb.cells[4].metadata.nbgrader.locked = False
    del nb.cells[3]
    return nb


@pytest.mark.parametrize("add_missing", [False, True])
def test_cells_are_put_right_as_nbgrader_does(resources: dict[str, Any], add_missing: bool) -> None:
    theirs, ours = OverwriteCells(), OverwriteCellsAtOnce()
    theirs.add_missing_cells = ours.add_missing_cells = add_missing
    nb = bent()
    if not add_missing:  # with it, nbgrader itself stops at a cell the gradebook never heard of
        nb.cells.append(copy.deepcopy(nb.cells[1]))
        nb.cells[-1].metadata.nbgrader.grade_id = "stray"
    due, _ = theirs.preprocess(copy.deepcopy(nb), resources)
    got, _ = ours.preprocess(copy.deepcopy(nb), resources)
    ids = [[mended.pop("id", None) for mended in made.cells] for made in (due, got)]
    assert len(ids[0]) == len(nb.cells) + add_missing
    assert got == due != nb


def test_the_number_of_queries_does_not_grow_with_the_notebook(resources: dict[str, Any]) -> None:
    long = notebook()
    long.cells *= 20
    for step in (OverwriteCellsAtOnce(), SaveGradesAtOnce()):
        counts = []
        for nb in (notebook(), long):
            with statements() as sent:
                step.preprocess(copy.deepcopy(nb), resources)
            counts.append(len(sent))
        assert counts[0] >= counts[1] > 0, step
