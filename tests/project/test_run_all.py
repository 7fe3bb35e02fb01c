"""Does a released notebook run, as far as it is filled in, with only what its wheel asks for?"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode

from skipgrade.judging.stopped_cells import names_set
from skipgrade.lab.unfilled import SAYS
from skipgrade.lab.visible import tasks_of

ROOT = Path(__file__).parents[2]
PYTHON = os.environ.get("STUDENTS_PYTHON", sys.executable)  # see `make test-bare`
(WHEEL,) = (ROOT / "release").glob("*.whl")
NOTEBOOKS = sorted(path.stem for path in ROOT.glob("release/*/*.ipynb"))
OURS = "with lab.if_filled_in():"


def released(name: str) -> NotebookNode:
    return nbformat.read(ROOT / "release" / name / f"{name}.ipynb", nbformat.NO_CONVERT)


def solutions(name: str) -> dict[str, str]:
    source = nbformat.read(ROOT / "source" / name / f"{name}.ipynb", nbformat.NO_CONVERT)
    return {
        cell.metadata.nbgrader.grade_id: "\n".join(
            line for line in cell.source.splitlines() if " SOLUTION" not in line
        )
        for cell in source.cells
        if cell.cell_type == "code" and cell.metadata.get("nbgrader", {}).get("solution")
    }


def trains(cell: NotebookNode) -> bool:
    return "needs-training" in cell.metadata.get("tags", [])


def run(cells: Iterable[NotebookNode], folder: Path) -> list[dict[str, str]]:
    notebook = folder / "notebook.ipynb"
    notebook.write_text(json.dumps({"cells": list(cells)}), encoding="utf-8")
    done = subprocess.run(
        [PYTHON, str(Path(__file__).with_name("run_all.py")), str(WHEEL), notebook.name],
        cwd=folder, capture_output=True, text=True,
        env=os.environ | {"SKIPGRADE_DATASET": "builtin", "MPLBACKEND": "agg"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_an_open_claim_or_bonus_stops_nothing(name: str, tmp_path: Path) -> None:
    """With all else filled in, a Run All comes to the end of the last cell."""
    answers = solutions(name)
    cells, of_the_bonus = [], False
    for cell in released(name).cells:
        marks, optional = cell.metadata.get("nbgrader", {}), OURS in cell.source
        if cell.cell_type == "markdown" and cell.source.startswith("## "):
            of_the_bonus = "bonus" in cell.source.splitlines()[0].lower()
        may_stay = of_the_bonus or "optional" in cell.metadata.get("tags", [])
        if marks.get("grade_id") in answers and not may_stay:
            cell.source = answers[marks.grade_id]
        if not trains(cell) or may_stay or optional or "lab.hand_in" in cell.source:
            cells.append(cell)
    assert "lab.hand_in" in cells[-1].source or cells[-1].cell_type == "markdown"
    assert run(cells, tmp_path) == []


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_an_untouched_notebook_says_only_what_is_not_filled_in(name: str, tmp_path: Path) -> None:
    stopped = run([cell for cell in released(name).cells if not trains(cell)], tmp_path)
    missing = {one for answer in solutions(name).values() for one in names_set(answer)}
    assert stopped
    for cell in stopped:
        told = cell["kind"] == "AssertionError" and cell["text"]  # as of a table with no entry
        is_stub = (cell["kind"], cell["text"]) == ("NotImplementedError", SAYS)
        assert told or is_stub or (cell["kind"] == "NameError" and cell["name"] in missing), cell
        missing |= set(names_set(cell["source"]))


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_every_bonus_may_stay_open(name: str) -> None:
    """Is all code that a bonus has, beside its answers, marked so?"""
    for task in tasks_of(released(name).cells):
        if task.bonus and task.test is not None:
            assert OURS in task.test, task.name
