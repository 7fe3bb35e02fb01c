"""One class, handed in once and graded once by the stock command, for every test that asks."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest

from skipgrade.judging.verdict import reasons_of
from tests.judging import tiny
from tests.judging.tiny import ANSWERS, NAME, TinyCourse

SNOOP = """
import os
found = []
for top in (".", ".."):
    for folder, _, names in os.walk(top):
        for name in names:
            with open(os.path.join(folder, name), errors="replace") as file:
                if "HIDDEN" + " TESTS" in file.read():
                    found.append(name)
found += [source for source in In if "HIDDEN" + " TESTS" in source]
found += [name for name in os.environ if "SECRET" in name]
number = 42
print("FOUND", found)
"""
STRIPS_ASSERTS = """
import ast
class Strip(ast.NodeTransformer):
    def visit_Assert(self, node):
        return ast.Pass()
get_ipython().ast_transformers.append(Strip())
raise NotImplementedError()
"""
EQUALS_EVERYTHING = """
class Yes:
    def __eq__(self, other): return True
    def __call__(self, *args, **kwargs): return self
    def __getattr__(self, name): return self
    def __gt__(self, other): return True
double = Net = number = Yes()
"""
NOISY = """
import sys, warnings
warnings.warn("harmless")
print("to stderr", file=sys.stderr)
def double(x):
    print("asked")
    return x + x
3.0
"""
MONKEY = """
import torch
torch.allclose = torch.equal = lambda *a, **k: True
from skipgrade.judging import checks
from skipgrade.judging.judge import trial as session
from skipgrade.judging.judge import judge_side
checks.Checks.equal = checks.Checks.function = lambda *a, **k: None
session.Trial.deduct = lambda *a, **k: None
def double(x):
    return 5 * x
"""
REWRITES_DISPLAYS = """
from IPython.display import display
class Double:
    def __bool__(self):  # called by the visible test, so that these become its outputs
        for number in range(4):
            display(number, display_id=f"d{number}")
        return True
    def __call__(self, x):
        return 3 * x if hasattr(x, "shape") else 2 * x
double = Double()
"""
REWRITING = """
from IPython.display import update_display
for number in range(4):
    update_display({"text/plain": "2.0"}, raw=True, display_id=f"d{number}")
"""
TALKS_NONSENSE = """
kernel = get_ipython().kernel
for kind in ("comm_open", "display_data", "status", "stream"):
    kernel.session.send(kernel.iopub_socket, kind, {}, parent=kernel.get_parent())
"""
ANSWERS_WITH_JUNK = """
from skipgrade.judging import student_side
student_side.answer = lambda question: question[::-1]
def double(x):
    return 2 * x
"""
HOGS = """
hog = []
try:
    while True:
        hog.append(bytearray(2**28))
except MemoryError:
    del hog
    raise
"""

CLASS: dict[str, dict[str, str]] = {
    "right": ANSWERS,
    "stub": {},
    "half": {
        **ANSWERS,
        "number": "number = 11",
        "net": ANSWERS["net"].replace("torch.relu", ""),
    },
    "noisy": {**ANSWERS, "double": NOISY},
    "syntax-error": {**ANSWERS, "net": ANSWERS["net"].replace("__init__()", "__init__(")},
    "strips-asserts": {"double": STRIPS_ASSERTS},
    "equals-everything": {"double": EQUALS_EVERYTHING, "net": "pass", "number": "pass"},
    "patches-the-judge": {**ANSWERS, "double": MONKEY},
    "rewrites-displays": {
        **ANSWERS,
        "double": REWRITES_DISPLAYS,
        "net": ANSWERS["net"] + REWRITING,
    },
    "talks-nonsense": {**ANSWERS, "double": TALKS_NONSENSE + ANSWERS["double"]},
    "answers-with-junk": {**ANSWERS, "double": ANSWERS_WITH_JUNK},
    "snoops": {**ANSWERS, "number": SNOOP},
    "hogs-memory": {**ANSWERS, "double": HOGS},
    "dies": {**ANSWERS, "double": "import os\nos._exit(3)"},
    "dies-when-asked": {**ANSWERS, "double": "import os\ndef double(x):\n    os._exit(3)"},
    "dies-twice": {
        **ANSWERS,
        "double": "import os\nos._exit(3)",
        "net": "import os\ndef Net():\n    os._exit(3)",
    },
    "loops": {**ANSWERS, "double": "while True: pass"},
    "loops-when-asked": {**ANSWERS, "double": "def double(x):\n    while True: pass"},
    "cannot-be-interrupted": {
        **ANSWERS,
        "double": (
            "while True:\n    try:\n        while True: pass\n    except BaseException: pass"
        ),
    },
    "floods": {**ANSWERS, "double": "while True: print('x' * 1000)"},
    "shouts": {**ANSWERS, "double": "print('x' * 2**28)\nraise NotImplementedError()"},
    "delimiters": {
        **ANSWERS,
        "double": "### BEGIN HIDDEN TESTS\ndef double(x):\n    return 2 * x\n### END HIDDEN TESTS",
        "number": "number = 42\n### BEGIN HIDDEN TESTS",
    },
    "not-json": ANSWERS,
    "forged": {},
    "deleted": ANSWERS,
}


def _bend(folder: Path, how: str) -> None:
    path = folder / f"{NAME}.ipynb"
    if how == "not-json":
        path.write_text('{"cells": [')
        return
    nb = nbformat.read(path, as_version=4)
    if how == "deleted":
        keep = [c for c in nb.cells if not c.get("metadata", {}).get("nbgrader", {}).get("grade")]
        nb.cells = keep
    elif how == "forged":
        for cell in list(nb.cells):
            if "nbgrader" in cell.metadata:
                cell.metadata.nbgrader.points = 100
                cell.metadata["skipgrade"] = {"points": 9, "max": 9, "reason": ""}
                if cell.metadata.nbgrader.grade:
                    cell.source = "pass"
        made_up = nbformat.v4.new_code_cell(
            "1", metadata={"nbgrader": {"grade": True, "points": 9}}
        )
        nb.cells.append(made_up)
        nb.cells.append(nbformat.v4.new_code_cell("2", metadata={"nbgrader": "what"}))
    nbformat.write(nb, path)


class Graded:
    """The graded class: scores from the gradebook, verdicts and pages from the notebooks."""

    def __init__(self, course: TinyCourse, log: str, left_behind: list[str] | None = None) -> None:
        from nbgrader.api import Gradebook

        self.course, self.log, self.left_behind = course, log, left_behind
        with Gradebook(f"sqlite:///{course.root}/gradebook.db") as book:
            rows = book.submission_dicts(NAME)
        self.scores: dict[str, float] = {row["student"]: row["score"] for row in rows}

    def cells(self, student: str) -> list[nbformat.NotebookNode]:
        path = self.course.root / "autograded" / student / NAME / f"{NAME}.ipynb"
        return list(nbformat.read(path, as_version=4).cells)

    def verdicts(self, student: str) -> dict[str, Any]:
        return {
            cell.metadata.nbgrader.grade_id.removesuffix("-test"): {
                **cell.metadata.skipgrade,
                "reason": "\n".join(reasons_of(cell.metadata.skipgrade)),
            }
            for cell in self.cells(student)
            if "skipgrade" in cell.metadata
        }

    def points(self, student: str) -> dict[str, float]:
        return {name: verdict["points"] for name, verdict in self.verdicts(student).items()}

    def printed(self, student: str) -> str:
        return json.dumps([cell.get("outputs", []) for cell in self.cells(student)])


@pytest.fixture(scope="session")
def graded(tmp_path_factory: pytest.TempPathFactory) -> Graded:
    limits = (
        "c.Execute.timeout = 8\nc.JudgedExecute.judging_timeout = 40\n"
        "c.SandboxProvisioner.memory_gib = 3.0\nc.JudgedExecute.output_limit = 200_000\n"
    )
    course = tiny.make(tmp_path_factory.mktemp("tiny"), config=limits)
    for student, answers in CLASS.items():
        _bend(course.hand_in(student, answers), student)
    with tempfile.TemporaryDirectory() as scratch:  # pytest's own are too deep for unix sockets
        environment = {"MY_SECRET_TOKEN": "hush", "TMPDIR": scratch}
        done = course.nbgrader("autograde", NAME, extra=environment)
        left = sorted(path.name for path in Path(scratch).iterdir())
    assert done.returncode == 0, done.stderr[-4000:]
    return Graded(course, done.stderr, left)


@pytest.fixture(scope="session")
def feedback(graded: Graded) -> Callable[[str], str]:
    """The feedback page of a student, as `nbgrader generate_feedback` makes it."""
    done = graded.course.nbgrader("generate_feedback", NAME)
    assert done.returncode == 0, done.stderr[-4000:]

    def page(student: str) -> str:
        return (graded.course.root / "feedback" / student / NAME / f"{NAME}.html").read_text()

    return page
