"""Is anything behind a link in a hand-in read, copied or shown? By either command: never."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from skipgrade.classroom import grading, handin
from skipgrade.classroom.course import Course
from skipgrade.classroom.ledger import fingerprint, unchanged
from skipgrade.judging.intake import plain_files as plainfiles
from skipgrade.judging.intake.plain_files import DEEPEST, entries
from tests.judging import tiny
from tests.judging.conftest import Graded
from tests.judging.tiny import ANSWERS, NAME, TinyCourse

KEY = "the secret of this course"
READS = """
import pathlib
for path in sorted(pathlib.Path(".").rglob("*")):
    try:
        print("SEEN", path, path.read_bytes() if path.is_file() else "")
    except OSError as error:
        print("NOT", path, error)
"""
FULL = {"double": 2.0, "net": 3.0, "number": 4.0}


def instead(make: Callable[[Path], object]) -> Callable[[TinyCourse, Path], None]:
    """Put something in the place of the notebook."""

    def put(course: TinyCourse, folder: Path) -> None:
        path = folder / f"{NAME}.ipynb"
        path.unlink()
        make(path)

    return put


def hard_linked(course: TinyCourse, folder: Path) -> None:
    path = folder / f"{NAME}.ipynb"
    path.unlink()
    path.hardlink_to(course.root / "source" / NAME / path.name)


def a_linked_folder(course: TinyCourse, folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    folder.symlink_to("../right/tiny")


def beside(course: TinyCourse, folder: Path) -> None:
    """Honest answers, and everything else that can lie in a folder."""
    (folder / "mine.txt").write_text("my own")
    (folder / "data").mkdir()
    (folder / "data" / "more.txt").write_text("my own, too")
    (folder / "key.txt").symlink_to("../../../holdout.key")
    (folder / "data" / "absolute").symlink_to(course.root / "holdout.key")
    (folder / "sources").symlink_to("../../../source")
    (folder / "loop").symlink_to("loop")
    (folder / "round").symlink_to(".")
    (folder / "nowhere").symlink_to("missing")
    (folder / "net-best.safetensors").symlink_to("../../right/tiny/net-best.safetensors")
    (folder / "timestamp.txt").symlink_to("/dev/zero")
    (folder / "other.ipynb").symlink_to(f"../../../source/tiny/{NAME}.ipynb")
    (folder / "key-again").hardlink_to(course.root / "holdout.key")
    (folder / "source.json").hardlink_to(course.root / "source" / NAME / f"{NAME}.ipynb")
    os.mkfifo(folder / "pipe")
    with _shallow(folder), socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")


@contextmanager
def _shallow(folder: Path) -> Iterator[None]:
    """A socket's name must be short."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


ZERO: dict[str, tuple[Callable[[TinyCourse, Path], None], str]] = {
    "source": (instead(lambda p: p.symlink_to(f"../../../source/tiny/{NAME}.ipynb")), "is a link"),
    "another": (instead(lambda p: p.symlink_to(f"../../right/tiny/{NAME}.ipynb")), "is a link"),
    "loop": (instead(lambda p: p.symlink_to(p.name)), "is a link"),
    "endless": (instead(lambda p: p.symlink_to("/dev/zero")), "is a link"),
    "folder": (instead(lambda p: p.mkdir()), "is a folder"),
    "pipe": (instead(os.mkfifo), "is a pipe"),
    "hard": (hard_linked, "is a link"),
    "linked-folder": (a_linked_folder, "is a link"),
}


def needs_the_link(course: TinyCourse, folder: Path) -> None:
    """One answer is read from a file that is a link."""
    (folder / "answer.txt").symlink_to("../../right/tiny/answer.txt")


def class_of_links(root: Path) -> TinyCourse:
    course = tiny.make(root)
    (root / "holdout.key").write_text(KEY)
    folder = course.hand_in("right", ANSWERS)
    (folder / "net-best.safetensors").write_text("another's weights")
    (folder / "answer.txt").write_text("42")
    wants = {**ANSWERS, "number": "number = int(open('answer.txt').read())"}
    needs_the_link(course, course.hand_in("needs-it", wants))
    beside(course, course.hand_in("beside", {**ANSWERS, "double": ANSWERS["double"] + READS}))
    for student, (bend, _) in ZERO.items():
        bend(course, course.hand_in(student, ANSWERS))
    return course


@pytest.fixture(scope="module", params=["nbgrader autograde", "skipgrade grade"])
def linked(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Graded:
    course = class_of_links(tmp_path_factory.mktemp("links"))
    before = fingerprint(course.root / "submitted" / "beside" / NAME)
    if request.param == "nbgrader autograde":
        done = course.nbgrader("autograde", NAME)
    else:
        done = course.command("skipgrade.cli", "grade", NAME, "--workers", "0")
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    assert unchanged(course.root / "submitted" / "beside" / NAME, before)
    log = course.root / ".nbgrader.log"
    return Graded(course, done.stderr + (log.read_text() if log.is_file() else ""))


@pytest.mark.parametrize("student", ZERO)
def test_a_notebook_that_is_none_is_zero_with_its_reason(linked: Graded, student: str) -> None:
    assert linked.points(student) == dict.fromkeys(FULL, 0.0)
    assert linked.scores[student] == 0.0
    for verdict in linked.verdicts(student).values():
        assert f"tiny.ipynb {ZERO[student][1]}, not a f" in verdict["reason"]


@pytest.mark.parametrize("student", ["right", "beside"])
def test_honest_work_counts(linked: Graded, student: str) -> None:
    assert linked.points(student) == FULL, linked.verdicts(student)


def test_nothing_behind_a_link_is_copied_or_shown(linked: Graded) -> None:
    folder = linked.course.root / "autograded"
    assert sorted(
        str(path.relative_to(folder)) for path in (folder / "beside").rglob("*") if path.is_file()
    ) == ["beside/tiny/data/more.txt", "beside/tiny/mine.txt", "beside/tiny/tiny.ipynb"]
    for path in folder.rglob("*"):
        assert not path.is_symlink()
        if path.is_file():
            assert KEY not in path.read_text()
    for student in ZERO:
        text = (folder / student / NAME / f"{NAME}.ipynb").read_text()
        assert "41 + 1" not in text
        assert "BEGIN SOLUTION" not in text


def test_the_submission_itself_sees_its_plain_files(linked: Graded) -> None:
    shown = linked.printed("beside")
    assert "SEEN mine.txt b'my own'" in shown
    assert "SEEN data/more.txt b'my own, too'" in shown
    for name in ("key", "absolute", "sources", "loop", "pipe", "socket", "source.json"):
        assert f"SEEN {name}" not in shown


def test_what_is_left_out_is_told(linked: Graded) -> None:
    lines = "\n".join(line for line in linked.log.splitlines() if "beside: " in line)
    assert "key.txt is a link, not a file; it is not read" in lines
    assert "more like these; it is not read" in lines


def test_a_loss_by_what_is_left_out_says_so(linked: Graded) -> None:
    assert linked.points("needs-it") == {**FULL, "number": 0.0}
    reason = linked.verdicts("needs-it")["number"]["reason"]
    assert "Left out of the submission: answer.txt is a link, not a file." in reason


def test_what_is_wrong_with_a_hand_in_follows_no_link(tmp_path: Path) -> None:
    (tmp_path / "nbgrader_config.py").write_text("")
    folder = tmp_path / "submitted" / "mallory" / "work"
    folder.mkdir(parents=True)
    (folder / "endless.ipynb").symlink_to("/dev/zero")
    os.mkfifo(folder / "pipe.ipynb")
    (folder / "broken.ipynb").symlink_to("missing")
    (tmp_path / "submitted" / "eve").mkdir()
    (tmp_path / "submitted" / "eve" / "work").symlink_to(folder)
    course = Course(tmp_path)
    told = {
        name: handin.problem(course, "work", "mallory", [name])
        for name in ("endless", "pipe", "broken", "missing")
    }
    assert "endless.ipynb is a link, not a file" in str(told["endless"])
    assert "pipe.ipynb is a pipe, not a file" in str(told["pipe"])
    assert "broken.ipynb is a link, not a file" in str(told["broken"])
    assert "missing.ipynb is missing" in str(told["missing"])
    assert "its folder is a link" in str(handin.problem(course, "work", "eve", ["endless"]))


def test_fingerprints_follow_no_link(tmp_path: Path) -> None:
    """And tell when a link leads elsewhere."""
    hand_in, secret = tmp_path / "hand-in", tmp_path / "secret"
    hand_in.mkdir()
    secret.write_text(KEY)
    (hand_in / "link").symlink_to(secret)
    (hand_in / "folder").symlink_to(tmp_path)
    os.mkfifo(hand_in / "pipe")
    before = fingerprint(hand_in)
    assert sorted(before) == ["folder", "link", "pipe"]
    secret.write_text("something else")
    assert unchanged(hand_in, before)
    (hand_in / "link").unlink()
    (hand_in / "link").symlink_to(tmp_path / "hidden")
    assert not unchanged(hand_in, before)


def test_folders_in_folders_come_to_an_end(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*["in"] * (DEEPEST + 5))
    deep.mkdir(parents=True)
    (deep / "leaf").touch()
    (entry,) = entries(tmp_path)
    assert (len(entry.path.parts), entry.odd) == (DEEPEST, "is nested too deep")


def test_files_nobody_may_read_are_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root may read everything, so the answer of `os.access` is given here."""
    for name in ("open", "shut", "closed/inside"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path).name not in ("shut", "closed"))
    odd = {str(entry.path): bool(entry.odd) for entry in entries(tmp_path)}
    assert odd == {"closed": True, "open": False, "shut": True}


def test_equal_files_of_two_students_may_be_one(tmp_path: Path) -> None:
    """As tools that save room make them, or a course copied with links: nobody is to lose by it."""
    course = tiny.make(tmp_path)
    one, other = (course.hand_in(student, ANSWERS) for student in ("one", "other"))
    (other / f"{NAME}.ipynb").unlink()
    (other / f"{NAME}.ipynb").hardlink_to(one / f"{NAME}.ipynb")
    outcomes = grading.grade(Course(tmp_path), NAME, say=lambda text: None)
    assert [outcome.score for outcome in outcomes] == [9.0, 9.0]


def test_too_many_files_end_the_walk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plainfiles, "MOST_FILES", 3)
    for name in ("z.ipynb", "a", "b", "c", "d", "in/e"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = [(str(entry.path), bool(entry.odd)) for entry in plainfiles.handed_in(tmp_path)]
    assert found == [("z.ipynb", False), ("a", False), ("b", False), ("c", True)]


def test_too_much_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file without end takes the room of none after it."""
    monkeypatch.setattr(plainfiles, "MOST_BYTES", 100)
    for name, size in (("a", 60), ("b", 10**12), ("c", 40)):
        with (tmp_path / name).open("wb") as file:
            file.truncate(size)
    odd = {str(entry.path): entry.odd for entry in plainfiles.handed_in(tmp_path)}
    assert [bool(odd[name]) for name in "abc"] == [False, True, False]
    assert len(fingerprint(tmp_path)) == 3
