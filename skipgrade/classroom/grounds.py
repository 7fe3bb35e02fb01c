"""What verdicts follow from: the submission, the tests, the solution, settings and versions.

Kept with every grading as hashes (versions as they are), by kind and name. Two gradings with the
same grounds have the same verdicts; where verdicts differ, so does one of these.
"""

import hashlib
import os
import platform
import re
from collections.abc import Iterable
from functools import lru_cache
from importlib import metadata
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbgrader.utils import is_locked, is_solution

from skipgrade import __version__
from skipgrade.classroom.course import CONFIG_FILE, Course
from skipgrade.classroom.ledger import Files, files_beside
from skipgrade.judging.grader.execute import JudgedExecute
from skipgrade.judging.grader.matching import grade_id
from skipgrade.judging.grader.source import is_automatic, split
from skipgrade.judging.secret import read_secret

Grounds = dict[str, dict[str, str]]

PACKAGES = (
    "torch", "torchvision", "numpy", "safetensors", "matplotlib", "nbgrader", "nbclient",
    "nbconvert", "nbformat", "ipykernel", "jupyter_client",
)  # fmt: skip
SETTINGS = ("SKIPGRADE_DATASET", "SKIPGRADE_BACKBONE")
OWN_CELLS = "other cells of the notebook"
GIVEN = "given cells of the source notebook"
TIME = "timestamp.txt"
ROOMS = ("judging", "lab", "sandbox")  # whose code decides
RUN_FILE = re.compile(r"-(best|last|resume|history)$")
QUOTED = re.compile(r"""["']([^"'\n]+)["']""")


def digest(content: str | bytes) -> str:
    data = content.encode() if isinstance(content, str) else content
    return hashlib.sha256(data).hexdigest()[:16]


def versions() -> dict[str, str]:
    """Of this process: the packages, Python, and the settings of its environment."""
    settings = {name: os.environ[name] for name in SETTINGS if name in os.environ}
    return _installed() | settings


@lru_cache
def _installed() -> dict[str, str]:
    own = {"Python": platform.python_version(), "skipgrade": f"{__version__} {_own_code()}"}
    return own | {package: metadata.version(package) for package in PACKAGES}


def _own_code() -> str:
    """The version alone does not tell one checkout from the next."""
    project = Path(__file__).parents[1]
    files = [path for room in ROOMS for path in sorted(project.glob(f"{room}/**/*.py"))]
    return digest(b"\n".join(path.read_bytes() for path in files))[:8]


def of_hand_in(graded: Path, files: Files) -> Grounds:
    """What a worker knows: the student's cells and files, and the versions it grades with."""
    return {
        "answers": _cells(_notebooks(graded), OWN_CELLS),
        "files": {
            name: digest(told[2])
            for name, told in files.items()
            if Path(name).suffix != ".ipynb" and name != TIME
        },
        "versions": versions(),
    }


def of_course(course: Course, assignment: str) -> Grounds:
    """The tests, the solution and everything else that is the course's."""
    source = course.folder("source", assignment)
    found: Grounds = {"hidden": {}, "visible": {}, "points": {}}
    notebooks = _notebooks(source)
    for cell in (cell for notebook in notebooks for cell in notebook.cells):
        if is_automatic(cell):
            visible, hidden = split(cell.source)
            name = grade_id(cell)
            found["hidden"][name], found["visible"][name] = digest(hidden), digest(visible)
            found["points"][name] = f"{cell.metadata.nbgrader['points']:g}"
    found["solution"] = _cells(notebooks, GIVEN)
    found["course"] = {name: digest(told) for name, told in files_beside(source).items()}
    found["course"][CONFIG_FILE] = digest((course.root / CONFIG_FILE).read_bytes())
    return found


def of_key(course: Course) -> dict[str, str]:
    """The key, from which inputs and held-out images follow; the first grading may draw it."""
    path = course.root / JudgedExecute(config=course.config).secret_file
    return {path.name: digest(read_secret(path))} if path.is_file() else {}


def near_tests(course: Course, assignment: str) -> dict[str, tuple[list[str], set[str]]]:
    """By test cell: the answers between it and the test before, and the names its text quotes."""
    found: dict[str, tuple[list[str], set[str]]] = {}
    answers: list[str] = []
    for notebook in _notebooks(course.folder("source", assignment)):
        after_test = True
        for cell in notebook.cells:
            if is_automatic(cell):
                found[grade_id(cell)] = list(answers), set(QUOTED.findall(cell.source))
                after_test = True
            elif cell.cell_type == "code" and is_solution(cell):
                answers = [*([] if after_test else answers), grade_id(cell)]
                after_test = False
    return found


def files_named(files: Iterable[str], quoted: set[str]) -> list[str]:
    """The files that a test speaks of, by their names or their runs'."""
    return [one for one in files if one in quoted or RUN_FILE.sub("", Path(one).stem) in quoted]


def _notebooks(folder: Path) -> list[NotebookNode]:
    return [nbformat.read(path, as_version=4) for path in sorted(folder.glob("*.ipynb"))]


def _cells(notebooks: Iterable[NotebookNode], others: str) -> dict[str, str]:
    """Answers by name, and all code outside locked cells and tests under one name."""
    found, rest = {}, []
    for cell in (cell for notebook in notebooks for cell in notebook.cells):
        if cell.cell_type != "code" or is_automatic(cell):
            continue
        if is_solution(cell):
            found[grade_id(cell)] = digest(cell.source)
        elif others == GIVEN or not is_locked(cell):
            rest.append(cell.source)
    return found | {others: digest("\n\n".join(rest))}
