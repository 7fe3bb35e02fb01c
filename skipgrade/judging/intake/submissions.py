"""[grader] Hand-ins as nbgrader is to see them, with plain files alone.

nbgrader copies what lies beside a submitted notebook to autograded/ before any preprocessor runs,
and follows links on the way; it reads `timestamp.txt` even before that. It asks its course
directory where a hand-in lies: this one names, for a hand-in that holds anything else than plain
files, a copy without it. What was handed in stays as it is.
"""

from __future__ import annotations

import os
import tempfile
import weakref
from collections.abc import Mapping
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
from skipgrade.sandbox.folders import remove

TIMESTAMP = "timestamp.txt"
MOST_NAMED = 5


@dataclass(frozen=True)
class Submission:
    """Where a hand-in lies, and what in it is not read, each with the reason."""

    folder: Path
    odd: Mapping[Path, str] = field(default_factory=dict)

    def left_out(self, but_for: str) -> list[str]:
        """What is not read beside the notebook of that name, in words."""
        odd = [one for one in self.odd.items() if one[0] != Path(but_for)]
        told = [f"{printable(str(path))} {why}" for path, why in odd[:MOST_NAMED]]
        return told + (
            [f"{len(odd) - MOST_NAMED} more like these"] if len(odd) > MOST_NAMED else []
        )


class PlainHandIns(CourseDirectory):
    """nbgrader's course directory, where every hand-in is one of plain files."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._known: dict[Path, Submission] = {}
        self._scratch: Path | None = None

    @classmethod
    def of(cls, other: CourseDirectory, log: Any) -> PlainHandIns:
        """The same course, seen in this way; what is left out is told to `log`."""
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
        """Where the hand-in itself lies, with all that is in it."""
        return Path(super().format_path(self.submitted_directory, student_id, assignment_id))

    def hand_in(self, student_id: str, assignment_id: str) -> Submission:
        """The hand-in to read: it itself, or a copy of what is plain in it."""
        place = self.place(student_id, assignment_id)
        if place not in self._known:
            self._forget()
            source = Path(self.format_path(self.source_directory, ".", assignment_id))
            self._known[place] = self._read(place, source)
            for told in self._known[place].left_out(but_for=""):
                self.log.warning("%s: %s; it is not read", student_id, told)
        return self._known[place]

    def _forget(self) -> None:
        """Room is taken for one hand-in at a time: nbgrader takes one after the other."""
        for hand_in in self._known.values():
            if self._scratch is not None and hand_in.folder.parent == self._scratch:
                remove(hand_in.folder)
        self._known.clear()

    def _read(self, place: Path, source: Path) -> Submission:
        found = {entry.path: entry for entry in handed_in(place)}
        judged = ((path, self._odd(entry, place, source)) for path, entry in found.items())
        odd = {path: why for path, why in judged if why}
        if not odd:
            return Submission(place)
        copy = self._new_folder()
        for path in found:
            if path not in odd:
                copy_plain(place / path, copy / path)
            elif path.suffix == ".ipynb" and len(path.parts) == 1:
                (copy / path).touch()  # it was handed in, though nobody will read it
        return Submission(copy, odd)

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
        """The files a hand-in must not be another name of: the sources, and those in the root.

        Two hand-ins may share a file: which of the two students it belongs to nobody can tell,
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


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


def _holds_time(path: Path) -> bool:
    try:
        text = path.read_text(encoding="utf-8").strip()
        return not text or parse_utc(text) is not None
    except (ValueError, OverflowError):
        return False
