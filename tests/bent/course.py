"""A small course with everything that can be bent: a locked set-up, answers in code and in words,
tests, and files of a run. A right submission earns 10 of 10, and 2 wait for a person.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import nbformat
import torch
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from safetensors.torch import save_file

from tests.judging.tiny import ROOT, TinyCourse

NAME = "07-bent"
FULL = 10.0
SETUP = "import math\n\nimport torch\nfrom torch import nn\n\nSCALE = 2"
SOURCES = {
    "claim": "# True or False?\n### BEGIN SOLUTION\nanswer_1 = True\n### END SOLUTION",
    "double": (
        'def double(x):\n    """Twice x."""\n'
        "    ### BEGIN SOLUTION\n    return SCALE * x\n    ### END SOLUTION"
    ),
    "net": (
        "# Net()\n### BEGIN SOLUTION\nclass Net(nn.Module):\n"
        "    def __init__(self):\n        super().__init__()\n"
        "        self.layer = nn.Linear(12, 3)\n\n"
        "    def forward(self, x):\n        return self.layer(x.flatten(1))\n### END SOLUTION"
    ),
}
ANSWERS = {
    name: "\n".join(line for line in source.splitlines() if "###" not in line)
    for name, source in SOURCES.items()
} | {"why": "The layer is linear: twice its input is twice what comes out, except for the bias."}
TESTS = {  # visible part, hidden part, points
    "claim": ('assert isinstance(answer_1, bool), "True or False"', 'check.written("answer_1")', 1),
    "double": ('assert double(2) == 4, "twice two"', 'check.equal("double(x)", x=7)', 3),
    "net": (
        'assert Net()(torch.zeros(1, 12)).shape == (1, 3), "three scores"',
        "check.function('Net()', x=images(3, size=2))",
        4,
    ),
    "run": (
        'assert Net() is not None, "a network to train"',
        "named = set(handed_in.weights('plain')) == {'layer.bias', 'layer.weight'}\n"
        "check.that(named, expected='a bias and a weight', got='others')\n"
        "check.that(len(handed_in.predictions('table.csv')) == 3,\n"
        "           expected='three rows', got='others')",
        2,
    ),
}
IMPORTS = "from skipgrade.judging import check, handed_in, images"


def cell(kind: str, name: str, source: str, **flags: object) -> NotebookNode:
    new = new_code_cell if kind == "code" else new_markdown_cell
    marks = {"grade": False, "solution": False, "locked": False, "task": False} | flags
    marks |= {"grade_id": name, "schema_version": 3}
    if flags.get("grade"):
        marks["cell_type"] = kind
    return new(source, metadata={"nbgrader": marks, "deletable": False})


def source_notebook() -> NotebookNode:
    cells = [new_markdown_cell("# Bent"), cell("code", "setup", SETUP, locked=True)]
    for name, (visible, hidden, points) in TESTS.items():
        cells.append(new_markdown_cell(f"## The {name}"))
        if name in SOURCES:
            cells.append(cell("code", name, SOURCES[name], solution=True))
        test = f"{visible}\n### BEGIN HIDDEN TESTS\n{IMPORTS}\n{hidden}\n### END HIDDEN TESTS"
        cells.append(cell("code", f"test-{name}", test, grade=True, locked=True, points=points))
    cells.append(new_markdown_cell("## Why is that?"))
    scheme = "YOUR ANSWER HERE\n\n=== BEGIN MARK SCHEME ===\n2: linear\n=== END MARK SCHEME ==="
    cells.append(cell("markdown", "why", scheme, grade=True, solution=True, points=2))
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = new_notebook(cells=cells, metadata={"kernelspec": kernel})
    notebook.nbformat_minor = 4
    for each in notebook.cells:
        each.pop("id", None)
    return notebook


def make(root: Path) -> TinyCourse:
    """The course, with the assignment released as nbgrader does it."""
    folder = root / "source" / NAME
    folder.mkdir(parents=True)
    nbformat.write(source_notebook(), folder / f"{NAME}.ipynb")
    shutil.copy(ROOT / "nbgrader_config.py", root / "nbgrader_config.py")
    with (root / "nbgrader_config.py").open("a") as file:
        file.write("\nc.Execute.timeout = 5\n")
    course = TinyCourse(root)
    done = course.nbgrader("generate_assignment", NAME)
    assert done.returncode == 0, done.stderr
    return course


def hand_in(course: TinyCourse, student: str, answers: Mapping[str, str] = ANSWERS) -> Path:
    """A right submission, not bent yet: the notebook and the files of its run."""
    released = nbformat.read(course.root / "release" / NAME / f"{NAME}.ipynb", as_version=4)
    for each in released.cells:
        name = each.metadata.get("nbgrader", {}).get("grade_id")
        each.source = answers.get(name, each.source)
    folder = course.root / "submitted" / student / NAME
    folder.mkdir(parents=True)
    nbformat.write(released, folder / f"{NAME}.ipynb")
    write_run(folder)
    return folder


def write_run(folder: Path) -> None:
    """The files of a run that was trained."""
    weights = {"layer.weight": torch.zeros(3, 12), "layer.bias": torch.zeros(3)}
    save_file(weights, folder / "plain-best.safetensors")
    (folder / "table.csv").write_text("id,label\n0,1\n1,0\n2,2\n")
