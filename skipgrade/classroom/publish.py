"""What students may see, put into a folder or repository of its own.

The course's own repository holds solutions, hidden tests and mark schemes; it stays private.
"""

import re
import shutil
import subprocess
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable
from pathlib import Path

from skipgrade.classroom import release
from skipgrade.classroom.answer_key import leaks
from skipgrade.classroom.colab import EXAMPLE, ColabHeader
from skipgrade.classroom.course import CONFIG_FILE, Course
from skipgrade.classroom.errors import CourseError
from skipgrade.classroom.paths import PROJECT

REMOTE = re.compile(r"[a-z+]+://.+|[\w.-]+@[\w.-]+:.+|.+\.git/?")
README = """\
# Homework

The notebooks are in [release/](release/README.md): open a badge there, and work in Colab.
[docs/students.md](docs/students.md) tells how to work, how to hand in, and how it is graded.
"""
ANSWER_SECONDS = 5

Say = Callable[[str], None]


def publish(course: Course, target: str, say: Say) -> None:
    """Write what students may see into a folder, or into a git repository at an address."""
    header = ColabHeader(config=course.config)
    for told in check_address(header, remotes(course.root)):
        say(f"  {told}")
    if not REMOTE.fullmatch(target) or (Path(target).is_dir() and not _is_bare(Path(target))):
        _write(course, Path(target), say)
        return
    if header.repository == EXAMPLE:
        raise CourseError(f"{_set_address()} Publishing to {target} waits for that.")
    if _same(target, remotes(course.root)):
        raise CourseError(
            f"{target} is this course's own repository, answers and all. {_private()}"
        )
    _push(course, target, header.branch, say)


def check_address(header: ColabHeader, own: Iterable[str]) -> list[str]:
    """What is to be said of the address that stands in released notebooks; an error if wrong."""
    address = header.repository
    if not re.fullmatch(r"https://[^/\s]+/[^\s]+[^/\s]", address) or address.endswith(".git"):
        raise CourseError(
            f"c.ColabHeader.repository in {CONFIG_FILE} is {address!r}. It has to begin with "
            "https:// and end with the repository's name, without a slash or .git after it."
        )
    if _same(address, own):
        raise CourseError(
            f"c.ColabHeader.repository in {CONFIG_FILE} is this course's own repository "
            f"({address}): students would find solutions and hidden tests there. {_private()}"
        )
    if address == EXAMPLE:
        return [f"WARNING: {_set_address()}"]
    return [f"{address}: {_reached(address)}"]


def remotes(folder: Path) -> list[str]:
    """The addresses of the git repository that a folder lies in, if it lies in one."""
    done = subprocess.run(
        ["git", "config", "--get-regexp", r"^remote\..*\.(url|pushurl)$"],
        cwd=folder, capture_output=True, text=True,
    )  # fmt: skip
    return [line.split(" ", 1)[1] for line in done.stdout.splitlines() if " " in line]


def _set_address() -> str:
    return (
        f"c.ColabHeader.repository in {CONFIG_FILE} is still the example {EXAMPLE}. Set it to the "
        "address students will use, and `make release`: it stands in every released notebook."
    )


def _private() -> str:
    return "Keep the course private, and publish to another repository."


def _same(address: str, others: Iterable[str]) -> bool:
    return _plain(address) in map(_plain, others)


def _plain(address: str) -> str:
    """The same for all forms of one repository's address: host and path."""
    bare = re.sub(r"^[a-z+]+://(?:[^@/]*@)?|^[\w.-]+@", "", address.strip())
    return re.sub(r"\.git/?$|/$", "", bare.replace(":", "/", 1)).casefold()


def _reached(address: str) -> str:
    try:
        asked = urllib.request.Request(address, method="HEAD")
        with urllib.request.urlopen(asked, timeout=ANSWER_SECONDS):
            return "it answers"
    except urllib.error.HTTPError as error:
        return f"WARNING: it answers with {error.code}; can students see it?"
    except (OSError, ValueError):
        return "not checked, it could not be reached from here"


def _is_bare(folder: Path) -> bool:
    return (folder / "HEAD").is_file() and (folder / "objects").is_dir()


def _push(course: Course, target: str, branch: str, say: Say) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        clone = Path(scratch, "clone")
        _git(Path(scratch), "clone", "--quiet", target, str(clone))
        there = f"origin/{branch}" in _git(clone, "branch", "--remotes").split()
        start = [f"origin/{branch}"] if there else []
        _git(clone, "checkout", "--quiet", "-B", branch, *start)
        _write(course, clone, say)
        _git(clone, "add", "--all")
        if not _git(clone, "status", "--porcelain"):
            say(f"  {target}: nothing has changed")
            return
        _git(clone, "commit", "--quiet", "--message", "Publish the assignments")
        _git(clone, "push", "--quiet", "origin", f"HEAD:{branch}")
    say(f"  {target}: pushed to {branch}")


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True)
    if done.returncode:
        told = (done.stderr or done.stdout).strip().splitlines() or ["no reason given"]
        raise CourseError(f"git {arguments[0]} failed: {told[-1]}")
    return done.stdout


def _write(course: Course, folder: Path, say: Say) -> None:
    folder = folder.resolve()
    if folder == course.root or course.root in folder.parents or folder in course.root.parents:
        raise CourseError(
            f"{folder} lies in the course, or the course in it. Name a folder of its own."
        )
    if (folder / CONFIG_FILE).exists() or (folder / "source").exists():
        raise CourseError(f"{folder} is a course itself. Name a folder that is for students only.")
    released = release.folder(course)
    with tempfile.TemporaryDirectory() as scratch:
        made = Path(scratch, "made")
        shutil.copytree(released, made / "release", symlinks=True, ignore=_not_for_students)
        (made / "docs").mkdir()
        shutil.copy(_document(course, "docs/students.md"), made / "docs")
        shutil.copy(_document(course, "LICENSE"), made)
        (made / "README.md").write_text(README)
        if found := leaks(course, made):
            raise CourseError("nothing was published:", found)
        if (folder / "release").exists():
            shutil.rmtree(folder / "release")
        shutil.copytree(made, folder, dirs_exist_ok=True)
    notebooks = len(list((folder / "release").glob("*/*.ipynb")))
    say(f"  {folder}: {notebooks} notebooks, README.md, docs/students.md; nothing of source/ in it")


_not_for_students = shutil.ignore_patterns(".ipynb_checkpoints", "__pycache__", ".DS_Store")


def _document(course: Course, name: str) -> Path:
    """A course may have its own; a clone of skipgrade has them all."""
    for place in (course.root, PROJECT):
        if (place / name).is_file():
            return place / name
    raise CourseError(
        f"{course.root / name} is missing, which students get with the notebooks: write it, or "
        "copy skipgrade's."
    )
