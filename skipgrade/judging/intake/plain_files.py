"""[grader] The files of a submission. No link is followed, no pipe or device is opened."""

from __future__ import annotations

import os
import shutil
import stat
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from io import BufferedReader, FileIO
from pathlib import Path

DEEPEST = 32  # folders in each other
LONGEST = 1_000  # bytes of a path within the submission
MOST_FILES = 2_000  # for each of them nbgrader lists the whole folder it lies in
MOST_BYTES = 2 * 2**30

LINK = "is a link, not a file"
UNREADABLE = "cannot be read (its rights do not allow it)"
KINDS = {
    stat.S_IFLNK: LINK,
    stat.S_IFDIR: "is a folder, not a file",
    stat.S_IFIFO: "is a pipe, not a file",
    stat.S_IFSOCK: "is a socket, not a file",
    stat.S_IFCHR: "is a device, not a file",
    stat.S_IFBLK: "is a device, not a file",
}


class NotPlainFileError(ValueError):
    """What lies there is no ordinary file that can be read; the text says what it is."""


@dataclass(frozen=True)
class Entry:
    """A file in a submission, or something that is none; `odd` says why it is not to be read."""

    path: Path  # within the submission
    status: os.stat_result
    odd: str = ""

    def __str__(self) -> str:
        return f"{printable(str(self.path))} {self.odd}"


def entries(folder: Path) -> Iterator[Entry]:
    """Everything below a folder that is not itself a folder to go into, what lies high up first."""
    if folder.is_symlink() or not os.access(folder, os.R_OK | os.X_OK):
        odd = "is a link, not a folder" if folder.is_symlink() else UNREADABLE
        yield Entry(Path(), folder.lstat(), odd)
        return
    waiting = deque([Path()])
    while waiting:
        place = waiting.popleft()
        with os.scandir(folder / place) as found:
            inside = sorted(found, key=_notebooks_first)
        for one in inside:
            entry = Entry(place / one.name, one.stat(follow_symlinks=False))
            problem = _problem(folder, entry)
            if problem or not stat.S_ISDIR(entry.status.st_mode):
                yield replace(entry, odd=problem)
            else:
                waiting.append(entry.path)


def _notebooks_first(entry: os.DirEntry[str]) -> tuple[bool, str]:
    return not entry.name.endswith(".ipynb"), entry.name


def handed_in(folder: Path) -> Iterator[Entry]:
    """The same for a submission, which has limits to how much of it is read."""
    size = 0
    for count, entry in enumerate(entries(folder)):
        if count == MOST_FILES:
            yield replace(entry, odd=f"comes after {MOST_FILES:,} other files")
            return  # nor is the rest
        if not entry.odd and size + entry.status.st_size > MOST_BYTES:
            entry = replace(entry, odd=f"is beyond the {MOST_BYTES >> 30} GB that are read")
        size += 0 if entry.odd else entry.status.st_size
        yield entry


def _problem(folder: Path, entry: Entry) -> str:
    mode = entry.status.st_mode
    if len(os.fsencode(entry.path)) > LONGEST:
        return "has too long a path"
    if stat.S_ISDIR(mode):
        if len(entry.path.parts) >= DEEPEST:
            return "is nested too deep"
        readable = os.access(folder / entry.path, os.R_OK | os.X_OK)
    elif not stat.S_ISREG(mode):
        return KINDS.get(stat.S_IFMT(mode), "is not a file")
    else:
        readable = os.access(folder / entry.path, os.R_OK)
    return "" if readable else UNREADABLE


def open_plain(path: Path, folder: int | None = None) -> BufferedReader:
    """An ordinary file, opened to be read; `NotPlainFileError` for anything else, at once. With
    `folder`, a descriptor, the path begins there."""
    try:
        mode = os.stat(path, dir_fd=folder, follow_symlinks=False).st_mode
        if not stat.S_ISREG(mode):
            raise NotPlainFileError(KINDS.get(stat.S_IFMT(mode), "is not a file"))
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        descriptor = os.open(path, flags, dir_fd=folder)
    except OSError as error:
        raise NotPlainFileError(f"cannot be read ({error.strerror})") from error
    return BufferedReader(FileIO(descriptor))


def copy_plain(path: Path, target: Path, folder: int | None = None) -> None:
    """Copy one ordinary file, and the folders it lies in."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with open_plain(path, folder) as origin, target.open("wb") as copy:
        shutil.copyfileobj(origin, copy, 2**20)


def printable(text: str, limit: int = 80) -> str:
    """A file's name as one may show it."""
    text = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    return text if len(text) <= limit else text[: limit - 1] + "…"
