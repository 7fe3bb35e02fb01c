"""A term on the built-in data, from publishing to a grade that changes: `make term`.

Eight students take the published notebook, answer it right, and hand it in bent in eight ways. Each
step is a command of docs/, run as it stands there, and what it did is looked at before the next.
`make term` walks with assignment 01; the tests with a small one.
"""

import csv
import json
import os
import shlex
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import nbformat

from skipgrade.classroom import demo, sample
from skipgrade.classroom.course import Course
from skipgrade.judging.repairs import repairs
from tests.bent import course as bent
from tests.bent.bank import BENDS
from tests.classroom import browser, formgrader
from tests.conftest import BIN, ROOT

BENT = {
    "s1001": "Colab's metadata",
    "s1002": "the notebook with (1)",
    "s1003": "a byte-order mark",
    "s1004": "cells without outputs and counts",
    "s1005": "everything one folder down",
    "s1006": "all metadata of cells gone",
    "s1007": "empty cells everywhere",
    "s1008": "own cells with magics and shell commands",
}
READ, LATE = "s1001", "s1008"  # whose answer a person reads; who hands in a day too late
IN_TIME, TOO_LATE = "2026-11-20-10-11-12", "2026-11-21-10-11-12"
GIVEN = 1.5
CONFIG = """
c.CourseDirectory.course_id = "term"
c.LateByDays.share_a_day = 0.1
"""


@dataclass(frozen=True)
class Homework:
    """An assignment with a right answer to every task, and a hidden test to be changed."""

    name: str
    points: float  # by tests
    answers: dict[str, str]
    write_run: Callable[[Path], None]
    read: str  # the cell a person gives GIVEN points for
    changed: str  # a test cell, its text before and after, and what a right answer then has
    change: tuple[str, str]
    then: float


def small(root: Path) -> Homework:
    bent.make(root)
    files = ("== 3,\\n", "== 4,\\n")
    return Homework(bent.NAME, bent.FULL, bent.ANSWERS, bent.write_run, "why", "test-run", files, 0)


def lenet5(root: Path) -> Homework:
    course = demo.new_course(ROOT, root)
    trained = sample.HERE / "trained" / "correct"
    return Homework(
        sample.ASSIGNMENT,
        44,
        sample.solutions(course),
        partial(sample.unpack, trained),
        "observations",
        "accuracy-test",
        ("tiers={0.63: 1.0", "tiers={0.99: 1.0"),
        2,
    )


class Term:
    """A course, its students' place, and the commands that are run in it."""

    def __init__(self, root: Path, made: Callable[[Path], Homework], say: Callable[[str], None]):
        self.course_root, self.public = root / "course", root / "public"
        self.homework = made(self.course_root)
        with (self.course_root / "nbgrader_config.py").open("a") as file:
            file.write(CONFIG)
        self.say = say
        self.course = Course(self.course_root)

    def run(self, command: str) -> str:
        """A command as docs/ have it, with this assignment; its output."""
        words = shlex.split(command.replace("ASSIGNMENT", self.homework.name))
        self.say(f"$ {shlex.join(words)}")
        path = os.pathsep.join([str(BIN), os.environ.get("PATH", "")])
        environment = os.environ | {"PATH": path, "SKIPGRADE_DATASET": "builtin"}
        started = time.monotonic()
        done = subprocess.run(
            words, cwd=self.course_root, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        lines = done.stdout.splitlines()
        for line in lines[-8:] if "--json" not in words else ():
            self.say(f"    {line[:150]}")
        self.say(f"    ({time.monotonic() - started:.0f} s)")
        return done.stdout


def walk(term: Term) -> None:
    for step in (publish, hand_in, collect, grade, read, show, change_a_test):
        term.say(f"\n{(step.__doc__ or '').splitlines()[0]}")
        step(term)


def publish(term: Term) -> None:
    """Students get the notebook, and nothing of source/."""
    term.run("skipgrade release")
    term.run(f"skipgrade publish {term.public}")
    assert not list(term.public.rglob("source"))
    hidden = "BEGIN HIDDEN TESTS"
    assert not any(hidden in path.read_text() for path in term.public.rglob("*.ipynb"))
    term.run('nbgrader db assignment add ASSIGNMENT --duedate="2026-11-20 12:00 UTC"')


def hand_in(term: Term) -> None:
    """Eight students answer it, each bends it in another way, and Blackboard packs it all."""
    name = term.homework.name
    released = nbformat.read(term.public / "release" / name / f"{name}.ipynb", as_version=4)
    for cell in released.cells:
        answer = term.homework.answers.get(cell.metadata.get("nbgrader", {}).get("grade_id"))
        cell.source = cell.source if answer is None else answer
    with zipfile.ZipFile(term.course_root / "submissions.zip", "w") as download:
        for student, title in BENT.items():
            folder = term.public.parent / "students" / student
            folder.mkdir(parents=True)
            nbformat.write(released, folder / f"{bent.NAME}.ipynb")
            term.homework.write_run(folder)
            BENDS[title](folder)
            when = TOO_LATE if student == LATE else IN_TIME
            attempt = f"Homework 1_{student}_attempt_{when}_{name}_{student}.zip"
            download.write(_packed(folder, name), attempt)
            term.say(f"    {student}: {title}")
    with (term.course_root / "class.csv").open("w") as roster:
        roster.write("id,name,email\n")
        roster.writelines(f"{one},Student {one},{one}@example.org\n" for one in BENT)


def _packed(folder: Path, name: str) -> Path:
    """The student's zip; the bends know the notebook by another name."""
    packed = folder.with_suffix(".zip")
    with zipfile.ZipFile(packed, "w") as archive:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            archive.write(path, str(path.relative_to(folder)).replace(bent.NAME, name))
    return packed


def collect(term: Term) -> None:
    """What Blackboard hands out goes to its students, with the time of handing in."""
    term.run("skipgrade collect ASSIGNMENT submissions.zip --roster class.csv")
    assert term.course.submissions(term.homework.name) == sorted(BENT)
    late = term.course.folder("submitted", term.homework.name, LATE) / "timestamp.txt"
    assert late.read_text().startswith("2026-11-2"), "told by its clock"


def grade(term: Term) -> None:
    """Each earns what the straight notebook earns; who is late loses a tenth a day."""
    term.run("skipgrade grade ASSIGNMENT")
    term.run("skipgrade report ASSIGNMENT")
    for student, row in told(term).items():
        assert row["score"] == term.homework.points, f"{student} ({BENT[student]}): {row}"
        days = 1 if student == LATE else 0
        assert row["total"] == round(row["score"] * (1 - 0.1 * days), 4)
    graded = nbformat.read(
        term.course.folder("autograded", term.homework.name, "s1006")
        / f"{term.homework.name}.ipynb",
        as_version=4,
    )
    assert repairs(graded), "metadata that was gone was put back"


def told(term: Term) -> dict[str, dict]:
    """The report, by student."""
    rows = json.loads(term.run("skipgrade report ASSIGNMENT --json"))["students"]
    return {row["student"]: row for row in rows}


def read(term: Term) -> None:
    """A person reads one answer in Formgrader, and types points and a comment."""
    name = term.homework.name
    if browser.PROGRAM is None:
        term.say("    no Chromium is installed: nobody reads anything")
        return
    with term.course.gradebook() as book:
        submission = book.find_submission_notebook(name, name, READ).id
    with formgrader.served(term.course_root) as address:
        formgrader.grade(address, submission, term.homework.read, f"{GIVEN}", "Well put.")
    term.say(f"    {READ}: {GIVEN} points for {term.homework.read}")
    assert told(term)[READ]["total"] == term.homework.points + GIVEN


def show(term: Term) -> None:
    """Report, feedback and exports all show the same totals."""
    name = term.homework.name
    term.run("skipgrade report ASSIGNMENT --html class.html")
    term.run("skipgrade feedback ASSIGNMENT")
    platform = term.course_root / "downloaded.csv"
    platform.write_text(
        f"Student,ID,SIS Login ID,Section,{name} (17)\n    Points Possible,,,,60\n"
        + "".join(f'"Student, {one}",{one[1:]},{one},1,\n' for one in BENT)
    )
    term.run(
        "skipgrade export ASSIGNMENT --to canvas --gradebook downloaded.csv --roster class.csv"
    )
    term.run("skipgrade export --to csv")
    canvas = dict(_column(term, f"grades-{name}-canvas.csv", "SIS Login ID", f"{name} (17)"))
    everything = dict(_column(term, f"grades-{name}-csv.csv", "student_id", f"{name} total"))
    for student, row in told(term).items():
        assert float(canvas[student]) == float(everything[student]) == row["total"]
        page = term.course.folder("feedback", name, student) / f"{name}.html"
        assert f">{round(row['total'], 2):g} of " in page.read_text()
        assert "BEGIN HIDDEN" not in page.read_text()


def _column(term: Term, file: str, key: str, column: str) -> Iterator[tuple[str, str]]:
    with (term.course_root / file).open(encoding="utf-8-sig", newline="") as table:
        yield from ((row[key], row[column]) for row in csv.DictReader(table) if row[key])


def change_a_test(term: Term) -> None:
    """A hidden test is changed: who has other points, and because of what?"""
    homework = term.homework
    path = term.course.folder("source", homework.name) / f"{homework.name}.ipynb"
    text = path.read_text()
    assert text.count(homework.change[0]) == 1, homework.change
    path.write_text(text.replace(*homework.change))
    shown = term.run("skipgrade regrade ASSIGNMENT --diff")
    assert "8 of 8 graded again have other points" in shown
    assert f"  {homework.changed}: its hidden test was changed" in shown
    why = term.run(f"skipgrade why {READ} ASSIGNMENT")
    assert f"  {homework.changed}  {homework.then:g} of " in why
    assert "grading 2 of 2" in why and "its hidden test was changed" in why
    earlier = term.run(f"skipgrade why {READ} ASSIGNMENT --grading 1")
    assert f": {homework.points:g} of {homework.points:g} by tests, grading 1 of 2" in earlier
    assert told(term)[READ]["marks"]["tasks"], "a person's points are still there"
    term.run("skipgrade similar ASSIGNMENT")


def main() -> int:
    root = ROOT / "build" / "term"
    if root.exists():
        shutil.rmtree(root)
    started = time.monotonic()
    walk(Term(root, lenet5, lambda text: print(text, flush=True)))
    print(f"\nThe term is over: {time.monotonic() - started:.0f} s. Its course is {root}/course.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
