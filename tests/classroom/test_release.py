"""Is a released notebook what a student may see, in the form Colab reads?"""

import importlib.util
import sys
import types

import nbformat
import pytest

from skipgrade.classroom import release
from skipgrade.classroom.course import Course
from skipgrade.classroom.errors import CourseError

from .conftest import ASSIGNMENT


def read(course: Course) -> nbformat.NotebookNode:
    path = course.folder("release", ASSIGNMENT) / f"{ASSIGNMENT}.ipynb"
    return nbformat.read(path, as_version=nbformat.NO_CONVERT)


def test_release_is_nbformat_4_4_without_cell_ids(released: Course) -> None:
    notebook = read(released)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 4)
    assert not [cell for cell in notebook.cells if "id" in cell]
    nbformat.validate(notebook)


def test_release_starts_with_badge_and_install(released: Course) -> None:
    badge, install, title = read(released).cells[:3]
    where = "a-course/a-repository/blob/main/release/00-warm-up/00-warm-up.ipynb"
    assert f"colab.research.google.com/github/{where}" in badge.source
    assert "https://github.com/a-course/a-repository/raw/main/release/skipgrade-" in install.source
    assert title.source == "# Warm-up"


def test_install_cell_does_nothing_where_skipgrade_is(released: Course) -> None:
    """Run as IPython would, with an installer that must not be called."""
    from IPython.core.inputtransformer2 import TransformerManager

    code = TransformerManager().transform_cell(read(released).cells[1].source)

    def must_not_run() -> None:
        raise AssertionError("the install cell installs where skipgrade is importable")

    exec(code, {"get_ipython": must_not_run})


def test_a_failed_installation_is_one_sentence(released: Course, monkeypatch) -> None:
    """Is it said in the first cell, and not by a ModuleNotFoundError in the next?"""
    from IPython.core.inputtransformer2 import TransformerManager

    code = TransformerManager().transform_cell(read(released).cells[1].source)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setitem(sys.modules, "skipgrade", None)
    tried = []
    pip = types.SimpleNamespace(run_line_magic=lambda magic, line: tried.append((magic, line)))
    with pytest.raises(SystemExit, match=r"could not be installed .*run this cell again"):
        exec(code, {"get_ipython": lambda: pip})
    assert [magic for magic, _ in tried] == ["pip", "pip"]


def test_install_cell_never_asks_for_torch(released: Course) -> None:
    install = read(released).cells[1].source
    assert "torch" not in install
    assert "--no-deps" in install
    assert "safetensors" in install


def test_release_holds_no_solution_hidden_test_or_mark_scheme(released: Course) -> None:
    text = "\n".join(cell.source for cell in read(released).cells)
    assert "raise NotImplementedError()" in text
    for secret in ("2 * x", "double(21)", "BEGIN", "secret"):
        assert secret not in text


def test_release_tells_the_gradebook(released: Course) -> None:
    with released.gradebook() as book:
        assert book.find_assignment(ASSIGNMENT).max_score == 5


def test_release_leaves_training_output_behind(course: Course) -> None:
    """Does an instructor's Run All in source/ give weights or data away?"""
    source = course.folder("source", ASSIGNMENT)
    (source / "figure.svg").write_text("<svg/>")
    for name in ("lenet5-best.safetensors", "lenet5-history.json", "data/cifar/batch"):
        path = source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    release.generate(course, [ASSIGNMENT], lambda text: None)
    folder = course.folder("release", ASSIGNMENT)
    assert sorted(path.name for path in folder.iterdir()) == [f"{ASSIGNMENT}.ipynb", "figure.svg"]


def test_unknown_assignment_is_named_with_those_there_are(course: Course) -> None:
    with pytest.raises(CourseError, match=f"'00-typo'.*There is: {ASSIGNMENT}"):
        release.generate(course, ["00-typo"], lambda text: None)


def test_broken_source_is_an_error_that_names_it(course: Course) -> None:
    path = course.folder("source", ASSIGNMENT) / f"{ASSIGNMENT}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.metadata.kernelspec.language = "cobol"
    nbformat.write(notebook, path)
    with pytest.raises(
        CourseError, match=f"source/{ASSIGNMENT}.*language 'cobol' has not been specified"
    ):
        release.generate(course, [ASSIGNMENT], lambda text: None)


def test_one_broken_source_stops_all(course: Course) -> None:
    """Does `nothing was released` hold for the assignments before the broken one?"""
    broken = course.root / "source" / "02-broken" / "02-broken.ipynb"
    broken.parent.mkdir()
    broken.write_text("nothing")
    with pytest.raises(CourseError, match=r"nothing was released:\n  02-broken/02-broken\.ipynb"):
        release.generate(course, course.assignments(), lambda text: None)
    assert not (course.root / "release").exists()


def test_a_file_that_gives_something_away_is_named(released: Course) -> None:
    """nbgrader releases what lies beside a source notebook."""
    (released.root / "source" / ASSIGNMENT / "hints.py").write_text("x = 1  # ### BEGIN SOLUTION")
    release.generate(released, [ASSIGNMENT], lambda text: None)
    with pytest.raises(CourseError, match=r"00-warm-up/hints\.py holds the marker BEGIN SOLUTION"):
        release.complete(released, lambda text: None)


def test_folder_without_config_is_no_course(tmp_path) -> None:
    with pytest.raises(CourseError, match=r"nbgrader_config\.py is missing"):
        Course(tmp_path)
