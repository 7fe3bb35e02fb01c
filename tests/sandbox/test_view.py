"""What a process sees that has given itself a view of files of its own."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from skipgrade.sandbox import view
from skipgrade.sandbox.mounts import separate

pytestmark = pytest.mark.skipif(
    not view.possible(), reason="this machine lets nobody have mounts of his own"
)


def seen(readable: list[Path], writable: list[Path], look: Callable[[], Any]) -> Any:
    """What a look finds from within."""
    here, there = os.pipe()
    pid = os.fork()
    if pid == 0:
        told: Any = "no view"
        try:
            separate()
            view.enclose(list(map(str, readable)), list(map(str, writable)))
            told = look()
        except Exception as error:
            told = f"{type(error).__name__}: {error}"
        finally:
            os.write(there, json.dumps(told).encode())
            os._exit(0)
    os.close(there)
    os.waitpid(pid, 0)
    with os.fdopen(here, "rb") as answer:
        return json.loads(answer.read())


def tried(*attempts: Callable[[], object]) -> list[str]:
    """The name of each one's error; empty where it went well."""
    found = []
    for attempt in attempts:
        try:
            attempt()
            found.append("")
        except OSError as error:
            found.append(os.strerror(error.errno or 0))
    return found


GONE, CLOSED = "No such file or directory", "Read-only file system"


def test_places_are_there_and_nothing_else(tmp_path: Path) -> None:
    for name in ("shown", "own", "hidden"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text(name)

    def look() -> Any:
        return tried(
            (tmp_path / "shown" / "file").read_text,
            lambda: (tmp_path / "shown" / "file").write_text("x"),
            lambda: (tmp_path / "shown" / "new").mkdir(),
            lambda: (tmp_path / "own" / "new").mkdir(),
            (tmp_path / "hidden").stat,
            Path("/usr").stat,
            lambda: (tmp_path / "new").mkdir(),
            lambda: Path("/new").mkdir(),
        )

    expected = ["", CLOSED, CLOSED, "", GONE, GONE, CLOSED, CLOSED]
    assert seen([tmp_path / "shown"], [tmp_path / "own"], look) == expected
    assert (tmp_path / "own" / "new").is_dir()


def test_of_places_in_each_other_the_inner_one_counts(tmp_path: Path) -> None:
    around, between, inner = (tmp_path / name for name in ("a", "a/b", "a/b/c"))
    inner.mkdir(parents=True)

    def look() -> Any:
        return tried(*((lambda at=at: at.mkdir()) for at in made))

    made = [inner / "1", between / "1", around / "1"]
    assert seen([between], [inner, around], look) == ["", CLOSED, ""]
    made = [inner / "2", between / "2", around / "2"]
    assert seen([around, inner], [between], look) == [CLOSED, "", CLOSED]


def test_links_on_the_way_are_as_they_were(tmp_path: Path) -> None:
    (tmp_path / "disk 1" / "data\n\\040").mkdir(parents=True)
    (tmp_path / "disk 1" / "data\n\\040" / "file").write_text("found")
    (tmp_path / "near").symlink_to("disk 1")
    (tmp_path / "far").symlink_to(tmp_path / "near" / ".." / "near")
    named = tmp_path / "far" / "data\n\\040" / "file"
    assert seen([named], [], named.read_text) == "found"
    assert seen([named], [], lambda: str(named.resolve())) == str(named.resolve())
    assert seen([named], [], lambda: tried(lambda: named.write_text("x"))) == [CLOSED]


def test_what_is_not_there_is_not_missed(tmp_path: Path) -> None:
    assert seen([tmp_path / "nowhere"], [tmp_path], lambda: list(tmp_path.iterdir())) == []


def test_the_way_to_a_place_cannot_be_listed_by_whoever_has_no_rights(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()

    def look() -> list[int]:
        folders = (*(tmp_path / "own").parents,)
        return [folder.stat().st_mode & 0o777 for folder in folders]

    assert set(seen([], [tmp_path / "own"], look)) == {view.NOT_LISTED}
