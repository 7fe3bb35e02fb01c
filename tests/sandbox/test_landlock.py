"""What each version of Landlock keeps by itself, and that older ones are not asked for more."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from skipgrade.sandbox import landlock
from skipgrade.sandbox.landlock import Access

pytestmark = pytest.mark.skipif(not landlock.version(), reason="this machine has no Landlock")
VERSIONS = [version for version in (1, 2, 3, 4, 5, 6) if version <= landlock.version()]
CHANGE = landlock.ALL & ~(Access.MAKE_BLOCK | Access.MAKE_CHAR)


def restricted(known: int, folder: Path, do: Callable[[], object]) -> str:
    """What comes of it in a process that may use `folder` and read the system's files."""
    here, there = os.pipe()
    pid = os.fork()
    if pid == 0:
        told = "nothing was tried"
        try:
            rules = [(CHANGE, [str(folder)]), (Access.READ_FILE | Access.READ_DIR, ["/usr"])]
            landlock.restrict(rules, known)
            do()
            told = "done"
        except OSError as error:
            told = type(error).__name__ if error.errno != 18 else "EXDEV"
        finally:
            os.write(there, told.encode())
            os._exit(0)
    os.close(there)
    os.waitpid(pid, 0)
    told = os.read(here, 100).decode()
    os.close(here)
    return told


@pytest.fixture
def own(tmp_path: Path) -> Path:
    folder = tmp_path / "own"
    (folder / "inner").mkdir(parents=True)
    (folder / "file").write_text("mine")
    (tmp_path / "other").write_text("not mine")
    return folder


@pytest.mark.parametrize("known", VERSIONS)
def test_every_version_keeps_files(known: int, own: Path) -> None:
    outside = own.parent / "other"
    assert restricted(known, own, lambda: (own / "file").write_text("changed")) == "done"
    for do in (
        outside.read_text,
        lambda: outside.write_text("changed"),
        outside.unlink,
        lambda: outside.rename(own.parent / "another"),
        lambda: (own.parent / "new").mkdir(),
        lambda: (own.parent / "new").symlink_to("other"),
        lambda: list(own.parent.iterdir()),
    ):
        assert restricted(known, own, do) == "PermissionError"
    for move in (os.rename, os.link):
        got = restricted(known, own, lambda move=move: move(outside, own / "in"))  # type: ignore[misc]
        assert got in ("EXDEV", "PermissionError")
    assert outside.read_text() == "not mine"


@pytest.mark.parametrize("known", VERSIONS)
def test_what_older_versions_do_not_know(known: int, own: Path) -> None:
    """Why the filter looks at truncation, and a rename can fail."""
    outside = own.parent / "other"
    emptied = restricted(known, own, lambda: os.truncate(outside, 0))
    assert (emptied, outside.read_text()) == (
        ("done", "") if known < 3 else ("PermissionError", "not mine")
    )
    moved = restricted(known, own, lambda: (own / "file").rename(own / "inner" / "file"))
    assert moved == ("EXDEV" if known < 2 else "done")


def test_no_landlock_is_version_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(landlock, "CREATE_RULESET", 511)
    assert landlock.version() == 0
