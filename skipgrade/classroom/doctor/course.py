"""The course in this folder: its configuration, data, address and gradebook."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from skipgrade.classroom.doctor.finding import Finding, State, looked_at

if TYPE_CHECKING:
    from skipgrade.classroom.course import Course

PART = "course"
ELSEWHERE = "Run this in the course's folder, or name that with --course."

finding = partial(Finding, PART)


def examine(folder: Path) -> Iterator[Finding]:
    from skipgrade.classroom.course import CONFIG_FILE, Course

    if not (folder / CONFIG_FILE).is_file():
        yield finding("folder", State.NOTE, f"{folder} is not a course", ELSEWHERE)
        return
    course = Course(folder)
    yield _assignments(course)
    yield from _accepted(course)
    yield from looked_at(PART, _data)
    yield from _address(course)
    yield _gradebook(course)


def _assignments(course: Course) -> Finding:
    if names := course.assignments():
        return finding("folder", State.OK, f"{course.root}, {len(names)} assignment(s)")
    where = course.folder("source", "*").parent
    return finding("folder", State.NOTE, f"{course.root}, no assignment in {where}")


def _accepted(course: Course) -> Iterator[Finding]:
    from skipgrade.classroom.protection import accepted_missing

    if accepted := accepted_missing(course):
        told = f"nbgrader_config.py accepts running submissions without: {', '.join(accepted)}"
        fix = "Take c.SandboxProvisioner.accept_missing out before you grade a class."
        yield finding("accepted", State.NOTE, told, fix)


def _data() -> Iterator[Finding]:
    from skipgrade.judging.grader.preload import DATA_SETS
    from skipgrade.lab import data

    if data.source() == "builtin":
        told = "the drawn images (SKIPGRADE_DATASET=builtin): for tries, not for a class"
        yield finding("data", State.NOTE, told)
        return
    from skipgrade.lab import official

    root = data.folder().resolve()
    where = "SKIPGRADE_DATA" if os.environ.get("SKIPGRADE_DATA") else "SKIPGRADE_DATA is not set"
    for name in DATA_SETS:
        bad = {file for split in ("train", "test") for file in official.unusable(name, split, root)}
        if bad:
            told = f"not in {root} ({where}): {min(bad)}"
            fix = "Set SKIPGRADE_DATA to the folder of the official files; or they are downloaded."
            yield finding(name, State.NOTE, told, fix)
        else:
            yield finding(name, State.OK, f"in {root} ({where})")


def _address(course: Course) -> Iterator[Finding]:
    from skipgrade.classroom.colab import EXAMPLE, ColabHeader

    repository = ColabHeader(config=course.config).repository
    readme = course.folder("release", "*").parent / "README.md"
    if repository in ("", EXAMPLE):
        told = f"of the release: still the example, {EXAMPLE}"
        fix = "Set c.ColabHeader.repository in nbgrader_config.py, then `make release`."
        yield finding("address", State.NOTE, told, fix)
    elif readme.is_file() and repository not in readme.read_text(encoding="utf-8"):
        told = f"of the release: {repository}, but release/ names another"
        yield finding("address", State.NOTE, told, "Run `make release`.")
    else:
        yield finding("address", State.OK, f"of the release: {repository}")


def _gradebook(course: Course) -> Finding:
    """Looked at without being made: nbgrader makes one as soon as it opens it."""
    from nbgrader.api import Assignment, Student, SubmittedAssignment
    from sqlalchemy import create_engine, func, inspect, select
    from sqlalchemy.engine import make_url

    address = make_url(course.directory().db_url)
    shown = address.render_as_string(hide_password=True)
    file = Path(address.database or "") if address.drivername.startswith("sqlite") else None
    if file and not file.exists():
        return finding("gradebook", State.OK, f"{shown}: none yet, the first release makes it")
    if file and not os.access(file, os.W_OK):
        return finding(
            "gradebook", State.FIX, f"{shown}: cannot be written to", "Change its rights."
        )
    engine = create_engine(address)
    try:
        with engine.connect() as connection:
            if not inspect(connection).has_table(Student.__tablename__):
                return finding("gradebook", State.OK, f"{shown}: empty")
            assignments, students, submissions = (
                connection.scalar(select(func.count()).select_from(table))
                for table in (Assignment, Student, SubmittedAssignment)
            )
    except Exception as error:  # of whatever driver
        told = f"{shown} does not open: {str(error).splitlines()[0]}"
        fix = "Is c.CourseDirectory.db_url in nbgrader_config.py right, and the server up?"
        return finding("gradebook", State.FIX, told, fix)
    finally:
        engine.dispose()
    counted = f"{assignments} assignment(s), {students} student(s), {submissions} submission(s)"
    return finding("gradebook", State.OK, f"{shown}: {counted}")
