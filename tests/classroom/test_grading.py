"""Does the class finish, and does every score come with its reason?"""

import html
import re
from pathlib import Path

import nbformat
import pytest

from skipgrade.classroom import feedback, grading, report
from skipgrade.classroom.course import Course
from skipgrade.classroom.errors import CourseError
from skipgrade.sandbox import confinement

from .conftest import ASSIGNMENT, submit


def without_tags(page: Path) -> str:
    return html.unescape(re.sub(r"<[^>]+>", "", page.read_text()))


def quiet(text: str) -> None:
    """Progress nobody reads."""


@pytest.fixture
def graded(released: Course) -> Course:
    """Right, wrong, unreadable, wrongly named, and a test cell deleted."""
    submit(released, "right", "x + x")
    submit(released, "wrong", "x ** 2 + 1")
    submit(released, "not-json", "2 * x").write_text('{"cells": [')
    submit(released, "renamed", "2 * x").rename(
        released.root / "submitted" / "renamed" / ASSIGNMENT / "mine.ipynb"
    )
    path = submit(released, "deleted", "2 * x")
    notebook = nbformat.read(path, as_version=nbformat.NO_CONVERT)
    notebook.cells = [
        cell
        for cell in notebook.cells
        if cell.metadata.get("nbgrader", {}).get("grade_id") != "double-test"
    ]
    nbformat.write(notebook, path)
    grading.grade(released, ASSIGNMENT, say=quiet)
    return released


def test_class_finishes_and_reasons_are_told(graded: Course) -> None:
    table = {row.student: row for row in report.rows(graded, ASSIGNMENT)}
    assert {name: row.score for name, row in table.items()} == {
        "right": 3,
        "wrong": 0,
        "not-json": 0,
        "renamed": 0,
        "deleted": 0,
    }
    assert {row.max_score for row in table.values()} == {3}
    assert table["right"].losses == []
    assert "AssertionError" in table["wrong"].losses[0].reason
    assert table["deleted"].losses[0].reason == "the cell is missing from the notebook"
    assert "no valid JSON" in str(table["not-json"].problem)
    assert "line 1" in str(table["not-json"].problem)
    assert "there is: mine.ipynb" in str(table["renamed"].problem)

    text = "\n".join(report.lines(list(table.values())))
    assert next(line for line in text.splitlines() if line.startswith("right")).split()[1:4] == [
        "3",
        "/",
        "3",
    ]

    pages = feedback.generate(graded, ASSIGNMENT, quiet)
    assert sorted(pages) == ["deleted", "not-json", "renamed", "right", "wrong"]
    texts = {student: without_tags(page) for student, page in pages.items()}
    assert "no valid JSON" in texts["not-json"]
    assert "return x ** 2 + 1" in texts["wrong"]


def test_outcome_says_who_failed(released: Course) -> None:
    submit(released, "a-good-one", "2 * x")
    submit(released, "b-bad-one").write_text("")
    said: list[str] = []
    outcomes = grading.grade(released, ASSIGNMENT, say=said.append)
    assert [(one.student, one.failure is None) for one in outcomes] == [
        ("a-good-one", True),
        ("b-bad-one", False),
    ]
    assert any("[1/2] a-good-one" in line for line in said)


def test_trouble_that_is_not_the_students_is_no_zero(released: Course) -> None:
    """Where the course is at fault, is the student left ungraded rather than at zero?"""
    submit(released, "right", "2 * x")
    released.config.Autograde.autograde_preprocessors = ["no.such.Preprocessor"]
    (outcome,) = grading.grade(released, ASSIGNMENT, say=quiet)
    assert not outcome.scored
    assert "no" in str(outcome.failure)
    (row,) = report.rows(released, ASSIGNMENT)
    assert str(row.problem).startswith("not graded")


def test_only_the_student_asked_for_is_graded(released: Course) -> None:
    submit(released, "one", "2 * x")
    submit(released, "two", "2 * x")
    (outcome,) = grading.grade(released, ASSIGNMENT, ["two"], quiet)
    assert outcome.student == "two"
    assert not released.folder("autograded", ASSIGNMENT, "one").exists()


def test_grading_again_reads_the_new_hand_in(released: Course) -> None:
    path = submit(released, "one", "0")
    grading.grade(released, ASSIGNMENT, say=quiet)
    path.write_text(path.read_text().replace("return 0", "return x * 2"))
    grading.grade(released, ASSIGNMENT, say=quiet)
    (row,) = report.rows(released, ASSIGNMENT)
    assert row.score == 3


def test_unknown_student_is_an_error_that_names_the_folder(released: Course) -> None:
    with pytest.raises(CourseError, match=f"nobody.*submitted/STUDENT/{ASSIGNMENT}"):
        grading.grade(released, ASSIGNMENT, ["nobody"], quiet)


def test_unreleased_assignment_is_an_error_that_names_the_command(course: Course) -> None:
    with pytest.raises(CourseError, match=f"nbgrader generate_assignment {ASSIGNMENT}"):
        grading.grade(course, ASSIGNMENT, say=quiet)


def test_a_machine_that_cannot_confine_is_told_of_at_once(
    released: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once, not for each student; and not where the course accepts what is missing."""
    submit(released, "one", "2 * x")
    monkeypatch.setattr(confinement, "files_kept_by", lambda: "")
    with pytest.raises(CourseError, match=r"Missing: files: .*accept_missing = \['files'\]"):
        grading.grade(released, ASSIGNMENT, say=quiet)
    released.config.SandboxProvisioner.accept_missing = ["files"]
    (outcome,) = grading.grade(released, ASSIGNMENT, say=quiet)
    assert outcome.score == 3
