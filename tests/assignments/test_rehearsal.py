"""Every assignment, executed for real on the built-in data and graded by nbgrader."""

from __future__ import annotations

import shutil
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_output
from nbgrader.preprocessors import CheckCellMetadata
from nbgrader.validator import Validator

from skipgrade.classroom.course import Course
from skipgrade.classroom.rehearsal import SOLUTION, UNTOUCHED, Rehearsal, rehearse
from tests.project.test_docs import points

ROOT = Path(__file__).parents[2]
ASSIGNMENTS = Course(ROOT).assignments()
# Finished runs come back in these: lab.fit's own, and those of a helper of the notebook's.
RUN_TWICE = ("01-lenet5-pipeline", "03-cnn-design")


def automatic(assignment: str) -> float:
    """What tests can give, the bonus included; docs/instructors.md says the same."""
    by_tests, _, bonus_by_tests, _ = points(assignment)
    return by_tests + bonus_by_tests


@pytest.fixture(scope="module", params=ASSIGNMENTS)
def rehearsed(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Rehearsal:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MPLBACKEND")  # notebooks draw as they do for students
        folder = tmp_path_factory.mktemp("rehearsal") / "course"
        return rehearse(ROOT, folder, request.param, print)


def test_the_solution_earns_every_automatic_point(rehearsed: Rehearsal) -> None:
    assert rehearsed.lost_by_solution() == []
    earned = sum(mark["points"] for mark in rehearsed.marks(SOLUTION).values())
    assert earned == automatic(rehearsed.assignment)


def test_the_untouched_release_earns_nothing_and_is_told_why(rehearsed: Rehearsal) -> None:
    assert rehearsed.won_by_stubs() == []
    marks = rehearsed.marks(UNTOUCHED)
    assert marks.keys() == rehearsed.marks(SOLUTION).keys()
    assert all(mark["reasons"] for mark in marks.values())


def test_nbgrader_validate_has_nothing_to_say(
    rehearsed: Rehearsal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the source notebook, in its course, where its training has been done."""
    monkeypatch.delenv("MPLBACKEND")
    here = rehearsed.course.root / "validated"
    shutil.copytree(rehearsed.course.folder("submitted", rehearsed.assignment, SOLUTION), here)
    validator = Validator(config=rehearsed.course.config)
    if rehearsed.assignment not in RUN_TWICE:  # the rehearsal's outputs tell as much
        validator.preprocessors = [CheckCellMetadata]
    assert validator.validate(str(here / f"{rehearsed.assignment}.ipynb")) == {}


def test_nbgrader_validate_would_see_a_failure_in_the_outputs(tmp_path: Path) -> None:
    """What the test above stands on for notebooks that are not run twice."""
    name = ASSIGNMENTS[0]
    notebook = nbformat.read(ROOT / "source" / name / f"{name}.ipynb", as_version=4)
    tests = [cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("points")]
    cell = next(cell for cell in tests if cell.metadata.nbgrader.locked)
    cell.outputs = [new_output("error", ename="AssertionError", evalue="no", traceback=["no"])]
    nbformat.write(notebook, tmp_path / "one.ipynb")
    validator = Validator(preprocessors=[CheckCellMetadata])
    (failed,) = validator.validate(str(tmp_path / "one.ipynb"))["failed"]
    assert failed["source"] == cell.source.strip()


def test_the_gradebook_agrees(rehearsed: Rehearsal) -> None:
    with rehearsed.course.gradebook() as book:
        rows = {row["student"]: row for row in book.submission_dicts(rehearsed.assignment)}
    assert rows[UNTOUCHED]["score"] == 0
    assert rows[SOLUTION]["score"] == automatic(rehearsed.assignment)
