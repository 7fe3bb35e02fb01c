"""Removes what a submission may have left, however it is nested. Runs wherever it ran."""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

AS_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW


def remove_tree(folder: Path) -> None:
    """Remove a folder with all that is in it; links are removed, not followed.

    `shutil.rmtree` goes down by calling itself, or by holding a descriptor for each level, and so
    gives up after a thousand. Here what lies deep is moved up, one level after the other.
    """
    with contextlib.suppress(FileNotFoundError):
        with _opened(str(folder)) as top:
            while inside := _folders(top):
                for name in inside:
                    _move_up(top, name)
        folder.rmdir()


def _folders(place: int) -> list[str]:
    """The folders right in a folder; everything else in it is removed."""
    found = []
    with os.scandir(place) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                found.append(entry.name)
            else:
                os.unlink(entry.name, dir_fd=place)
    return found


def _move_up(top: int, name: str) -> None:
    """Move the folders in folder `name` to where it lies itself, and remove it."""
    with _opened(name, top) as place:
        for inside in _folders(place):
            os.chmod(inside, 0o700, dir_fd=place)
            os.rename(inside, uuid.uuid4().hex, src_dir_fd=place, dst_dir_fd=top)
    os.rmdir(name, dir_fd=top)


@contextmanager
def _opened(name: str, place: int | None = None) -> Iterator[int]:
    if place is not None:
        os.chmod(name, 0o700, dir_fd=place)
    descriptor = os.open(name, AS_FOLDER, dir_fd=place)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
