"""Can a course be made of what is here, and taken from its first command to its first grade?"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from hatchling.builders.sdist import SdistBuilder

from skipgrade import __version__, cli
from skipgrade.classroom import lint, new_course, protection
from skipgrade.classroom.colab import EXAMPLE
from skipgrade.classroom.course import Course
from tests.conftest import BIN, ROOT
from tests.judging import tiny

FIRST = "01-lenet5-pipeline"


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sdist")
    return Path(next(SdistBuilder(str(ROOT)).build(directory=str(folder), versions=["standard"])))


def files(folder: Path) -> dict[str, bytes]:
    paths = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def test_it_holds_these_files_and_no_others(tmp_path: Path) -> None:
    assert cli.main(["new", str(tmp_path / "vision"), "--assignments", f"{FIRST}, 05"]) == 0
    course = Course(tmp_path / "vision")
    chosen = [FIRST, "05-resnet20-tuning"]
    notebooks = {f"source/{name}/{name}.ipynb" for name in chosen}
    own = {"README.md", ".gitignore", "LICENSE", "nbgrader_config.py", "docs/students.md"}
    assert files(course.root).keys() == own | notebooks
    assert course.config.CourseDirectory.course_id == "vision"
    assert course.config.Marking.capped == [chosen]
    assert [str(one) for name in chosen for one in lint.examine(course, name)] == []


def _as_zip(archive: Path, folder: Path) -> Path:
    """As a Git host packs a branch: the folder is named after it."""
    with tarfile.open(archive) as packed, zipfile.ZipFile(folder / "main.zip", "w") as repacked:
        for member in packed:
            if file := packed.extractfile(member):
                name = Path(member.name).relative_to(Path(member.name).parts[0])
                repacked.writestr(f"skipgrade-main/{name.as_posix()}", file.read())
    return folder / "main.zip"


@pytest.mark.parametrize("kind", ["tar.gz", "zip"])
def test_all_of_them_from_the_source_archive(archive: Path, tmp_path: Path, kind: str) -> None:
    origin = _as_zip(archive, tmp_path) if kind == "zip" else archive
    clone, archived = tmp_path / "clone" / "vision", tmp_path / "archive" / "vision"
    assert cli.main(["new", str(clone)]) == 0
    assert cli.main(["new", str(archived), "--from", str(origin)]) == 0
    assert files(archived) == files(clone)
    assert Course(clone).assignments() == Course(ROOT).assignments()
    assert (clone / "source/README.md").is_file()


def test_nothing_that_lies_in_the_clone_comes_along(tmp_path: Path) -> None:
    """A course in use: a key, a gradebook, a pack, weights of a Run All."""
    clone = tmp_path / "clone"
    for name in (*new_course.COPIED, new_course.VERSION, f"source/{FIRST}/{FIRST}.ipynb"):
        (clone / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, clone / name)
    before = files(clone).keys()
    for name in ("holdout.key", "gradebook.db", "release/x/x.ipynb", f"source/{FIRST}/a.pt"):
        (clone / name).parent.mkdir(parents=True, exist_ok=True)
        (clone / name).write_text("x")
    assert cli.main(["new", str(tmp_path / "own"), "--from", str(clone)]) == 0
    assert files(tmp_path / "own").keys() == {*before, "README.md"} - {new_course.VERSION}


def _other_version(folder: Path) -> Path:
    shutil.copytree(ROOT / "docs", folder / "docs")
    (folder / "skipgrade").mkdir()
    (folder / "skipgrade" / "__init__.py").write_text('__version__ = "9.9"\n')
    for name in new_course.COPIED:
        shutil.copy(ROOT / name, folder / name)
    return folder


def _empty_archive(folder: Path) -> Path:
    with tarfile.open(folder / "empty.tar.gz", "w:gz"):
        return folder / "empty.tar.gz"


def _cut_archive(folder: Path) -> Path:
    (folder / "notes.txt").write_text("notes " * 1000)
    with tarfile.open(folder / "cut.tar.gz", "w:gz") as archive:
        archive.add(folder / "notes.txt", "skipgrade/nbgrader_config.py")
    (folder / "cut.tar.gz").write_bytes((folder / "cut.tar.gz").read_bytes()[:-40])
    return folder / "cut.tar.gz"


def _damaged_zip(folder: Path) -> Path:
    with zipfile.ZipFile(folder / "main.zip", "w") as archive:
        archive.writestr("skipgrade/nbgrader_config.py", "c = get_config()" * 100)
    content = (folder / "main.zip").read_bytes()
    (folder / "main.zip").write_bytes(content.replace(b"c = get", b"c - get", 1))
    return folder / "main.zip"


WRONG = {
    "nothing there": (lambda folder: folder / "none.tar.gz", "cannot be read as an archive"),
    "no archive": (lambda folder: ROOT / "LICENSE", "cannot be read as an archive"),
    "half an archive": (_cut_archive, "cannot be read as an archive"),
    "a damaged zip": (_damaged_zip, "cannot be read as an archive (Bad CRC-32"),
    "another archive": (_empty_archive, "is not skipgrade's: nbgrader_config.py is missing"),
    "another folder": (lambda folder: folder, "is not skipgrade's: nbgrader_config.py is missing"),
    "another version": (_other_version, f"is of skipgrade 9.9, and {__version__} is installed"),
}


@pytest.mark.parametrize(("origin", "told"), WRONG.values(), ids=WRONG)
def test_what_it_cannot_be_made_of_is_named(
    origin: object, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "origin").mkdir()
    place = origin(tmp_path / "origin")  # type: ignore[operator]
    assert cli.main(["new", str(tmp_path / "own"), "--from", str(place)]) == cli.NOT_DONE
    error = capsys.readouterr().err
    assert told in error and error.count("\n") == 1
    assert not (tmp_path / "own").exists()


@pytest.mark.parametrize(
    ("wanted", "told"), [("0", "'0' names 8"), ("01,09", "'09' names 0"), ("", "'' names 0")]
)
def test_names_that_mean_no_one_assignment(
    wanted: str, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["new", str(tmp_path / "own"), f"--assignments={wanted}"]
    assert cli.main(command) == cli.NOT_DONE
    assert f"{told} assignments. There is: {FIRST}" in capsys.readouterr().err
    assert not (tmp_path / "own").exists()


def test_a_folder_in_use_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    assert cli.main(["new", str(tmp_path)]) == cli.NOT_DONE
    assert "is there already" in capsys.readouterr().err
    assert files(tmp_path) == {"mine.txt": b"mine"}


def documented() -> Iterator[str]:
    """The commands of the chapter, with assignment 01 alone, which needs no final test images."""
    text = (ROOT / "docs" / "instructors.md").read_text()
    chapter = text.partition("## A course of your own\n")[2].partition("\n## ")[0]
    for line in re.findall(r"^    (.+)$", chapter, re.MULTILINE):
        if "holdout" not in line:
            yield line.partition("  #")[0].strip().replace("01,05", "01")


def test_from_the_first_command_to_the_first_grade(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every command that docs/instructors.md names, with a small notebook in the place of 01."""
    remote, vision = tmp_path / "homework.git", tmp_path / "vision"
    subprocess.run(["git", "init", "--quiet", "--bare", remote], check=True)
    for name, value in {
        "PATH": os.pathsep.join([str(BIN), os.environ["PATH"]]),
        "HOME": str(tmp_path),
        "SKIPGRADE_DATASET": "builtin",
        "GIT_CONFIG_COUNT": "2",
        "GIT_CONFIG_KEY_0": "user.name",
        "GIT_CONFIG_VALUE_0": "me",
        "GIT_CONFIG_KEY_1": "user.email",
        "GIT_CONFIG_VALUE_1": "me@example.org",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("MPLBACKEND", raising=False)
    here, said = tmp_path, {}
    for command in documented():
        if command.startswith("cd "):
            here = vision
            small = tiny.notebook(tiny.ANSWERS, hidden=True, solution_marks=True)
            nbformat.write(small, vision / f"source/{FIRST}/{FIRST}.ipynb")
            continue
        if command.startswith("skipgrade release"):
            config = vision / "nbgrader_config.py"
            config.write_text(config.read_text().replace(EXAMPLE, "https://host.invalid/me/hw"))
            protection.accept_missing(config)
        if command.startswith("skipgrade collect"):
            _hand_in(vision / f"build/rehearsal/{FIRST}/submitted/solution/{FIRST}", vision)
        line = command.replace("git@github.com:me/homework.git", str(remote))
        done = subprocess.run(["sh", "-c", line], cwd=here, capture_output=True, text=True)
        said[command.removeprefix("SKIPGRADE_DATASET=builtin ").split()[1]] = done.stdout
        assert done.returncode == 0 or "doctor" in command, done.stdout + done.stderr
    assert "The solution earns every point, the stubs none." in said["rehearse"]
    assert re.search(r"s1001 +9 / 9", said["report"])
    assert (vision / f"feedback/s1001/{FIRST}/{FIRST}.html").is_file()
    (grades,) = vision.glob("grades-*.csv")
    assert "s1001" in grades.read_text()
    listed = ["git", "-C", str(remote), "ls-tree", "-r", "--name-only", "main"]
    published = subprocess.run(listed, capture_output=True, text=True, check=True).stdout
    assert f"release/{FIRST}/{FIRST}.ipynb" in published and "source" not in published


def _hand_in(work: Path, course: Path) -> None:
    """The rehearsal's solution, as a platform hands it out."""
    inner = course / f"{FIRST}_s1001.zip"
    with zipfile.ZipFile(inner, "w") as file:
        for path in sorted(work.iterdir()):
            if path.suffix in (".ipynb", ".json") or path.name.endswith("-best.safetensors"):
                file.write(path, path.name)
    with zipfile.ZipFile(course / "submissions.zip", "w") as file:
        file.write(inner, inner.name)
