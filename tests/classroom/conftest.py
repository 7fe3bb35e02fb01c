"""A course of one small assignment, without the judge: what is nbgrader's and what is ours."""

import shutil
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode

from skipgrade.classroom import grading, release
from skipgrade.classroom.course import Course

ASSIGNMENT = "00-warm-up"
CONFIG = """\
from nbgrader.converters import GenerateAssignment
from skipgrade.classroom.colab import ColabHeader

c = get_config()
c.CourseDirectory.course_id = "mini"
c.ColabHeader.repository = "https://github.com/a-course/a-repository"
c.GenerateAssignment.preprocessors = [*GenerateAssignment.preprocessors.default(), ColabHeader]
c.GenerateAssignment.post_convert_hook = "skipgrade.classroom.leftovers.drop_from_release"
"""


def cell(kind: str, grade_id: str, source: str, **grading: object) -> NotebookNode:
    """A notebook cell as nbgrader's Create Assignment writes it."""
    new = nbformat.v4.new_code_cell if kind == "code" else nbformat.v4.new_markdown_cell
    flags = {"grade": False, "solution": False, "locked": False, "task": False} | grading
    nbgrader = {"grade_id": grade_id, "schema_version": 3, "cell_type": kind, **flags}
    return new(source, id=grade_id, metadata={"nbgrader": nbgrader})


def source_notebook() -> NotebookNode:
    """One function worth 3 points, and one written answer worth 2."""
    notebook = nbformat.v4.new_notebook(
        metadata={"kernelspec": {"name": "python3", "language": "python", "display_name": "Python"}}
    )
    notebook.cells = [
        nbformat.v4.new_markdown_cell("# Warm-up", id="title"),
        cell(
            "code",
            "double",
            "def double(x):\n    ### BEGIN SOLUTION\n    return 2 * x\n    ### END SOLUTION",
            solution=True,
        ),
        cell(
            "code",
            "double-test",
            "assert double(1) == 2\n"
            "### BEGIN HIDDEN TESTS\nassert double(21) == 42\n### END HIDDEN TESTS",
            grade=True,
            locked=True,
            points=3,
        ),
        cell(
            "markdown",
            "why",
            "Why?\n\n=== BEGIN MARK SCHEME ===\nsecret\n=== END MARK SCHEME ===",
            grade=True,
            solution=True,
            points=2,
        ),
    ]
    return notebook


def new_course(root: Path) -> Course:
    root.mkdir(parents=True, exist_ok=True)
    (root / "nbgrader_config.py").write_text(CONFIG)
    folder = root / "source" / ASSIGNMENT
    folder.mkdir(parents=True)
    nbformat.write(source_notebook(), folder / f"{ASSIGNMENT}.ipynb")
    return Course(root)


@pytest.fixture
def course(tmp_path: Path) -> Course:
    """The mini course with its source notebook, nothing released yet."""
    return new_course(tmp_path)


@pytest.fixture(scope="session")
def released_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    course = new_course(tmp_path_factory.mktemp("released"))
    release.generate(course, [ASSIGNMENT], lambda text: None)
    return course.root


@pytest.fixture
def released(released_once: Path, tmp_path: Path) -> Course:
    """The mini course after `skipgrade release`, a copy for each test."""
    return Course(shutil.copytree(released_once, tmp_path / "course"))


@pytest.fixture(scope="session")
def graded_once(released_once: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    course = Course(
        shutil.copytree(released_once, tmp_path_factory.mktemp("graded-once") / "course")
    )
    submit(course, "right", "2 * x")
    submit(course, "wrong", "x ** 3")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("SKIPGRADE_DATASET", raising=False)
        grading.grade(course, ASSIGNMENT, say=lambda text: None)
    return course.root


@pytest.fixture
def finished(graded_once: Path, tmp_path: Path) -> Course:
    """The mini course with a class of two graded, a copy for each test."""
    return Course(shutil.copytree(graded_once, tmp_path / "course"))


def submit(course: Course, student: str, answer: str | None = None) -> Path:
    """Hand in the released notebook, with the function's body filled in or left a stub."""
    released = course.folder("release", ASSIGNMENT) / f"{ASSIGNMENT}.ipynb"
    notebook = nbformat.read(released, as_version=nbformat.NO_CONVERT)
    if answer is not None:
        for one in notebook.cells:
            if one.metadata.get("nbgrader", {}).get("grade_id") == "double":
                one.source = f"def double(x):\n    return {answer}"
    path = course.root / "submitted" / student / ASSIGNMENT / f"{ASSIGNMENT}.ipynb"
    path.parent.mkdir(parents=True)
    nbformat.write(notebook, path)
    return path
