"""Marks that were found to be in order are not checked again; others always are."""

from __future__ import annotations

import nbformat
import pytest
from nbconvert.exporters import ResourcesDict
from nbformat import NotebookNode
from nbgrader.nbgraderformat import MetadataValidator, ValidationError

from skipgrade.judging.grader import cell_metadata as marks
from skipgrade.judging.grader.cell_metadata import CheckMetadataOnce

MARKS = {
    "schema_version": 3, "grade": True, "solution": False, "locked": True, "task": False,
    "grade_id": "one", "points": 2, "cell_type": "code", "checksum": "0" * 32,
}  # fmt: skip


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many cells nbgrader itself was given, a number each time."""
    times: list[int] = []
    ask = MetadataValidator.validate_nb

    def counting(self: MetadataValidator, nb: NotebookNode) -> None:
        times.append(len(nb.cells))
        ask(self, nb)

    monkeypatch.setattr(MetadataValidator, "validate_nb", counting)
    marks.passed.clear()
    return times


def notebook(source: str = "pass", **changed: object) -> NotebookNode:
    cell = nbformat.v4.new_code_cell(source, metadata={"nbgrader": MARKS | changed})
    return nbformat.v4.new_notebook(cells=[cell])


def test_the_same_marks_are_checked_once(checked: list[int]) -> None:
    for source in ("a = 1", "a = 2"):
        CheckMetadataOnce().preprocess(notebook(source), ResourcesDict())
    assert checked == [1]


def test_bad_marks_are_refused_every_time(checked: list[int]) -> None:
    bad = [notebook(points=-1), notebook(grade_id="no spaces"), notebook(cell_type="markdown")]
    bad[2].cells[0] = nbformat.v4.new_markdown_cell(metadata=bad[2].cells[0].metadata)
    twice = notebook()
    twice.cells *= 2
    CheckMetadataOnce().preprocess(notebook(), ResourcesDict())
    for nb in (*bad, twice) * 2:
        with pytest.raises(ValidationError):
            CheckMetadataOnce().preprocess(nb, ResourcesDict())
    assert len(checked) == 1 + 8


def test_what_waspassed_long_ago_is_forgotten(checked: list[int]) -> None:
    for points in range(marks.MOST_KEPT + 1):
        CheckMetadataOnce().preprocess(notebook(points=points), ResourcesDict())
    CheckMetadataOnce().preprocess(notebook(points=0), ResourcesDict())
    assert len(checked) == marks.MOST_KEPT + 2
    assert len(marks.passed) == marks.MOST_KEPT
