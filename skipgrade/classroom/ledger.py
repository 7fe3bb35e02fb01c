"""Which submissions are graded to the end: a record is written last, and says what it records.

`.skipgrade/graded/ASSIGNMENT/STUDENT.json` in the course holds the files that were graded, what
they were graded against, and the scores that went into the gradebook. A submission is finished
while all three are still so. Anything else is graded again.
"""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat

from skipgrade.classroom.course import Course
from skipgrade.classroom.errors import CourseError
from skipgrade.classroom.leftovers import leftovers
from skipgrade.classroom.rows import Rows, scores
from skipgrade.judging.intake.plain_files import Entry, entries, handed_in, open_plain

FOLDER = ".skipgrade"
Files = dict[str, list[Any]]


class Ledger:
    """The records of one assignment."""

    def __init__(self, course: Course, assignment: str) -> None:
        self.course, self.assignment = course, assignment
        self.folder = course.root / FOLDER / "graded" / assignment
        self.against = _graded_against(course, assignment)

    def finished(self, student: str, in_gradebook: Rows) -> bool:
        """Whether this submission is graded to the end, and unchanged since."""
        record = self._read(student)
        if record is None or record["against"] != self.against:
            return False
        if record["scores"] != scores(in_gradebook):
            return False
        graded = self.course.folder("autograded", self.assignment, student)
        if not all((graded / name).is_file() for name in record["notebooks"]):
            return False
        return unchanged(self.course.folder("submitted", self.assignment, student), record["files"])

    def outdated(self, student: str) -> str | None:
        """What has changed since this submission was graded, where there is a record of that."""
        record = self._read(student)
        if record is None:
            return None
        graded = self.course.folder("autograded", self.assignment, student)
        recorded = self._path(student).stat().st_mtime_ns
        if any(path.stat().st_mtime_ns > recorded for path in graded.glob("*.ipynb")):
            return None  # graded again by nbgrader's own command, which keeps no records
        if not unchanged(
            self.course.folder("submitted", self.assignment, student), record["files"]
        ):
            return "resubmitted since: this is the score of the earlier submission"
        if record["against"] != self.against:
            return "the assignment has changed since: this is the score for its earlier version"
        return None

    def forget(self, student: str) -> None:
        self._path(student).unlink(missing_ok=True)

    def remember(self, student: str, files: Files, rows: Rows) -> None:
        """To be called last, when grade and notebook are where they belong."""
        graded = self.course.folder("autograded", self.assignment, student)
        record = {
            "against": self.against,
            "files": files,
            "scores": scores(rows),
            "notebooks": sorted(path.name for path in graded.glob("*.ipynb")),
        }
        path = self._path(student)
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".new")
        draft.write_text(json.dumps(record))
        draft.replace(path)

    def _path(self, student: str) -> Path:
        return self.folder / f"{student}.json"

    def _read(self, student: str) -> dict[str, Any] | None:
        path = self._path(student)
        if not path.is_file():
            return None
        try:
            return dict(json.loads(path.read_text()))
        except ValueError as error:
            raise CourseError(f"{path} is damaged ({error}). Delete it and run again.") from error


def fingerprint(folder: Path) -> Files:
    """Size, time and content of every file of a submission."""
    return {
        str(entry.path): [entry.status.st_size, entry.status.st_mtime_ns, _digest(folder, entry)]
        for entry in _hand_in(folder)
    }


def unchanged(folder: Path, before: Files) -> bool:
    """Whether a submission is still the same; files are read only where their time is another."""
    now = {str(entry.path): entry for entry in _hand_in(folder)}
    if now.keys() != before.keys():
        return False
    for name, entry in now.items():
        size, time, digest = before[name]
        if entry.status.st_size != size:
            return False
        if entry.status.st_mtime_ns != time and _digest(folder, entry) != digest:
            return False
    return True


def _hand_in(folder: Path) -> Iterator[Entry]:
    return handed_in(folder) if folder.is_symlink() or folder.exists() else iter(())


def _digest(folder: Path, entry: Entry) -> str:
    """What a file holds; for what is not read when it is graded, why."""
    path = folder / entry.path
    if entry.odd:
        return f"{entry.odd}: {path.readlink()}" if path.is_symlink() else entry.odd
    with open_plain(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _graded_against(course: Course, assignment: str) -> str:
    """The source and released notebooks (without outputs) and the files next to the sources."""
    source = course.folder("source", assignment)
    digest = hashlib.sha256()
    for folder in (source, course.folder("release", assignment)):
        for path in sorted(folder.glob("*.ipynb")):
            digest.update(f"\n{path.name}\n{_cells(path)}".encode())
    for name, content in files_beside(source).items():
        digest.update(f"\n{name}\n{content}".encode())
    return digest.hexdigest()


def files_beside(source: Path) -> dict[str, str]:
    """What the files next to source notebooks hold, except for leftovers and hidden ones."""
    held_back = set(leftovers(source))
    return {
        str(entry.path): _digest(source, entry)
        for entry in entries(source)
        if entry.path.suffix != ".ipynb"
        and source / entry.path not in held_back
        and not _hidden(entry.path)
    }


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") or part == "__pycache__" for part in path.parts)


def _cells(path: Path) -> str:
    try:
        cells = nbformat.read(path, as_version=4).cells
    except Exception as error:
        raise CourseError(f"{path} cannot be read as a notebook: {error}") from error
    told = [
        [cell.cell_type, cell.source, cell.metadata.get("nbgrader"), cell.metadata.get("tags")]
        for cell in cells
    ]
    return json.dumps(told, sort_keys=True)
