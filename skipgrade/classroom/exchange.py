"""nbgrader's exchange, in which no student's folder is trusted more than a zip file would be.

Students can still change what they have submitted while it is collected, and put links there. So
every file is opened below descriptors of its folders, and links stay links: grading names them and
follows none.
"""

from __future__ import annotations

import contextlib
import os
import re
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from nbgrader.exchange.default import ExchangeCollect, ExchangeReleaseFeedback

from skipgrade.judging.intake.plain_files import (
    LINK,
    Entry,
    NotPlainFileError,
    copy_plain,
    handed_in,
)
from skipgrade.judging.printable import printable

# Next to each page that is released; by the second nbgrader knows whose it is.
NEEDED = ("timestamp.txt", "submission_secret.txt")
NO_NAMES = ("", ".", "..")  # as a student's folder these are somewhere else


class CollectPlainFiles(ExchangeCollect):
    """`nbgrader collect`, which reads no file through a link."""

    src_records: list[dict[str, Any]]

    def init_src(self) -> None:
        super().init_src()
        self.src_records = [one for one in self.src_records if one["username"] not in NO_NAMES]

    def do_copy(self, src: str, dest: str, log: Any = None) -> None:
        folder = Path(src)
        listed = [entry for entry in handed_in(folder) if self._is_wanted(entry)]
        size, most = sum(entry.status.st_size for entry in listed), self.coursedir.max_dir_size
        if size > 1000 * most:
            self.log.error("%s is left out: larger than CourseDirectory.max_dir_size", src)
            return
        Path(dest).mkdir()
        for entry in listed:
            if entry.odd not in ("", LINK):
                self.log.warning("%s: %s, and is left out", src, entry)
                continue
            target = Path(dest, entry.path)
            try:
                if entry.odd:
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.symlink_to((folder / entry.path).readlink())
                else:
                    _copy(folder, entry.path, target)
            except (OSError, NotPlainFileError) as error:
                self.log.warning("%s: %s is left out: %s", src, printable(str(entry.path)), error)
        if self.coursedir.groupshared:
            _share(dest)

    def _is_wanted(self, entry: Entry) -> bool:
        """By the rules of nbgrader's own copying."""
        path, rules = entry.path, self.coursedir
        if any(fnmatch(part, rule) for part in path.parts for rule in rules.ignore):
            return False
        if entry.status.st_size > 1000 * rules.max_file_size:
            self.log.warning("%s is left out: larger than CourseDirectory.max_file_size", path)
            return False
        return any(fnmatch(path.name, rule) for rule in rules.include)


def _copy(folder: Path, path: Path, target: Path) -> None:
    """Copy a file below the folder; none of the folders on the way may have become a link."""
    with contextlib.ExitStack() as opened:
        place: int | None = None
        for part in (folder, *map(Path, path.parts[:-1])):
            place = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=place)
            opened.callback(os.close, place)
        copy_plain(Path(path.name), target, place)


def _share(folder: str) -> None:
    """For a group of teachers, as nbgrader does it."""
    for place, _, files in os.walk(folder):
        Path(place).chmod(Path(place).stat().st_mode | 0o2770)
        for file in map(Path(place).joinpath, files):
            if not file.is_symlink():
                file.chmod(file.stat().st_mode | 0o660)


class ReleaseWhatCameThroughHere(ExchangeReleaseFeedback):
    """`nbgrader release_feedback` for a class in which some handed in another way."""

    def copy_files(self) -> None:
        others = sorted(self._of_others())
        if others:
            self.log.warning(
                "Not submitted through the exchange, so their pages are not released by it: %s",
                ", ".join(others),
            )
            excluded = [*filter(None, self.coursedir.student_id_exclude.split(",")), *others]
            self.coursedir.student_id_exclude = ",".join(excluded)
        super().copy_files()

    def _of_others(self) -> set[str]:
        """Students whose page lacks the files by which a submission of the exchange is known."""
        folder = self.coursedir.format_path(
            self.coursedir.feedback_directory,
            "(?P<student>.*)",
            self.coursedir.assignment_id,
            escape=True,
        )
        pages = Path("/").glob(f"{self.src_path.lstrip('/')}/*.html")
        found = [(re.fullmatch(folder, str(page.parent)), page.parent) for page in pages]
        return {
            match["student"]
            for match, place in found
            if match and not all((place / name).is_file() for name in NEEDED)
        }
