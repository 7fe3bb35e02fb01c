"""Is what a kernel leaves counted and removed, whatever it did to its folders?"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from skipgrade.sandbox.confinement import drop_privileges
from skipgrade.sandbox.folders import Contents, contents, deleted_bytes, exceeds, remove
from tests.sandbox.deep import nest

NO_END = Contents(2**40, 10**9, 10**9)


@contextmanager
def opened(folder: Path) -> Iterator[int]:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def test_folders_are_removed_however_deep_they_are(tmp_path: Path) -> None:
    target = tmp_path / "work"
    target.mkdir()
    nest(target, 3000)
    remove(target)
    assert not target.exists()


def test_what_its_owner_may_not_open_is_removed_too(tmp_path: Path) -> None:
    target = tmp_path / "work"
    (target / "closed" / "in it").mkdir(parents=True)
    (target / "closed" / "in it" / "file").touch()
    (target / ".removed-0").mkdir()  # a name it would take itself
    for folder in (target / "closed" / "in it", target / "closed", target):
        folder.chmod(0)
    with multiprocessing.get_context("fork").Pool(1) as ordinary:
        ordinary.apply(_remove_without_privileges, (target,))
    assert not target.exists()


def _remove_without_privileges(folder: Path) -> None:
    """As somebody does who is not root, to whom rights mean something."""
    drop_privileges()
    remove(folder)


def test_nothing_behind_a_link_is_removed(tmp_path: Path) -> None:
    kept, target = tmp_path / "kept", tmp_path / "work"
    for folder in (kept, target):
        folder.mkdir()
    (kept / "file").touch()
    (target / "link").symlink_to(kept)
    (tmp_path / "itself").symlink_to(kept)
    remove(target)
    remove(tmp_path / "itself")
    remove(tmp_path / "nowhere")
    assert (kept / "file").exists() and not target.exists()


def test_files_and_folders_count_and_links_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "file").write_bytes(bytes(100_000))
    (tmp_path / "a" / "link").symlink_to("/usr")
    with opened(tmp_path) as folder:
        found = contents([folder], NO_END)
    assert (found.files, found.depth) == (4, 3)
    assert 100_000 <= found.bytes < 200_000


@pytest.mark.parametrize("most", [Contents(2**40, 50, 100), Contents(2**40, 10**9, 20)])
def test_counting_ends_where_there_is_too_much(tmp_path: Path, most: Contents) -> None:
    nest(tmp_path, 60)
    with opened(tmp_path) as folder:
        found = contents([folder], most)
    assert exceeds(found, most)
    assert found.files <= 51


def test_a_file_without_a_name_counts_while_it_is_open(tmp_path: Path) -> None:
    device = tmp_path.stat().st_dev
    with (tmp_path / "file").open("wb", buffering=0) as file:
        file.write(bytes(10**6))
        named = deleted_bytes([os.getpid()], device)
        (tmp_path / "file").unlink()
        nameless = deleted_bytes([os.getpid()], device)
    assert nameless - named >= 10**6
