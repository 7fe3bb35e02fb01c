"""Does everything go, however deep, and nothing behind a link?"""

from __future__ import annotations

import os
from pathlib import Path

from skipgrade.sandbox.removal import remove_tree


def nest(folder: Path, levels: int) -> None:
    """Deeper than any path may be long."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        for _ in range(levels):
            Path("a folder in a folder").mkdir()
            os.chdir("a folder in a folder")
            Path("leaf").touch()
    finally:
        os.chdir(before)


def test_deep_folders_go(tmp_path: Path) -> None:
    folder = tmp_path / "deep"
    for name in ("one", "other"):
        (folder / name).mkdir(parents=True)
        nest(folder / name, 1500)
    remove_tree(folder)
    assert list(tmp_path.iterdir()) == []


def test_links_go_and_what_is_behind_them_stays(tmp_path: Path) -> None:
    folder, other = tmp_path / "folder", tmp_path / "other"
    for place in (folder, other):
        place.mkdir()
        (place / "file").touch()
    (folder / "to-folder").symlink_to(other)
    (folder / "to-file").symlink_to(other / "file")
    os.mkfifo(folder / "pipe")
    remove_tree(folder)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["file", "other"]


def test_folders_without_rights_go(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    (folder / "shut" / "inside").mkdir(parents=True)
    (folder / "shut" / "inside").chmod(0)
    (folder / "shut").chmod(0)
    remove_tree(folder)
    assert not folder.exists()


def test_what_is_not_there_is_no_trouble(tmp_path: Path) -> None:
    remove_tree(tmp_path / "missing")
