"""A small notebook whose solution uses what the rules of `prove` change."""

import nbformat

from skipgrade.classroom.course import Course
from skipgrade.classroom.prove.cells import SolutionCell
from tests.classroom.conftest import ASSIGNMENT, CONFIG, cell

SETUP = "import torch\nimport torch.nn.functional as F\nfrom torch import nn"
NET = '''class Net(nn.Module):
    """A small network."""

    def __init__(self):
        super().__init__()
        ### BEGIN SOLUTION
        self.features = nn.Sequential(
            nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(4)
        )
        self.head = nn.Linear(4 * 8 * 8, 5)
        ### END SOLUTION

    def forward(self, images):
        ### BEGIN SOLUTION
        maps = F.relu(self.features(images))
        return self.head(maps.flatten(1))
        ### END SOLUTION'''
WORK = '''def work(numbers, double):
    """Several idioms."""
    ### BEGIN SOLUTION
    total, count = 0.5, 0
    squares = [number**2 for number in numbers if number < 6]
    with torch.no_grad():
        for square in squares:
            total += square * 2
            count += 1
    known = {number: number - 1 for number in numbers}
    if isinstance(count, (int, float)):
        total = total + 3
    half = torch.sigmoid(torch.tensor(total / 32)).item()
    result = sum(known.values()) + total if double else half
    return round(result + count + 12, ndigits=3)
    ### END SOLUTION'''
FLIP = """def mirrored(images):
    ### BEGIN SOLUTION
    return [images.flip(2), images.flip(1, 2), images.flip([0]), images.flip(dims=(1,))]
    ### END SOLUTION"""
FIRST = """
### BEGIN SOLUTION
chosen = 4
### END SOLUTION"""
NET_TEST = """assert Net()(torch.zeros(2, 3, 32, 32)).shape == (2, 5)
### BEGIN HIDDEN TESTS
from skipgrade.judging import check, images
check.parameters("Net()", worth=0.5)
check.function("Net()", x=images(4), worth=0.5)
### END HIDDEN TESTS"""
WORK_TEST = """assert work([1, 2], True)
### BEGIN HIDDEN TESTS
from skipgrade.judging import check
check.equal("[work([1, 2, 5, 7], True), work([3, 6, 9], False), work([], False)]")
### END HIDDEN TESTS"""
FILE_TEST = """pass
### BEGIN HIDDEN TESTS
from skipgrade.judging import handed_in
handed_in.table("numbers.json")
### END HIDDEN TESTS"""


def solution(code: str) -> SolutionCell:
    return SolutionCell("snippet", code, trains=False)


def course(root, **changed: str) -> Course:
    """A course with that notebook; `changed` are cells that say something else."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "nbgrader_config.py").write_text(CONFIG)
    folder = root / "source" / ASSIGNMENT
    folder.mkdir(parents=True)
    notebook = nbformat.v4.new_notebook()
    answer = {"solution": True}
    notebook.cells = [
        cell("code", "setup", SETUP, locked=True),
        cell("code", "net", changed.get("net", NET), **answer),
        cell("code", "net-test", changed.get("net_test", NET_TEST), grade=True, points=4),
        cell("code", "work", changed.get("work", WORK), **answer),
        cell("code", "work-test", changed.get("work_test", WORK_TEST), grade=True, points=2),
        cell("code", "first", FIRST, **answer),
        cell("code", "file-test", FILE_TEST, grade=True, points=1),
        cell("code", "train", "### BEGIN SOLUTION\nrate = 0.1\n### END SOLUTION", **answer),
    ]
    notebook.cells[-1].metadata["tags"] = ["needs-training"]
    nbformat.write(notebook, folder / f"{ASSIGNMENT}.ipynb")
    return Course(root)
