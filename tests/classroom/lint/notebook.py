"""A small source notebook with nothing to say about, and ways to break it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat

from skipgrade.classroom import lint
from skipgrade.classroom.course import Course
from tests.classroom.conftest import ASSIGNMENT, cell

FILE = f"{ASSIGNMENT}/{ASSIGNMENT}.ipynb"
JUDGE = """
from skipgrade.judging.grader.execute import JudgedExecute
c.Autograde.autograde_preprocessors = [JudgedExecute]
"""
TABLE = """\
| task | points |
|---|---|
| 1 | 1 + 2 |
| 2 | 2 x 1 |
| **together** | **5** |
| bonus | 1 |
"""
TEST = """\
assert double(1) == 2
### BEGIN HIDDEN TESTS
from skipgrade.judging import check
check.equal("double(21)")
### END HIDDEN TESTS"""
ANSWER = "def double(x):\n    ### BEGIN SOLUTION\n    return 2 * x\n    ### END SOLUTION"
WHY = "Why?\n\n=== BEGIN MARK SCHEME ===\ntwo reasons\n=== END MARK SCHEME ==="

Raw = dict[str, Any]
Break = Callable[[Raw], None]


def sound() -> Raw:
    """A notebook with nothing to say about, as it lies on disk."""
    notebook = nbformat.v4.new_notebook(
        metadata={"kernelspec": {"name": "python3", "language": "python", "display_name": "Python"}}
    )
    notebook.cells = [
        nbformat.v4.new_markdown_cell(f"# Warm-up\n\n{TABLE}", id="title"),
        nbformat.v4.new_code_cell("%matplotlib inline\nimport math\nONE = 1", id="setup"),
        cell("code", "double", ANSWER, solution=True),
        cell("code", "double-test", TEST, grade=True, locked=True, points=3),
        nbformat.v4.new_code_cell("run = double(ONE)", id="train"),
        cell("code", "run-test", TEST, grade=True, locked=True, points=0.5),
        cell("markdown", "why", WHY, grade=True, solution=True, points=1.5),
        cell("code", "bonus-test", TEST, grade=True, locked=True, points=1),
    ]
    for number in (4, 5):
        notebook.cells[number].metadata["tags"] = ["needs-training"]
    return json.loads(nbformat.writes(notebook))


TITLE, SETUP, DOUBLE, DOUBLE_TEST, TRAIN, RUN_TEST, WHY_CELL, BONUS_TEST = range(8)


def write(root: Path, notebook: Raw) -> Path:
    path = root / "source" / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(notebook), encoding="utf-8")
    return path


def found(course: Course) -> list[str]:
    return [str(one) for one in lint.examine(course, ASSIGNMENT)]


def text(number: int, old: str, new: str) -> Break:
    def change(notebook: Raw) -> None:
        source = "".join(notebook["cells"][number]["source"])
        assert old in source
        notebook["cells"][number]["source"] = source.replace(old, new, 1)

    return change


def field(number: int, *path: str, value: Any) -> Break:
    """Set a field of a cell; None takes it away."""

    def change(notebook: Raw) -> None:
        place = notebook["cells"][number]
        for name in path[:-1]:
            place = place.setdefault(name, {})
        if value is None:
            del place[path[-1]]
        else:
            place[path[-1]] = value

    return change


def marks(number: int, name: str, value: Any) -> Break:
    return field(number, "metadata", "nbgrader", name, value=value)
