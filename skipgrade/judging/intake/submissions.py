"""[grader] Submissions as nbgrader is to see them, with plain files alone.

nbgrader copies what lies next to a submitted notebook to autograded/ before any preprocessor runs,
and follows links on the way; it reads `timestamp.txt` even before that. It asks its course
directory where a submission lies: this one names, for a submission that holds more than plain
files, a copy without it. What was handed in stays as it is.
"""

from __future__ import annotations

import os
import tempfile
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nbgrader.coursedir import CourseDirectory
from nbgrader.utils import parse_utc

from skipgrade.judging.intake.plain_files import (
    LINK,
    Entry,
    copy_plain,
    entries,
    handed_in,
    printable,
)
from skipgrade.judging.intake.tidy import Wanted, tidy, wanted
from skipgrade.judging.intake.unpack import NotUnpackedError, unpack
from skipgrade.sandbox.folders import remove

TIMESTAMP = "timestamp.txt"
MOST_NAMED = 5
DEEPEST_ZIP = 3


@dataclass(frozen=True)
class Submission:
    """Where a submission is read, what in it is not and why, and what was repaired."""

    folder: Path
    odd: Mapping[Path, str] = field(default_factory=dict)
    repairs: Sequence[str] = ()

    def left_out(self, but_for: str) -> list[str]:
        """What is not read next to the notebook of that name, in words."""
        odd = [one for one in self.odd.items() if one[0] != Path(but_for)]
        told = [f"{printable(str(path))} {why}" for path, why in odd[:MOST_NAMED]]
        more = [f"{len(odd) - MOST_NAMED} more like these"] if len(odd) > MOST_NAMED else []
        return told + more


class PlainHandIns(CourseDirectory):
    """nbgrader's course directory, where every submission is one of plain files, well named."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._known: dict[Path, Submission] = {}
        self._wanted: dict[Path, Wanted] = {}
        self._scratch: Path | None = None

    @classmethod
    def of(cls, other: CourseDirectory, log: Any) -> PlainHandIns:
        """The same course, seen in this way; what is left out is told to `log`."""
        if isinstance(other, cls):
            return other
        settings = {name: getattr(other, name) for name in other.trait_names(config=True)}
        return cls(parent=other.parent, config=other.config, log=log, **settings)

    def format_path(
        self, nbgrader_step: str, student_id: str, assignment_id: str, escape: bool = False
    ) -> str:
        path: str = super().format_path(nbgrader_step, student_id, assignment_id, escape)
        if escape or nbgrader_step != self.submitted_directory or not os.path.lexists(path):
            return path
        return str(self.hand_in(student_id, assignment_id).folder)

    def place(self, student_id: str, assignment_id: str) -> Path:
        """Where the submission itself lies, with all that is in it."""
        return Path(super().format_path(self.submitted_directory, student_id, assignment_id))

    def hand_in(self, student_id: str, assignment_id: str) -> Submission:
        """The submission to read: it itself, or a copy of what is plain in it, well named."""
        place = self.place(student_id, assignment_id)
        if place not in self._known:
            self._forget()
            source = Path(self.format_path(self.source_directory, ".", assignment_id))
            self._known[place] = self._read(place, source)
            for told in self._known[place].left_out(but_for=""):
                self.log.warning("%s: %s; it is not read", student_id, told)
            for told in self._known[place].repairs:
                self.log.warning("%s: %s", student_id, told)
        return self._known[place]

    def notebooks(self, student: str, assignment: str) -> list[str]:
        """The notebooks of a submission, by the names they are read under."""
        place = self.place(student, assignment)
        asked = self._asked(Path(self.format_path(self.source_directory, ".", assignment)))
        there = {path.name for path in place.glob("*.ipynb")}
        if not asked.notebooks <= there:
            folder = self.hand_in(student, assignment).folder
            there = {path.name for path in folder.glob("*.ipynb")}
        return sorted(there)

    def _asked(self, source: Path) -> Wanted:
        if source not in self._wanted:
            self._wanted[source] = wanted(source)
        return self._wanted[source]

    def _forget(self) -> None:
        """Room is taken for one submission at a time: nbgrader takes one after the other."""
        for hand_in in self._known.values():
            if self._scratch is not None and self._scratch in hand_in.folder.parents:
                remove(hand_in.folder)
        self._known.clear()

    def _read(self, place: Path, source: Path) -> Submission:
        found = {entry.path: entry for entry in handed_in(place)}
        asked = self._asked(source)
        if packed := _packed(found):
            return self._read_packed(place, packed, found, asked)
        judged = ((path, self._odd(entry, place, source)) for path, entry in found.items())
        odd = {path: why for path, why in judged if why}
        plain = [path for path in found if path not in odd]
        tidied = tidy(plain, asked)
        if not odd and all(path == origin for path, origin in tidied.origins.items()):
            return Submission(place)
        copy = self._new_folder()
        for path, origin in tidied.origins.items():
            copy_plain(place / origin, copy / path)
        for path in odd:
            if path.suffix == ".ipynb" and len(path.parts) == 1:
                (copy / path).touch()  # it was handed in, though nobody will read it
        return Submission(copy, odd, tidied.told)

    def _read_packed(
        self, place: Path, packed: Path, found: Mapping[Path, Entry], asked: Wanted
    ) -> Submission:
        folder = self._new_folder()
        copy, unpacked = folder / "read", folder / "unpacked"
        copy.mkdir()
        try:
            inside = _unpacked(place / packed, unpacked)
        except NotUnpackedError as error:
            return Submission(copy, {packed: str(error)})
        tidied = tidy(inside, asked)
        for path, origin in tidied.origins.items():
            copy_plain(unpacked / origin, copy / path)
        for path, entry in found.items():
            if path != packed and not entry.odd and path not in tidied.origins:
                copy_plain(place / path, copy / path)
        remove(unpacked)
        return Submission(copy, {}, [f"{printable(packed.name)} was unpacked", *tidied.told])

    def _odd(self, entry: Entry, place: Path, source: Path) -> str:
        """Why an entry is not read: it is not plain, or nbgrader would stumble over it."""
        if entry.odd:
            return entry.odd
        if entry.status.st_nlink > 1 and _identity(entry.status) in self._own(source):
            return LINK
        if entry.path == Path(TIMESTAMP) and not _holds_time(place / entry.path):
            return "does not hold a time"
        above = [source / parent for parent in entry.path.parents]
        if (source / entry.path).is_dir() or any(path.is_file() for path in above):
            return "stands where a file of the assignment belongs"
        return ""

    def _own(self, source: Path) -> set[tuple[int, int]]:
        """The files a submission must not be another name of: the sources, and those in the root.

        Two submissions may share a file: which of the two students it belongs to nobody can tell,
        and tools that save room by linking equal files are honest.
        """
        own = {_identity(path.lstat()) for path in Path(self.root).iterdir() if path.is_file()}
        if source.parent.is_dir():
            own |= {_identity(entry.status) for entry in entries(source.parent)}
        return own

    def _new_folder(self) -> Path:
        if self._scratch is None:
            self._scratch = Path(tempfile.mkdtemp(prefix="skipgrade-intake-"))
            weakref.finalize(self, remove, self._scratch)
        return Path(tempfile.mkdtemp(dir=self._scratch))


def _packed(found: Mapping[Path, Entry]) -> Path | None:
    """The zip file that holds everything, where no notebook lies next to it."""
    if any(path.suffix.lower() == ".ipynb" for path in found):
        return None
    zips = [
        path for path, entry in found.items() if path.suffix.lower() == ".zip" and not entry.odd
    ]
    return zips[0] if len(zips) == 1 else None


def _unpacked(archive: Path, folder: Path) -> set[Path]:
    """What a zip file holds, put into a folder; platforms pack a student's own zip again."""
    for _ in range(DEEPEST_ZIP):
        unpack(archive, folder)
        inside = {entry.path: entry for entry in handed_in(folder) if not entry.odd}
        if not (again := _packed(inside)):
            break
        archive = folder / again
    return set(inside)


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


def _holds_time(path: Path) -> bool:
    try:
        text = path.read_text(encoding="utf-8").strip()
        return not text or parse_utc(text) is not None
    except (ValueError, OverflowError):
        return False
