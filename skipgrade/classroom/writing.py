"""Puts graded submissions into the course: gradebook, autograded/, record, logs. One process only.

The order makes every crash harmless: the old record goes first, then the grades come in one
transaction, then the notebook takes its place in one move, and the record is written last. What has
no record is graded again.
"""

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nbgrader.api import Gradebook
from sqlalchemy.exc import SQLAlchemyError

from skipgrade.classroom import rows
from skipgrade.classroom.course import Course
from skipgrade.classroom.errors import CourseError
from skipgrade.classroom.ledger import Ledger
from skipgrade.classroom.task import Graded
from skipgrade.judging.printable import printable_lines

TIMINGS_FILE = ".skipgrade-timings.jsonl"


class NotWrittenError(CourseError):
    """The course's own disk or database does not take what was graded."""


class Writer:
    def __init__(self, course: Course, assignment: str, book: Gradebook, ledger: Ledger) -> None:
        self.course, self.assignment = course, assignment
        self.engine, self.ledger = book.engine, ledger
        self.timings_file = course.root / TIMINGS_FILE

    def write(self, graded: Graded) -> None:
        """Keep one submission; nothing of it where it was not graded, but for the logs."""
        try:
            self._log(graded)
            if graded.rows is not None:
                self._keep(graded, graded.rows)
        except (OSError, SQLAlchemyError) as error:
            reason = str(error).splitlines()[0]
            raise NotWrittenError(
                f"{graded.student} was graded but could not be written to {self.course.root} "
                f"and its gradebook ({reason}). Is the disk full, or the database away?"
            ) from error

    def _keep(self, graded: Graded, graded_rows: rows.Rows) -> None:
        self.ledger.forget(graded.student)
        with self.engine.begin() as connection:
            rows.merge(connection, graded_rows)
        self._place(graded)
        self.ledger.remember(graded.student, graded.files, graded_rows)

    def _place(self, graded: Graded) -> None:
        target = self.course.folder("autograded", self.assignment, graded.student)
        if target.exists():
            shutil.rmtree(target)
        if graded.folder is not None:
            self._make_parents(target)
            shutil.move(graded.folder, target)

    def _make_parents(self, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        if self.course.directory().groupshared:  # as nbgrader does for the folders it makes
            for folder in (target.parent.parent, target.parent):
                folder.chmod((folder.stat().st_mode | 0o2770) & 0o2777)

    def _log(self, graded: Graded) -> None:
        with self.course.log_file.open("a", encoding="utf-8") as file:
            file.write(printable_lines(graded.log))
        line = {
            "time": datetime.now(UTC).isoformat(timespec="seconds"),
            "assignment": self.assignment,
            "student": graded.student,
            "seconds": round(graded.seconds, 3),
            "graded": graded.rows is not None,
            "failure": graded.failure,
            "worker": graded.worker,
            "cells": graded.cells,
        }
        with self.timings_file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


def latest_gradings(course: Course, assignment: str) -> dict[str, dict[str, Any]]:
    """By student, what the record says of the latest grading of each submission."""
    path = course.root / TIMINGS_FILE
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else ()
    entries = (json.loads(line) for line in lines)
    return {one["student"]: one for one in entries if one["assignment"] == assignment}
