"""Every assignment, executed for real on the built-in data and graded by nbgrader."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from nbgrader.validator import Validator

from skipgrade.classroom.course import Course
from skipgrade.classroom.rehearsal import SOLUTION, UNTOUCHED, Rehearsal, rehearse
from tests.project.test_docs import points

ROOT = Path(__file__).parents[2]
ASSIGNMENTS = Course(ROOT).assignments()


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
    found = Validator(config=rehearsed.course.config).validate(
        str(here / f"{rehearsed.assignment}.ipynb")
    )
    assert found == {}


def test_the_gradebook_agrees(rehearsed: Rehearsal) -> None:
    with rehearsed.course.gradebook() as book:
        rows = {row["student"]: row for row in book.submission_dicts(rehearsed.assignment)}
    assert rows[UNTOUCHED]["score"] == 0
    assert rows[SOLUTION]["score"] == automatic(rehearsed.assignment)
