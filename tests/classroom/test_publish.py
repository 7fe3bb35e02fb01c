"""What do students get to see, and what ends a publication before it begins?"""

from __future__ import annotations

import shutil
import subprocess
import zipfile
from pathlib import Path

import nbformat
import pytest

from skipgrade.classroom import publish
from skipgrade.classroom.answer_key import leaks
from skipgrade.classroom.colab import EXAMPLE, ColabHeader
from skipgrade.classroom.course import Course
from skipgrade.classroom.errors import CourseError
from skipgrade.classroom.publish import check_address

ROOT = Path(__file__).parents[2]
ONE = "03-cnn-design"


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Course:
    """This course with one assignment, at an address that is nobody's."""
    monkeypatch.setattr(publish, "_reached", lambda address: "not asked")
    root = tmp_path / "course"
    for folder in ("source", "release"):
        shutil.copytree(ROOT / folder / ONE, root / folder / ONE)
    for path in ROOT.glob("release/*.*"):
        shutil.copy(path, root / "release")
    config = (ROOT / "nbgrader_config.py").read_text()
    assert EXAMPLE in config
    (root / "nbgrader_config.py").write_text(config.replace(EXAMPLE, "https://github.com/me/hw"))
    return Course(root)


def published(course: Course, target: Path) -> list[str]:
    told: list[str] = []
    publish.publish(course, str(target), told.append)
    return told


def files(folder: Path) -> set[str]:
    paths = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return {str(path) for path in paths if path.parts[0] != ".git"}


def expected(course: Course) -> set[str]:
    wheel = next(course.root.glob("release/*.whl")).name
    own = {"README.md", "LICENSE", "docs/students.md", "release/README.md", f"release/{wheel}"}
    return own | {f"release/{ONE}/{ONE}.ipynb"}


def test_students_get_these_files_and_no_others(course: Course, tmp_path: Path) -> None:
    (course.root / "holdout.key").write_text("a secret that nobody may know")
    told = published(course, tmp_path / "out")
    assert files(tmp_path / "out") == expected(course)
    assert any("1 notebooks" in line and "nothing of source/" in line for line in told)


def test_a_second_time_replaces_what_is_released(course: Course, tmp_path: Path) -> None:
    published(course, tmp_path / "out")
    (tmp_path / "out" / "release" / "gone.txt").write_text("old")
    (tmp_path / "out" / "syllabus.md").write_text("the instructor's own")
    published(course, tmp_path / "out")
    assert files(tmp_path / "out") == {*expected(course), "syllabus.md"}


def source(course: Course) -> Path:
    return course.root / "source" / ONE / f"{ONE}.ipynb"


def a_solution(course: Course) -> str:
    """A line of a solution, in a README."""
    notebook = nbformat.read(source(course), as_version=4)
    code = next(c.source for c in notebook.cells if "class Block" in c.source or "def " in c.source)
    lines = code.split("### BEGIN SOLUTION")[-1].split("### END SOLUTION")[0].splitlines()
    return max((line.strip() for line in lines), key=len)


LEAKS = {
    "the source notebook": (
        lambda course, out: shutil.copy(source(course), out / "x.ipynb"),
        "BEGIN HIDDEN TESTS",
    ),
    "a solution's line": (
        lambda course, out: (out / "hints.md").write_text(f"Try:\n\n    {a_solution(course)}\n"),
        "hidden line",
    ),
    "a solution in a list, wrapped": (
        lambda course, out: (out / "hints.md").write_text(
            "- try\n  " + a_solution(course).replace(" ", "\n  ")
        ),
        "hidden line",
    ),
    "a solution in a notebook's output": (
        lambda course, out: nbformat.write(
            nbformat.v4.new_notebook(
                cells=[
                    nbformat.v4.new_code_cell(
                        outputs=[nbformat.v4.new_output("stream", text=a_solution(course))]
                    )
                ]
            ),
            out / "more.ipynb",
        ),
        "hidden line",
    ),
    "the key": (lambda course, out: (out / "holdout.key").write_text("k"), "not for students"),
    "the key under another name": (
        lambda course, out: (out / "notes.bin").write_bytes(b"\0 a secret that nobody may know \0"),
        "secret key",
    ),
    "labels": (
        lambda course, out: (out / "holdout-labels.safetensors").write_bytes(b"1"),
        "not for students",
    ),
    "a gradebook": (lambda course, out: (out / "gradebook.db").write_bytes(b"1"), "students"),
    "a link": (lambda course, out: (out / "link").symlink_to(course.root / "source"), "is a link"),
    "the judge's code": (
        lambda course, out: zipfile.ZipFile(out / "more.whl", "w").writestr("skipgrade/cli.py", ""),
        "skipgrade/cli.py",
    ),
}  # fmt: skip


@pytest.mark.parametrize("leak", LEAKS)
def test_nothing_is_published_that_gives_something_away(
    course: Course, tmp_path: Path, leak: str
) -> None:
    (course.root / "holdout.key").write_text("a secret that nobody may know")
    put, told = LEAKS[leak]
    put(course, course.root / "release" / ONE)
    with pytest.raises(CourseError, match=f"nothing was published(?s:.)*{told}"):
        published(course, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_what_is_released_here_gives_nothing_away() -> None:
    assert leaks(Course(ROOT), ROOT / "release") == []


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-c", "user.name=t", "-c", "user.email=t@t", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout


@pytest.fixture
def author(monkeypatch: pytest.MonkeyPatch) -> None:
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "course")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "course@localhost")


@pytest.mark.usefixtures("author")
def test_a_repository_is_pushed_to(course: Course, tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "--bare", "students.git")
    target = tmp_path / "students.git"
    assert any("pushed to main" in line for line in published(course, target))
    git(tmp_path, "clone", "--quiet", "--branch", "main", str(target), "seen")
    assert files(tmp_path / "seen") == expected(course)
    assert any("nothing has changed" in line for line in published(course, target))


def test_the_courses_own_repository_is_no_place(course: Course, tmp_path: Path) -> None:
    git(course.root, "init", "--quiet")
    git(course.root, "remote", "add", "origin", "git@github.com:me/hw.git")
    with pytest.raises(CourseError, match=r"this course's own repository.*Keep the course private"):
        published(course, tmp_path / "out")
    git(course.root, "remote", "set-url", "origin", "https://somewhere.org/private/course.git")
    published(course, tmp_path / "out")
    with pytest.raises(CourseError, match="own repository"):
        publish.publish(course, "ssh://git@somewhere.org/private/course", print)


@pytest.mark.parametrize("inside", ["", "students", ".."])
def test_no_folder_of_the_course_is_a_place(course: Course, inside: str) -> None:
    with pytest.raises(CourseError, match="folder of its own"):
        published(course, course.root / inside)


def test_another_course_is_no_place(course: Course, tmp_path: Path) -> None:
    (tmp_path / "other" / "source").mkdir(parents=True)
    with pytest.raises(CourseError, match="is a course itself"):
        published(course, tmp_path / "other")


def test_nothing_released_is_an_error(course: Course, tmp_path: Path) -> None:
    shutil.rmtree(course.root / "release")
    with pytest.raises(CourseError, match="skipgrade release"):
        published(course, tmp_path / "out")


@pytest.mark.parametrize(
    "address",
    ["", "github.com/me/hw", "http://github.com/me/hw", "https://github.com/me/hw/",
     "https://github.com/me/hw.git", "https://github.com/", "git@github.com:me/hw"],
)  # fmt: skip
def test_addresses_that_cannot_be_right(address: str) -> None:
    with pytest.raises(CourseError, match=r"has to begin with https://"):
        check_address(ColabHeader(repository=address), [])


def test_the_example_is_warned_of_and_never_pushed(course: Course, tmp_path: Path) -> None:
    course.config.ColabHeader.repository = EXAMPLE
    assert "WARNING" in published(course, tmp_path / "out")[0]
    with pytest.raises(CourseError, match="still the example"):
        publish.publish(course, "https://github.com/me/hw.git", print)


@pytest.mark.parametrize(
    ("repository", "notebook", "wheel"),
    [
        ("https://github.com/me/hw", "https://colab.research.google.com/github/me/hw/blob/main/release/a/a.ipynb",
         "https://github.com/me/hw/raw/main/release"),
        ("https://gitlab.com/me/hw", "https://gitlab.com/me/hw/-/blob/main/release/a/a.ipynb",
         "https://gitlab.com/me/hw/-/raw/main/release"),
        ("https://gitlab.some.edu/x/y/hw", "https://gitlab.some.edu/x/y/hw/-/blob/main/release/a/a.ipynb",
         "https://gitlab.some.edu/x/y/hw/-/raw/main/release"),
    ],
)  # fmt: skip
def test_addresses_by_host(repository: str, notebook: str, wheel: str) -> None:
    header = ColabHeader(repository=repository)
    assert header.notebook_address("a", "a") == notebook
    assert header.release_url == wheel


def test_a_document_that_is_nowhere_is_named(
    course: Course, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Where skipgrade is installed from its wheel there are no documents beside it."""
    assert publish._document(course, "LICENSE").is_file()
    monkeypatch.setattr(publish, "PROJECT", tmp_path / "site-packages")
    with pytest.raises(CourseError, match=r"docs/students\.md is missing.*write it, or copy"):
        publish._document(course, "docs/students.md")
