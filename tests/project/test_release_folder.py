"""Is the committed release/ what `make release` would write now, and fit for students' eyes?"""

import json
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode

from skipgrade.classroom import release
from skipgrade.classroom.course import CONFIG_FILE, Course

ROOT = Path(__file__).parents[2]
RELEASE = ROOT / "release"
NOTEBOOKS = sorted(RELEASE.glob("*/*.ipynb"))
STUB = "# YOUR CODE HERE"


@pytest.fixture(scope="module")
def regenerated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """release/ as the sources would give it now, in a folder of its own."""
    folder = tmp_path_factory.mktemp("course")
    shutil.copy(ROOT / CONFIG_FILE, folder)
    for path in [ROOT / "source" / "README.md", *ROOT.glob("source/*/*.ipynb")]:
        copy = folder / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)
    course = Course(folder)
    release.generate(course, course.assignments(), lambda text: None)
    release.complete(course, lambda text: None)
    return folder / "release"


def contents(folder: Path) -> dict[str, bytes]:
    """Every file by name; a wheel as the files in it."""
    found: dict[str, bytes] = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.suffix == ".whl":
            with zipfile.ZipFile(path) as wheel:
                found |= {f"{name}/{part}": wheel.read(part) for part in wheel.namelist()}
        elif path.is_file():
            found[name] = path.read_bytes()
    return found


def test_release_is_up_to_date(regenerated: Path) -> None:
    fresh, committed = contents(regenerated), contents(RELEASE)
    assert set(committed) == set(fresh), "release/ is stale: run `make release`"
    stale = [name for name in fresh if fresh[name] != committed[name]]
    assert not stale, "release/ is stale: run `make release`"


def test_every_source_notebook_is_released() -> None:
    sources = [path.relative_to(ROOT / "source") for path in ROOT.glob("source/*/*.ipynb")]
    assert sources
    assert sorted(sources) == [path.relative_to(RELEASE) for path in NOTEBOOKS]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
class TestReleasedNotebook:
    """What a student must not find, and what Colab needs."""

    def test_form(self, path: Path) -> None:
        notebook = read(path)
        nbformat.validate(notebook)
        assert (notebook.nbformat, notebook.nbformat_minor) == (4, 4)
        assert not [cell for cell in notebook.cells if "id" in cell]
        badge, install = notebook.cells[:2]
        assert f"release/{path.parent.name}/{path.name}" in badge.source
        (wheel,) = RELEASE.glob("*.whl")
        assert f"/release/{wheel.name}" in install.source

    def test_holds_no_outputs(self, path: Path) -> None:
        code = [cell for cell in read(path).cells if cell.cell_type == "code"]
        assert code
        assert not [cell for cell in code if cell.outputs or cell.execution_count is not None]

    def test_holds_no_hidden_test_or_mark_scheme(self, path: Path) -> None:
        for cell in read(path).cells:
            for word in (
                "BEGIN ",
                "END HIDDEN",
                "HIDDEN TESTS",
                "MARK SCHEME",
                "skipgrade.judging",
            ):
                assert word not in cell.source, cell.source

    def test_hides_what_the_source_hides(self, path: Path) -> None:
        """Is every line between markers gone from the cell it stood in?"""
        released = by_grade_id(read(path))
        source = by_grade_id(read(ROOT / "source" / path.relative_to(RELEASE)))
        assert source.keys() == released.keys()
        hidden_cells = 0
        for name, cell in source.items():
            lines = hidden_lines(cell)
            hidden_cells += bool(lines)
            shown = stripped(released[name].source)
            assert not lines & (shown - {STUB, ""}), f"{name} gives something away"
        assert hidden_cells > 10

    def test_every_answer_is_a_stub(self, path: Path) -> None:
        answers = [
            cell for cell in by_grade_id(read(path)).values() if cell.metadata.nbgrader.solution
        ]
        for cell in answers:
            stub = STUB if cell.cell_type == "code" else "YOUR ANSWER HERE"
            assert stub in cell.source


def read(path: Path) -> NotebookNode:
    return nbformat.read(path, as_version=nbformat.NO_CONVERT)


def by_grade_id(notebook: NotebookNode) -> dict[str, NotebookNode]:
    graded = [cell for cell in notebook.cells if "nbgrader" in cell.metadata]
    return {cell.metadata.nbgrader.grade_id: cell for cell in graded}


REGION = re.compile(
    r"^[^\n]*BEGIN (?:SOLUTION|HIDDEN TESTS|MARK SCHEME).*?END [^\n]*$", re.DOTALL | re.MULTILINE
)


def hidden_lines(cell: NotebookNode) -> set[str]:
    """The lines that stand in a source cell only where a student must not see them."""
    whole_cell = cell.metadata.nbgrader.solution and "BEGIN SOLUTION" not in cell.source
    if whole_cell:
        return stripped(cell.source) - {""}
    return stripped(cell.source) - stripped(REGION.sub("", cell.source))


def stripped(source: str) -> set[str]:
    return {line.strip() for line in source.splitlines()}


def test_wheel_holds_the_bench_and_nothing_else() -> None:
    (wheel,) = RELEASE.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if ".dist-info/" not in name]
    assert "skipgrade/lab/__init__.py" in names
    assert [name for name in names if not name.startswith("skipgrade/lab/")] == [
        "skipgrade/__init__.py"
    ]


def test_wheel_holds_the_visible_tests_as_they_were_released() -> None:
    """Does lab.check() run what the notebooks show, with the points they give?"""
    (wheel,) = RELEASE.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        told = json.loads(archive.read("skipgrade/lab/visible_tests.json"))
    assert sorted(told) == [path.stem for path in NOTEBOOKS]
    for path in NOTEBOOKS:
        cells = by_grade_id(read(path))
        graded = {name: cell for name, cell in cells.items() if cell.metadata.nbgrader.grade}
        assert [task["name"] for task in told[path.stem]] == list(graded)
        for task in told[path.stem]:
            cell = graded[task["name"]]
            tested = not cell.metadata.nbgrader.solution
            assert task["points"] == cell.metadata.nbgrader.points
            assert task["test"] == (cell.source if tested else None)
            assert task["title"] and f"{task['title']}" in all_text(path)
            if tested:
                compile(task["test"], task["name"], "exec")


def all_text(path: Path) -> str:
    return "\n".join(cell.source for cell in read(path).cells).replace("`", "")


def test_bench_works_from_the_wheel_alone() -> None:
    """Does `from skipgrade import lab` run from the wheel, with nothing of nbgrader's?"""
    (wheel,) = RELEASE.glob("*.whl")
    program = (
        f"import sys; sys.path.insert(0, {str(wheel)!r})\n"
        "import skipgrade; from skipgrade import lab\n"
        "assert skipgrade.__file__.startswith(sys.path[0]), skipgrade.__file__\n"
        "assert lab.dataset('cifar10', 'test')[0][0].size == (32, 32)\n"
        "assert not {'nbgrader', 'jupyterlab', 'nbconvert'} & set(sys.modules)\n"
    )
    subprocess.run(
        [sys.executable, "-c", program],
        check=True,
        cwd="/",
        env={"SKIPGRADE_DATASET": "builtin", "HOME": "/tmp"},
    )
