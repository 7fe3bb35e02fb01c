"""One submission, graded by nbgrader's own Autograde into a gradebook of its own.

This is what a worker runs. It touches nothing that another worker or the course's gradebook
reads: the notebook is written below a place of its own, the grades come back as plain rows.
"""

import contextlib
import errno
import glob
import os
import platform
import re
import shutil
import tempfile
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import nbformat
from nbgrader.api import Gradebook
from sqlalchemy import create_engine

from skipgrade.classroom import grounds, handin, rows
from skipgrade.classroom.course import CONFIG_FILE, Course, as_nbgrader_means_it
from skipgrade.classroom.errors import ConversionError, CourseError
from skipgrade.classroom.grounds import Grounds
from skipgrade.classroom.ledger import Files, fingerprint
from skipgrade.classroom.record import Seconds, Told, verdicts_in
from skipgrade.classroom.rows import Rows
from skipgrade.classroom.scratch_database import scratch_url
from skipgrade.judging.grader.matching import grade_id
from skipgrade.judging.intake.exporter import AutogradeOne

ATTEMPTS = 2
DIED = f"not graded: its worker died {ATTEMPTS} times while grading it (out of memory?)"
LOG_LIMIT = 200_000
LEAST_FREE = 256 * 2**20
PASSED_ON = "SKIPGRADE_"

_one_at_a_time = threading.Lock()  # nbgrader changes the process's working folder


@dataclass(frozen=True)
class GradingJob:
    """What a worker needs to know; every path lies on a file system it shares with us."""

    root: str
    assignment: str
    student: str
    notebooks: list[str]
    place: str
    seed: str
    before: Rows
    environment: dict[str, str]


@dataclass(frozen=True)
class Graded:
    """What became of one submission. Without `rows` nothing is to be recorded."""

    student: str
    seconds: float = 0.0
    failure: str | None = None
    rows: Rows | None = None
    folder: Path | None = None
    files: Files = field(default_factory=dict)
    cells: Seconds = field(default_factory=dict)
    verdicts: dict[str, Told] = field(default_factory=dict)
    grounds: Grounds = field(default_factory=dict)  # as far as a worker knows them
    log: str = ""
    worker: str = ""


def grade_here(job: GradingJob, course: Course | None = None) -> Graded:
    """Grade one submission; whatever goes wrong is told in what comes back."""
    started = time.monotonic()
    try:
        with _one_at_a_time, _environment(job.environment):
            return _grade(course or _course_at(Path(job.root)), job)
    except Exception as error:
        told = (str(error).splitlines() or [""])[0]
        return Graded(
            job.student,
            time.monotonic() - started,
            f"not graded: {type(error).__name__}: {told}",
            log=traceback.format_exc(),
            worker=platform.node(),
        )


def _grade(course: Course, job: GradingJob) -> Graded:
    began, started = datetime.now(UTC), time.monotonic()
    place = _begin_attempt(Path(job.place))
    if place is None:
        return Graded(job.student, failure=DIED, worker=platform.node())
    hand_in = course.folder("submitted", job.assignment, job.student)
    files = fingerprint(hand_in)
    failure = handin.problem(course, job.assignment, job.student, job.notebooks)
    with tempfile.TemporaryDirectory(prefix="skipgrade-grading-") as scratch:
        _demand_room(place, Path(scratch))
        gradebook = _private_gradebook(Path(scratch), job)
        log = Path(scratch, "log")
        graded: Rows | None = None
        try:
            _autograde(course, job, place, scratch_url(gradebook), log)
        except ConversionError as error:
            if failure is None:
                failure = f"not graded: {_cause(error)}"
            else:
                graded = _zero(gradebook, job)
        else:
            graded = _read(gradebook, job)
        _demand_room(place, Path(scratch))
        text = log.read_text(encoding="utf-8", errors="replace") if log.is_file() else ""
    folder = Path(course.directory().format_path(str(place), job.student, job.assignment))
    return Graded(
        job.student,
        time.monotonic() - started,
        failure,
        graded,
        folder if graded and folder.is_dir() else None,
        files,
        _seconds(folder, began),
        verdicts_in(folder) if graded else {},
        grounds.of_hand_in(folder, files),
        text[-LOG_LIMIT:],
        platform.node(),
    )


def _cause(error: ConversionError) -> str:
    """Why nbgrader gave up, without the names Python has for that."""
    return re.sub(r"^(?:\w+\.)*(?:(?:JudgeError|SourceError): |(?=\w+: ))", "", str(error))


def _autograde(course: Course, job: GradingJob, place: Path, gradebook: str, log: Path) -> None:
    student = glob.escape(job.student)
    directory = course.directory(
        job.assignment,
        student,
        db_url=gradebook,
        autograded_directory=str(place.relative_to(course.root)),
    )
    course.run(AutogradeOne, job.assignment, student, directory, log)


def _begin_attempt(place: Path) -> Path | None:
    """A folder for this attempt; None where as many as are allowed have been begun before."""
    if not place.is_dir():
        raise CourseError(
            f"{platform.node()} does not see {place}: the course must lie on a file system "
            "that all workers share."
        )
    for number in range(1, ATTEMPTS + 1):
        attempt = place / str(number)
        with contextlib.suppress(FileExistsError):
            attempt.mkdir()
            return attempt
    return None


def _demand_room(*folders: Path) -> None:
    """A student's code that finds the disk full fails, and would be marked down for it."""
    for folder in folders:
        free = shutil.disk_usage(folder).free
        if free < LEAST_FREE:
            raise OSError(errno.ENOSPC, f"only {free / 2**20:.0f} MB are free", str(folder))


def _private_gradebook(scratch: Path, job: GradingJob) -> Path:
    path = scratch / "gradebook.db"
    shutil.copy(job.seed, path)
    engine = create_engine(scratch_url(path))
    with engine.begin() as connection:
        rows.add(connection, job.before)
    engine.dispose()
    return path


def _zero(gradebook: Path, job: GradingJob) -> Rows:
    with Gradebook(scratch_url(gradebook)) as book, as_nbgrader_means_it():
        record_zero(book, job.assignment, job.student)
    return _read(gradebook, job)


def record_zero(book: Gradebook, assignment: str, student: str) -> None:
    """What nbgrader itself records for a file that was not handed in."""
    book.update_or_create_student(student)
    submission = book.update_or_create_submission(assignment, student)
    for notebook in submission.notebooks:
        for entry in notebook.grades:
            entry.auto_score = 0
            entry.needs_manual_grade = False
    book.db.commit()


def _read(gradebook: Path, job: GradingJob) -> Rows:
    engine = create_engine(scratch_url(gradebook))
    with engine.connect() as connection:
        found = rows.submission(connection, job.assignment, job.student)
    engine.dispose()
    return found


def _seconds(folder: Path, began: datetime) -> Seconds:
    """How long each cell ran and was judged; times from before we began are not ours."""
    found: Seconds = {}
    for path in sorted(folder.glob("*.ipynb")):
        cells = found.setdefault(path.stem, {})
        for number, cell in enumerate(nbformat.read(path, as_version=4).cells, start=1):
            times = cell.metadata.get("execution")
            if not isinstance(times, dict):
                continue
            first = _moment(times.get("iopub.status.busy"))
            last = _moment(times.get("shell.execute_reply"))
            if first and last and began <= first <= last:
                name = grade_id(cell) or cell.get("id") or f"cell {number}"
                judged = cell.metadata.get("skipgrade", {}).get("seconds", 0.0)
                cells[name] = round((last - first).total_seconds() + judged, 3)
    return found


def _moment(text: object) -> datetime | None:
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


_courses: dict[Path, tuple[float, Course]] = {}


def _course_at(root: Path) -> Course:
    """The course in that folder, read once for as long as its configuration stays the same."""
    config = root / CONFIG_FILE
    stamp = config.stat().st_mtime if config.is_file() else 0.0
    if root not in _courses or _courses[root][0] != stamp:
        _courses[root] = stamp, Course(root)
    return _courses[root][1]


@contextmanager
def _environment(settings: dict[str, str]) -> Iterator[None]:
    """The grader's settings (which data set, where it lies), as where the run was started."""
    before = {name: value for name, value in os.environ.items() if name.startswith(PASSED_ON)}
    _replace_settings(settings)
    try:
        yield
    finally:
        _replace_settings(before)


def _replace_settings(settings: dict[str, str]) -> None:
    for name in [name for name in os.environ if name.startswith(PASSED_ON)]:
        del os.environ[name]
    os.environ.update(settings)


def own_settings() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.startswith(PASSED_ON)}
