"""The whole way with a sample class: release, submit, grade, feedback, report."""

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from skipgrade import lab
from skipgrade.classroom import feedback, grading, protection, release, report, sample
from skipgrade.classroom.course import CONFIG_FILE, Course
from skipgrade.classroom.sample import ASSIGNMENT


def run(project: Path, say: Callable[[str], None]) -> None:
    """Build a course of its own under build/demo and take assignment 01 through it."""
    os.environ["SKIPGRADE_DATASET"] = "builtin"
    started = time.monotonic()
    course = new_course(project, project / "build" / "demo")

    say("1. The built-in data set")
    images, _ = lab.raw("cifar10", "train")
    say(f"  {len(images):,} training images, drawn in code")

    say("2. The release version")
    release.generate(course, [ASSIGNMENT], say)

    say("3. A sample class")
    sample.write_class(course, say)

    say("4. Grading, as `nbgrader autograde` does it (one of them hangs for a minute)")
    for warning in protection.warnings_for_own_submissions():
        say(warning)
    grading.grade(course, ASSIGNMENT, say=say)

    say("5. Feedback")
    feedback.generate(course, ASSIGNMENT, say)

    say("")
    for line in report.lines(report.rows(course, ASSIGNMENT), most=4):
        say(line)
    for note in protection.notes():
        say(note)
    say("")
    say(f"Feedback: {course.folder('feedback', ASSIGNMENT, 'STUDENT')}/{ASSIGNMENT}.html")
    say(f"Took {time.monotonic() - started:.0f} s.")


def new_course(project: Path, folder: Path, assignment: str = ASSIGNMENT) -> Course:
    """A fresh course folder with one assignment's source and this project's configuration.

    Submissions there are to be our own: they run on machines that cannot confine them, too.
    """
    Course(project).require(assignment)
    if folder.exists():
        shutil.rmtree(folder)
    notebook = Path("source", assignment, f"{assignment}.ipynb")
    (folder / notebook).parent.mkdir(parents=True)
    shutil.copy(project / notebook, folder / notebook)
    config = Path(shutil.copy(project / CONFIG_FILE, folder))
    protection.accept_missing(config)
    return Course(folder)
