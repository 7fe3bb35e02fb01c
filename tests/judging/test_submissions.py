"""Odd hand-ins, graded by the stock command: nobody is left ungraded, and honest work counts."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from skipgrade.sandbox.folders import remove
from tests.judging import tiny
from tests.judging.conftest import Graded
from tests.judging.tiny import ANSWERS, NAME

FULL = {"double": 2.0, "net": 3.0, "number": 4.0}
NONE = dict.fromkeys(FULL, 0.0)
NESTING = (
    "import os\nhome = os.getcwd()\n"
    "for _ in range(1500):\n    os.mkdir('in')\n    os.chdir('in')\nos.chdir(home)\n"
)
DEEP = "[" * 3000 + "]" * 3000


def rewritten(folder: Path, change: Callable[[dict[str, Any]], None], start: str = "") -> None:
    path = folder / f"{NAME}.ipynb"
    whole = json.loads(path.read_text())
    change(whole)
    path.write_text(start + json.dumps(whole), encoding="utf-8")


def graded_cells(whole: dict[str, Any]) -> list[dict[str, Any]]:
    return [cell for cell in whole["cells"] if cell["metadata"].get("nbgrader", {}).get("grade")]


def odd_all_over(whole: dict[str, Any]) -> None:
    del whole["nbformat_minor"]
    whole["metadata"] = {"kernelspec": 5, "language_info": {"name": []}, "title": {}}
    for number, cell in enumerate(whole["cells"]):
        cell["id"] = "twice"
        cell["metadata"] |= {"tags": number, "collapsed": "very", "name": 3}
        if cell["cell_type"] == "code":
            cell["execution_count"] = "nonsense"
            cell["outputs"] = [{"output_type": "display_data", "data": {"image/png": 5}}, 7]
    whole["cells"].append({"cell_type": "markdown", "source": "nothing \ud800 \0 here"})


def other_types(whole: dict[str, Any]) -> None:
    for kind, cell in zip(("markdown", "raw"), graded_cells(whole), strict=False):
        cell["cell_type"] = kind
        del cell["outputs"], cell["execution_count"]


def marked_twice(whole: dict[str, Any]) -> None:
    for cell in graded_cells(whole):
        whole["cells"].append(dict(cell))


def deep_outputs(folder: Path) -> None:
    path = folder / f"{NAME}.ipynb"
    text = path.read_text().replace('"outputs": []', f'"outputs": {DEEP}', 1)
    assert DEEP in text
    path.write_text(text)


def nested(folder: Path) -> None:
    top = here = folder
    for _ in range(30):  # no single path may be longer than 4096 bytes
        inner = here.joinpath(*["in"] * 40)
        inner.mkdir(parents=True)
        (inner / "leaf").write_text("")
        here = inner
    assert len(here.relative_to(top).parts) == 1200


def many_files(folder: Path) -> None:
    for number in range(2500):
        (folder / f"{number:04}").touch()
    (folder / "zzz.txt").touch()


def in_the_place_of_others(folder: Path) -> None:
    (folder / "given.txt").mkdir()
    (folder / "given.txt" / "inside").touch()
    (folder / "parts").write_text("a folder in the assignment")


BEND: dict[str, Callable[[Path], object]] = {
    "odd-all-over": lambda folder: rewritten(folder, odd_all_over, "\N{BYTE ORDER MARK}"),
    "other-types": lambda folder: rewritten(folder, other_types),
    "marked-twice": lambda folder: rewritten(folder, marked_twice),
    "deep-outputs": deep_outputs,
    "too-many-cells": lambda folder: rewritten(folder, lambda w: w.update(cells=w["cells"] * 300)),
    "nested": nested,
    "many-files": many_files,
    "in-the-place-of-others": in_the_place_of_others,
    "no-time": lambda folder: (folder / "timestamp.txt").write_bytes(b"\xff soon"),
    "nests-when-run": lambda folder: None,
}


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Graded]:
    course = tiny.make(tmp_path_factory.mktemp("odd"))
    source = course.root / "source" / NAME
    (source / "parts").mkdir()
    for name in ("given.txt", "parts/one.txt"):
        (source / name).write_text("the assignment's own")
    for student, bend in BEND.items():
        answers = {**ANSWERS, "double": ANSWERS["double"] + "\n" + NESTING}
        bend(course.hand_in(student, answers if student == "nests-when-run" else ANSWERS))
    with tempfile.TemporaryDirectory() as scratch:
        done = course.nbgrader("autograde", NAME, extra={"TMPDIR": scratch})
        left = sorted(path.name for path in Path(scratch).iterdir())
        for path in Path(scratch).iterdir():
            remove(path)
    assert done.returncode == 0, done.stderr[-4000:]
    yield Graded(course, done.stderr, left)
    remove(course.root)  # too deep for pytest's own clearing up


@pytest.mark.parametrize(
    "student", sorted(set(BEND) - {"deep-outputs", "too-many-cells", "nests-when-run"})
)
def test_odd_but_right_earns_everything(odd: Graded, student: str) -> None:
    assert odd.points(student) == FULL, odd.verdicts(student)
    assert odd.scores[student] == 9.0


@pytest.mark.parametrize(
    ("student", "reason"),
    [
        ("deep-outputs", "tiny.ipynb is not a notebook: its JSON is nested too deep."),
        ("too-many-cells", "it has 3,000 cells; up to 2,000 are read."),
    ],
)
def test_what_cannot_be_read_is_zero_with_its_reason(
    odd: Graded, student: str, reason: str
) -> None:
    assert odd.points(student) == NONE
    for verdict in odd.verdicts(student).values():
        assert reason in verdict["reason"]


@pytest.mark.parametrize(
    ("student", "told"),
    [
        ("nested", "is nested too deep; it is not read"),
        ("many-files", "comes after 2,000 other files; it is not read"),
        ("in-the-place-of-others", "stands where a file of the assignment belongs; it is not read"),
        ("no-time", "timestamp.txt does not hold a time; it is not read"),
    ],
)
def test_what_is_left_out_is_told(odd: Graded, student: str, told: str) -> None:
    lines = [line for line in odd.log.splitlines() if f"{student}: " in line]
    assert any(told in line for line in lines), lines


def test_folders_made_while_it_runs_cost_their_own_cell_at_most(odd: Graded) -> None:
    """The sandbox may stop a kernel for it; the submission is graded, and the rest counts."""
    points = odd.points("nests-when-run")
    assert points | {"double": 2.0} == FULL
    assert points["double"] == 2.0 or odd.verdicts("nests-when-run")["double"]["reason"]


def test_the_assignments_own_files_are_there(odd: Graded) -> None:
    folder = odd.course.root / "autograded" / "in-the-place-of-others" / NAME
    assert (folder / "given.txt").read_text() == "the assignment's own"
    assert (folder / "parts" / "one.txt").read_text() == "the assignment's own"


def test_no_folder_stays(odd: Graded) -> None:
    assert odd.left_behind == []
