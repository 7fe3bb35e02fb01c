"""Is an honest submission that came in bent graded as its unbent twin?"""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbgrader.api import Gradebook

from skipgrade.judging.repairs import repairs
from tests.bent import course as bent
from tests.bent.bank import BENDS
from tests.judging.tiny import TinyCourse

WAYS = {"nbgrader": ("nbgrader", "autograde"), "skipgrade": ("skipgrade.cli", "grade")}


def folder_name(title: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in title)


@pytest.fixture(
    scope="module",
    params=[pytest.param(way, marks=pytest.mark.xdist_group(f"bent-{way}")) for way in WAYS],
)
def graded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> TinyCourse:
    course = bent.make(tmp_path_factory.mktemp("bent"))
    bent.hand_in(course, "straight")
    for title, how in BENDS.items():
        how(bent.hand_in(course, folder_name(title)))
    module, verb = WAYS[request.param]
    done = course.command(module, verb, bent.NAME)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return course


def scores(course: TinyCourse) -> dict[str, float]:
    with Gradebook(f"sqlite:///{course.root}/gradebook.db") as book:
        return {row["student"]: row["score"] for row in book.submission_dicts(bent.NAME)}


@pytest.mark.parametrize("title", BENDS)
def test_graded_as_its_twin(graded: TinyCourse, title: str) -> None:
    assert scores(graded)["straight"] == bent.FULL
    assert scores(graded).get(folder_name(title)) == bent.FULL, why(graded, title)


def why(course: TinyCourse, title: str) -> str:
    path = Path(course.root, "autograded", folder_name(title), bent.NAME, f"{bent.NAME}.ipynb")
    if not path.is_file():
        return "no graded notebook"
    notebook = nbformat.read(path, as_version=4)
    lost = [
        (cell.metadata.nbgrader.grade_id, verdict.get("reasons"), verdict.get("earlier"))
        for cell in notebook.cells
        if (verdict := cell.metadata.get("skipgrade", {})) and verdict["share"] < 1
    ]
    return f"{lost}; repaired: {repairs(notebook)}"
