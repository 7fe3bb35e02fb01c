"""What a person wrote into the gradebook survives grading, exactly as with the stock command."""

import glob
import shutil
from pathlib import Path

import pytest
from nbgrader.converters import Autograde
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from skipgrade.classroom import grading, rows
from skipgrade.classroom.course import Course

from .conftest import ASSIGNMENT
from .gradebooks import content, grade_by_hand


def quiet(text: str) -> None:
    """Progress nobody reads."""


def hand_in_again(course: Course, student: str, late: str = "") -> None:
    folder = course.folder("submitted", ASSIGNMENT, student)
    path = folder / f"{ASSIGNMENT}.ipynb"
    path.write_text(path.read_text().replace("x ** 3", "2 * x").replace("Why?", "Because."))
    if late:
        (folder / "timestamp.txt").write_text(late)


@pytest.mark.parametrize("late", ["", "2026-01-03 12:00:00 UTC"])
def test_grading_again_after_a_person_is_stock_autograde(
    finished: Course, tmp_path: Path, late: str
) -> None:
    """Points, extra credit and words stay; who must look again is nbgrader's decision."""
    with finished.gradebook() as book:
        book.update_or_create_assignment(ASSIGNMENT, duedate="2026-01-02 12:00:00 UTC")
    grade_by_hand(finished, "wrong")
    hand_in_again(finished, "wrong", late)
    stock = Course(shutil.copytree(finished.root, tmp_path / "stock"))
    for course in (finished, stock):
        course.config.LateSubmissionPlugin.penalty_method = "zero"
    stock.run(Autograde, ASSIGNMENT, glob.escape("wrong"))
    (outcome,) = grading.grade(finished, ASSIGNMENT, ["wrong"], quiet)
    assert outcome.fresh
    assert content(finished) == content(stock)

    said = content(finished)
    grade = said["wrong", ASSIGNMENT, "double-test", "grade"]
    assert grade == {
        "auto_score": 3.0,
        "manual_score": 1.5,
        "extra_credit": 0.25,
        "needs_manual_grade": True,
    }
    assert said["wrong", ASSIGNMENT, "why", "comment"]["manual_comment"] == "Well put."
    assert said["wrong", ASSIGNMENT]["penalty"] == (3.75 if late else None)


def test_person_who_grades_meanwhile_is_not_overwritten(
    finished: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    merge = rows.merge

    def merge_late(connection: Connection, graded: rows.Rows) -> None:
        grade_by_hand(finished, "right")
        merge(connection, graded)

    monkeypatch.setattr(rows, "merge", merge_late)
    grading.grade(finished, ASSIGNMENT, ["right"], quiet, force=True)
    said = content(finished)["right", ASSIGNMENT, "double-test", "grade"]
    assert said["manual_score"] == 1.5
    assert said["auto_score"] == 3.0
    assert said["needs_manual_grade"]


def test_submission_made_meanwhile_keeps_its_ids(
    finished: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = content(finished)
    merge = rows.merge

    def merge_late(connection: Connection, graded: rows.Rows) -> None:
        with finished.gradebook() as book:
            book.update_or_create_student("right")
            book.update_or_create_submission(ASSIGNMENT, "right")
        merge(connection, graded)

    with finished.gradebook() as book:
        book.remove_submission(ASSIGNMENT, "right")
    monkeypatch.setattr(rows, "merge", merge_late)
    grading.grade(finished, ASSIGNMENT, ["right"], quiet)
    assert content(finished) == before


def test_a_submission_is_one_transaction(finished: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the gradebook fails in the middle, is nothing of the submission in it?"""
    before = content(finished)
    path = finished.folder("submitted", ASSIGNMENT, "wrong") / f"{ASSIGNMENT}.ipynb"
    whole = path.read_text()
    path.write_text(whole.replace("x ** 3", "2 * x").replace("Why?", "Because."))
    written = rows._written

    def fail_at_comments(name: str, *arguments: object) -> rows.Row:
        if name == "comment":
            raise OperationalError("UPDATE comment", {}, Exception("database or disk is full"))
        return written(name, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(rows, "_written", fail_at_comments)
    with pytest.raises(
        grading.GradingStoppedError, match=r"disk is full.*0 graded and saved, 1 not graded yet"
    ):
        grading.grade(finished, ASSIGNMENT, say=quiet)
    assert content(finished) == before
    monkeypatch.undo()
    grading.grade(finished, ASSIGNMENT, say=quiet)
    assert content(finished)["wrong",]["score"] == 3
