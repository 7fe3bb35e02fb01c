"""Puts graded submissions into the course: gradebook, autograded/, record, logs. One process only.

The order makes every crash harmless: the old record goes first, then the grades come in one
transaction, then the notebook takes its place in one move, and the record is written last. What has
no record is graded again. In the record of gradings (`record`) it then stands twice.
"""

import shutil
from datetime import UTC, datetime
from pathlib import Path

from nbgrader.api import Gradebook
from sqlalchemy.exc import SQLAlchemyError

from skipgrade.classroom import grounds, rows
from skipgrade.classroom.course import Course
from skipgrade.classroom.errors import CourseError
from skipgrade.classroom.ledger import Ledger
from skipgrade.classroom.record import Grading, Record
from skipgrade.classroom.task import Graded
from skipgrade.judging.printable import printable_lines


class NotWrittenError(CourseError):
    """The course's own disk or database does not take what was graded."""


class Writer:
    def __init__(self, course: Course, assignment: str, book: Gradebook, ledger: Ledger) -> None:
        self.course, self.assignment = course, assignment
        self.engine, self.ledger = book.engine, ledger
        self.record = Record(course.root, assignment)
        self.grounds = grounds.of_course(course, assignment)
        self.near = grounds.near_tests(course, assignment)

    def write(self, graded: Graded) -> None:
        """Keep one submission; nothing of it where it was not graded, except for the logs."""
        try:
            self._log(graded)
            if graded.rows is not None:
                self._keep(graded, graded.rows)
            else:
                self.record.add(self._grading(graded))
        except (OSError, SQLAlchemyError) as error:
            reason = str(error).splitlines()[0]
            raise NotWrittenError(
                f"{graded.student} was graded but could not be written to {self.course.root} "
                f"and its gradebook ({reason}). Is the disk full, or the database unreachable?"
            ) from error

    def _keep(self, graded: Graded, graded_rows: rows.Rows) -> None:
        self.ledger.forget(graded.student)
        with self.engine.begin() as connection:
            rows.merge(connection, graded_rows)
        self._place(graded)
        self.record.add(self._grading(graded))
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

    def _grading(self, graded: Graded) -> Grading:
        files = graded.grounds.get("files", {})
        course = self.grounds["course"] | grounds.of_key(self.course)
        return Grading(
            time=datetime.now(UTC).isoformat(timespec="seconds"),
            student=graded.student,
            seconds=round(graded.seconds, 3),
            graded=graded.rows is not None,
            failure=graded.failure,
            worker=graded.worker,
            cells=graded.cells,
            verdicts=graded.verdicts,
            grounds=self.grounds | graded.grounds | {"course": course},
            near={
                test: [*answers, *grounds.files_named(files, quoted)]
                for test, (answers, quoted) in self.near.items()
            },
        )
