"""What lies in a folder a kernel could write to: how much it takes, and how it is removed.

Nothing here trusts the names, depth or rights of what it finds, or follows a link.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from skipgrade.sandbox.processes import entries

DEEPEST = 100  # folders in folders: none that a notebook needs
BLOCK = 512
FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass
class Contents:
    bytes: int = 0  # on the disk
    files: int = 0  # and folders, and links
    depth: int = 0


def contents(folders: Iterable[int], enough: Contents) -> Contents:
    """What is in these open folders, counted until it is more than `enough` of anything."""
    found = Contents()
    for folder in folders:
        for entry, depth in _walk(folder, enough.depth):
            with contextlib.suppress(OSError):  # gone since it was listed
                found.bytes += entry.stat(follow_symlinks=False).st_blocks * BLOCK
            found.files += 1
            found.depth = max(found.depth, depth)
            if exceeds(found, enough):
                return found
    return found


def exceeds(found: Contents, most: Contents) -> bool:
    return found.bytes > most.bytes or found.files > most.files or found.depth > most.depth


def _walk(folder: int, deepest: int) -> Iterator[tuple[os.DirEntry[str], int]]:
    """Every entry with its depth, those in folders of more than `deepest` left out."""
    waiting: list[tuple[str, int]] = [(".", 1)]
    while waiting:
        path, depth = waiting.pop()
        try:
            opened = os.open(path, FOLDER, dir_fd=folder)
        except OSError:  # gone, or a link now
            continue
        try:
            with os.scandir(opened) as listed:
                for entry in listed:
                    yield entry, depth
                    if depth <= deepest and entry.is_dir(follow_symlinks=False):
                        waiting.append((f"{path}/{entry.name}", depth + 1))
        except OSError:
            continue
        finally:
            os.close(opened)


def deleted_bytes(pids: Iterable[int], device: int) -> int:
    """What files of a device take that have no name any more, and are still open."""
    found: dict[int, int] = {}
    for pid in pids:
        for descriptor in entries(f"/proc/{pid}/fd"):
            with contextlib.suppress(OSError):  # closed since it was listed
                about = descriptor.stat()
                nameless = stat.S_ISREG(about.st_mode) and not about.st_nlink
                if nameless and about.st_dev == device:
                    found[about.st_ino] = about.st_blocks * BLOCK
    return sum(found.values())


def remove(folder: str | Path) -> None:
    """A folder and all in it, however deep. What its processes could do to hinder this they did:
    folders inside folders are moved up before they are emptied, and opened to their owner.
    """
    path = Path(folder)
    if not path.is_dir() or path.is_symlink():
        return
    path.chmod(0o700)
    top = os.open(path, FOLDER)
    try:
        names = (f".removed-{number}" for number in itertools.count())
        waiting = _empty(top, top, names)
        while waiting:
            name = waiting.pop()
            inner = os.open(name, FOLDER, dir_fd=top)
            try:
                waiting += _empty(inner, top, names)
            finally:
                os.close(inner)
            os.rmdir(name, dir_fd=top)
    finally:
        os.close(top)
    path.rmdir()


def _empty(folder: int, top: int, names: Iterator[str]) -> list[str]:
    """Remove its files; its folders are moved to the top, under these new names."""
    moved = []
    with os.scandir(folder) as listed:
        for entry in list(listed):
            if entry.is_dir(follow_symlinks=False):
                name = next(each for each in names if not _exists(each, top))
                os.chmod(entry.name, 0o700, dir_fd=folder)  # only so may its owner move it
                os.rename(entry.name, name, src_dir_fd=folder, dst_dir_fd=top)
                moved.append(name)
            else:
                os.unlink(entry.name, dir_fd=folder)
    return moved


def _exists(name: str, folder: int) -> bool:
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True
