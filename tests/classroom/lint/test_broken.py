"""Is each way to break a source notebook found before a student meets it?"""

from __future__ import annotations

import pytest

from skipgrade import cli
from skipgrade.classroom import lint, release
from skipgrade.classroom.course import Course
from skipgrade.classroom.errors import CourseError
from tests.classroom.conftest import ASSIGNMENT, submit
from tests.classroom.lint.breaks import BROKEN
from tests.classroom.lint.notebook import (
    FILE,
    RUN_TEST,
    SETUP,
    Break,
    found,
    marks,
    sound,
    text,
    write,
)


@pytest.mark.parametrize(("broken", "where", "told"), BROKEN.values(), ids=BROKEN)
def test_it_is_found_and_stops_the_release(
    course: Course, broken: Break, where: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    notebook = sound()
    broken(notebook)
    write(course.root, notebook)
    places = [one for one in found(course) if told in one]
    assert places, found(course)
    assert all(FILE in one and where in one.split(": ")[0] for one in places)
    command = ["--course", str(course.root)]
    assert cli.main([*command, "lint"]) == cli.main([*command, "release"]) == 1
    said = capsys.readouterr()
    assert told in said.out
    assert any(told in line and line.startswith(f"  {FILE}") for line in said.err.splitlines())
    assert "Traceback" not in said.out + said.err
    assert not (course.root / "release").exists()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"nothing", f"{FILE}, line 1: is not a notebook: it is not JSON. Restore it"),
        (b'{"cells": [\n<<<<<<< HEAD', f"{FILE}, line 2: is not a notebook"),
        (b"", f"{FILE}, line 1: is not a notebook"),
        (b"[" * 100_000, f"{FILE}: is not a notebook"),
        (b"\xff\xfe", f"{FILE}: is not in UTF-8"),
        (b"[]", f"{FILE}: is JSON, but not a notebook"),
    ],
    ids=["text", "a conflict of git's", "empty", "deep", "UTF-16", "a list"],
)
def test_what_is_no_notebook_is_named(
    course: Course, content: bytes, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (course.root / "source" / FILE).write_bytes(content)
    assert cli.main(["--course", str(course.root), "lint", ASSIGNMENT]) == 1
    said = capsys.readouterr()
    assert told in said.out
    assert "Traceback" not in said.out + said.err


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda notebook: notebook["cells"].pop(RUN_TEST), "no cell has that name (grade_id) now"),
        (marks(RUN_TEST, "grade_id", "running-test"), "no cell has that name (grade_id) now"),
        (marks(RUN_TEST, "solution", True), "was released as a test, and is a graded answer now"),
    ],
    ids=["gone", "another name", "another kind"],
)
def test_what_was_released_and_is_gone_breaks_submissions(
    course: Course, change: Break, told: str
) -> None:
    release.generate(course, [ASSIGNMENT], lambda _: None)
    notebook = sound()
    change(notebook)
    write(course.root, notebook)
    (note,) = (one for one in lint.examine(course, ASSIGNMENT) if told in one.wrong)
    assert note.note
    assert (note.cell, "no student has the notebook yet" in note.fix) == ("run-test", True)
    for student in ("ada", "bob"):
        submit(course, student)
    (fault,) = (one for one in lint.examine(course, ASSIGNMENT) if told in one.wrong)
    assert not fault.note
    assert "the 2 submission(s) under submitted/ cannot be graded with it" in fault.wrong
    with pytest.raises(CourseError, match="cell run-test: was released as"):
        release.generate(course, [ASSIGNMENT], lambda _: None)


def test_the_courses_secret_is_not_quoted(course: Course) -> None:
    (course.root / "holdout.key").write_text("0123456789abcdef\n")
    notebook = sound()
    text(SETUP, "ONE = 1", "ONE = 0x0123456789abcdef")(notebook)
    write(course.root, notebook)
    assert any("cell setup: holds the course's secret" in one for one in found(course))
