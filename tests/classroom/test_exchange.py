"""A term by nbgrader's own exchange: release, fetch, submit, collect, grade, and feedback back."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from nbgrader.api import Gradebook

from skipgrade.classroom.exchange import _copy, _share
from skipgrade.judging.intake.plain_files import NotPlainFileError
from skipgrade.sandbox.folders import remove
from tests.bent import course as bent
from tests.judging.tiny import TinyCourse
from tests.sandbox.deep import nest

SECRET = "what no student may read"


class Exchange:
    """A course and its exchange folder, and students who have neither."""

    def __init__(self, root: Path) -> None:
        self.course = bent.make(root / "course")
        self.folder = root / "exchange"
        self.folder.mkdir()
        self.folder.chmod(0o777)
        self.students = root / "students"
        self.log = ""
        (self.course.root / "secret.txt").write_text(SECRET)

    @property
    def inbound(self) -> Path:
        return self.folder / "skipgrade" / "inbound"

    def teacher(self, *command: str) -> str:
        done = self.course.nbgrader(*command, f"--Exchange.root={self.folder}")
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def student(self, name: str, *command: str) -> str:
        home = self.students / name
        home.mkdir(parents=True, exist_ok=True)
        options = {
            "Exchange.root": self.folder,
            "Exchange.cache": home / "cache",
            "CourseDirectory.course_id": "skipgrade",
            "CourseDirectory.student_id": name,
        }
        told = [f"--{option}={value}" for option, value in options.items()]
        done = subprocess.run(
            [sys.executable, "-m", "nbgrader", *command, bent.NAME, *told],
            cwd=home, capture_output=True, text=True, timeout=300,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def submit(self, name: str) -> Path:
        """A right submission from the notebook that was fetched; its folder in the exchange."""
        self.student(name, "fetch_assignment")
        fetched = self.students / name / bent.NAME
        assert sorted(path.name for path in fetched.iterdir()) == [f"{bent.NAME}.ipynb"]
        answered = bent.hand_in(TinyCourse(self.course.root), f"answers-{name}")
        shutil.copytree(answered, fetched, dirs_exist_ok=True)
        shutil.rmtree(answered.parent)
        self.student(name, "submit")
        (submitted,) = self.inbound.glob(f"{name}+*")
        return submitted

    def submitted(self, name: str) -> Path:
        return self.course.root / "submitted" / name / bent.NAME


@pytest.fixture(scope="module")
def exchange(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Exchange:
    """Students have submitted; teachers have collected, graded and given feedback."""
    made = Exchange(tmp_path_factory.mktemp("exchange"))
    made.teacher("release_assignment", bent.NAME)
    ada = made.submit("ada")
    linked = made.submit("linked")
    (linked / "table.csv").unlink()
    (linked / "table.csv").symlink_to(made.course.root / "secret.txt")
    (linked / "source").symlink_to(made.course.root / "source")
    odd = made.submit("odd")
    os.mkfifo(odd / "pipe")
    request.addfinalizer(lambda: remove(odd))  # pytest's own cleaning cannot
    nest(odd, 1_500)
    (made.submit("empty") / f"{bent.NAME}.ipynb").unlink()
    whole = made.submit("whole")
    shutil.rmtree(whole)
    whole.symlink_to(made.course.root / "source" / bent.NAME)
    shutil.copytree(ada, made.inbound / f"..+{bent.NAME}+2030-01-01 10:00:00 UTC")
    made.log = made.teacher("collect", bent.NAME)
    bent.hand_in(made.course, "by-mail")
    for verb in ("grade", "feedback"):
        done = made.course.command("skipgrade.cli", verb, bent.NAME)
        assert done.returncode == 0, done.stdout + done.stderr
    made.log += made.teacher("release_feedback", bent.NAME)
    return made


def scores(exchange: Exchange) -> dict[str, float]:
    with Gradebook(f"sqlite:///{exchange.course.root}/gradebook.db") as book:
        return {row["student"]: row["score"] for row in book.submission_dicts(bent.NAME)}


def test_what_students_fetch_holds_no_answer(exchange: Exchange) -> None:
    outbound = exchange.folder / "skipgrade" / "outbound" / bent.NAME
    (notebook,) = outbound.iterdir()
    text = notebook.read_text()
    assert "HIDDEN TESTS" not in text and "return SCALE" not in text


def test_a_right_submission_earns_everything(exchange: Exchange) -> None:
    assert scores(exchange)["ada"] == scores(exchange)["by-mail"] == bent.FULL


def test_no_link_is_followed(exchange: Exchange) -> None:
    assert exchange.submitted("linked").joinpath("table.csv").is_symlink()
    assert exchange.submitted("linked").joinpath("source").is_symlink()
    for kind in ("submitted", "autograded", "feedback"):
        for place, _, files in os.walk(exchange.course.root / kind):
            for file in (Path(place, name) for name in files):
                if not file.is_symlink():
                    assert SECRET.encode() not in file.read_bytes(), file
    assert scores(exchange)["linked"] == bent.FULL - 2, "the table of a link costs its test"
    assert scores(exchange)["whole"] == 0


def test_what_is_no_file_is_left_and_told(exchange: Exchange) -> None:
    left = {path.name for path in exchange.submitted("odd").iterdir()}
    assert f"{bent.NAME}.ipynb" in left and not left & {"pipe", "deep"}
    assert "pipe is a pipe, not a file, and is left out" in exchange.log
    assert "is nested too deep, and is left out" in exchange.log
    assert scores(exchange)["odd"] == bent.FULL


def test_a_name_that_leads_elsewhere_is_nobodys(exchange: Exchange) -> None:
    assert not (exchange.course.root / bent.NAME).exists()


@pytest.mark.parametrize(
    ("name", "told"),
    [("ada", "10 of 10"), ("linked", "8 of 10"), ("empty", "It could not be read")],
)
def test_each_fetches_the_page_of_its_own(exchange: Exchange, name: str, told: str) -> None:
    exchange.student(name, "fetch_feedback")
    (page,) = (exchange.students / name / bent.NAME / "feedback").glob("*/*.html")
    own = exchange.course.root / "feedback" / name / bent.NAME / page.name
    assert page.read_bytes() == own.read_bytes()
    assert told in page.read_text()


def test_pages_of_others_are_named(exchange: Exchange) -> None:
    assert "are not released by it: by-mail, whole" in " ".join(exchange.log.split())


@pytest.mark.parametrize(
    ("turned", "error"),
    [("folder", OSError), ("folder/inner", OSError), ("folder/inner/file", NotPlainFileError)],
)
def test_what_becomes_a_link_after_the_look_is_not_followed(
    tmp_path: Path, turned: str, error: type[Exception]
) -> None:
    inner = tmp_path / "folder" / "inner"
    inner.mkdir(parents=True)
    (inner / "file").write_text("plain")
    _copy(tmp_path / "folder", Path("inner/file"), tmp_path / "before")
    assert (tmp_path / "before").read_text() == "plain"
    (tmp_path / turned).rename(tmp_path / "elsewhere")
    (tmp_path / turned).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(error, match=r"link|directory"):
        _copy(tmp_path / "folder", Path("inner/file"), tmp_path / "after")
    assert not (tmp_path / "after").exists()


def test_a_group_of_teachers_gets_rights_to_files_and_not_through_links(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("of the teacher")
    (tmp_path / "shared" / "inner").mkdir(parents=True)
    (tmp_path / "shared" / "file").write_text("handed in")
    (tmp_path / "shared" / "link").symlink_to(tmp_path / "target")
    for path in (tmp_path / "target", tmp_path / "shared" / "file"):
        path.chmod(0o600)
    _share(str(tmp_path / "shared"))
    modes = [
        (tmp_path / name).stat().st_mode & 0o7777
        for name in ("target", "shared/file", "shared/inner")
    ]
    assert modes[:2] == [0o600, 0o660] and modes[2] & 0o2770 == 0o2770
