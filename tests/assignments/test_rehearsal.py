"""Every assignment, executed for real on the built-in data and graded by nbgrader."""

from __future__ import annotations

from pathlib import Path

import pytest

from skipgrade.classroom.course import Course
from skipgrade.classroom.rehearsal import SOLUTION, UNTOUCHED, Rehearsal, rehearse

ROOT = Path(__file__).parents[2]
ASSIGNMENTS = Course(ROOT).assignments()
AUTOMATIC = {"01-lenet5-pipeline": 44.0, "02-lenet5-tuning": 22.0}


@pytest.fixture(scope="module", params=ASSIGNMENTS)
def rehearsed(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Rehearsal:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SKIPGRADE_DATASET", "builtin")
        folder = tmp_path_factory.mktemp("rehearsal") / "course"
        return rehearse(ROOT, folder, request.param, print)


def test_the_solution_earns_every_automatic_point(rehearsed: Rehearsal) -> None:
    assert rehearsed.lost_by_solution() == []
    earned = sum(mark["points"] for mark in rehearsed.marks(SOLUTION).values())
    assert earned == AUTOMATIC[rehearsed.assignment]


def test_the_untouched_release_earns_nothing_and_is_told_why(rehearsed: Rehearsal) -> None:
    assert rehearsed.won_by_stubs() == []
    marks = rehearsed.marks(UNTOUCHED)
    assert marks.keys() == rehearsed.marks(SOLUTION).keys()
    assert all(mark["reason"] for mark in marks.values())


def test_the_gradebook_agrees(rehearsed: Rehearsal) -> None:
    with rehearsed.course.gradebook() as book:
        rows = {row["student"]: row for row in book.submission_dicts(rehearsed.assignment)}
    assert rows[UNTOUCHED]["score"] == 0
    assert rows[SOLUTION]["score"] == AUTOMATIC[rehearsed.assignment]
