"""A one-notebook course small enough to grade in a test: some cells with one point each."""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

ROOT = Path(__file__).parents[2]
NAME = "tiny"
STUB = "# YOUR CODE HERE\nraise NotImplementedError()"

SETUP = "import torch\nfrom torch import nn"

ANSWERS = {
    "double": "def double(x):\n    return 2 * x",
    "net": (
        "class Net(nn.Module):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.first = nn.Linear(12, 5)\n"
        "        self.last = nn.Linear(5, 3)\n"
        "    def forward(self, x):\n"
        "        return self.last(torch.relu(self.first(x.flatten(1))))"
    ),
    "number": "number = 41 + 1",
}
TESTS = {
    "double": "check.equal('double(3)')\ncheck.function('double', x=images(2, size=4), worth=0.5)",
    "net": "x = images(3, size=2)\ncheck.parameters('Net()', x=x)\ncheck.function('Net()', x=x)",
    "number": (
        "check.written('number', worth=0.75, hint='a sum')\ncheck.equal('0 * number + n', n=7, worth=0.25)"
    ),
}
POINTS = {"double": 2.0, "net": 3.0, "number": 4.0}


def _marks(grade_id: str, *, grade: bool, points: float = 0.0) -> dict:
    marks = {
        "schema_version": 3, "grade_id": grade_id, "locked": grade, "solution": not grade,
        "grade": grade, "task": False,
    }  # fmt: skip
    return {"nbgrader": marks | ({"points": points, "cell_type": "code"} if grade else {})}


def written_answer(name: str = "why", points: float = 2.0) -> nbformat.NotebookNode:
    """A cell for an answer that a person reads."""
    marks = _marks(name, grade=True, points=points)["nbgrader"]
    marks |= {"locked": False, "solution": True, "cell_type": "markdown"}
    return new_markdown_cell("YOUR ANSWER HERE", id=name, metadata={"nbgrader": marks})


def notebook(
    answers: dict[str, str], *, hidden: bool, solution_marks: bool = False
) -> nbformat.NotebookNode:
    """The tiny notebook with the given answers; `hidden` as in source/, without as handed in."""
    cells = [new_markdown_cell("# Tiny", id="title"), new_code_cell(SETUP, id="setup")]
    for name in TESTS:
        answer = answers.get(name, STUB)
        if solution_marks:
            answer = f"### BEGIN SOLUTION\n{answer}\n### END SOLUTION"
        test = f"assert {'Net' if name == 'net' else name}, 'there is something'"
        if hidden:
            test += (
                "\n### BEGIN HIDDEN TESTS\nfrom skipgrade.judging import check, images\n"
                f"{TESTS[name]}\n### END HIDDEN TESTS"
            )
        answer_marks = _marks(name, grade=False)
        test_marks = _marks(f"{name}-test", grade=True, points=POINTS[name])
        cells += [
            new_code_cell(answer, id=name, metadata=answer_marks),
            new_code_cell(test, id=f"{name}-test", metadata=test_marks),
        ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return new_notebook(cells=cells, metadata={"kernelspec": kernel})


@dataclass
class TinyCourse:
    """A course folder with the tiny assignment released."""

    root: Path

    def hand_in(self, student: str, answers: dict[str, str]) -> Path:
        """Hand in the released notebook with some cells answered."""
        released = nbformat.read(self.root / "release" / NAME / f"{NAME}.ipynb", as_version=4)
        for cell in released.cells:
            grade_id = cell.metadata.get("nbgrader", {}).get("grade_id")
            if grade_id in answers:
                cell.source = answers[grade_id]
        folder = self.root / "submitted" / student / NAME
        folder.mkdir(parents=True)
        nbformat.write(released, folder / f"{NAME}.ipynb")
        return folder

    def nbgrader(
        self, *arguments: str, extra: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run the stock command in the course, with `extra` in its environment."""
        return self.command("nbgrader", *arguments, extra=extra)

    def command(
        self, module: str, *arguments: str, extra: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", module, *arguments]
        beside = str(Path(sys.executable).parent)  # nbgrader calls `alembic` by name
        env = os.environ | {"PATH": beside + os.pathsep + os.environ["PATH"]} | (extra or {})
        return subprocess.run(
            command, cwd=self.root, env=env, capture_output=True, text=True, timeout=900
        )


def make(root: Path, *, config: str = "", more: Sequence[nbformat.NotebookNode] = ()) -> TinyCourse:
    """The course with `more` cells in its notebook, released as nbgrader does it."""
    source = notebook(ANSWERS, hidden=True, solution_marks=True)
    source.cells += more
    shutil.copytree(_released(nbformat.writes(source)), root, dirs_exist_ok=True)
    with (root / "nbgrader_config.py").open("a") as file:
        file.write("\n" + config)
    return TinyCourse(root)


@functools.cache
def _released(source: str) -> Path:
    """A course with this notebook, released once for all who want it: they take a copy."""
    root = Path(_kept.enter_context(tempfile.TemporaryDirectory()))
    (root / "source" / NAME).mkdir(parents=True)
    (root / "source" / NAME / f"{NAME}.ipynb").write_text(source)
    shutil.copy(ROOT / "nbgrader_config.py", root / "nbgrader_config.py")
    done = TinyCourse(root).nbgrader("generate_assignment", NAME)
    assert done.returncode == 0, done.stderr
    return root


_kept = contextlib.ExitStack()
atexit.register(_kept.close)
