"""Feedback pages: by nbgrader's converter, and a notice for a submission it has nothing of."""

import contextlib
import glob
import html
from collections.abc import Callable
from pathlib import Path

from nbgrader.converters import GenerateFeedback

from skipgrade.classroom import handin
from skipgrade.classroom.course import Course
from skipgrade.classroom.errors import ConversionError, CourseError
from skipgrade.classroom.exchange import NEEDED
from skipgrade.classroom.grading import notebook_names
from skipgrade.classroom.record import Record
from skipgrade.classroom.style import style
from skipgrade.classroom.task import DIED
from skipgrade.classroom.terminal import say as to_terminal
from skipgrade.judging.intake.plain_files import NotPlainFileError, copy_plain
from skipgrade.judging.printable import printable

NOTICE = """\
<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{notebook}: feedback</title>
<style>{style}</style></head>
<body>
<div class="soft">{student}</div>
<h1>{notebook}</h1>
<p class="total">{headline}</p>
<p class="notice">{reason}</p>
</body>
</html>
"""
UNFINISHED = (
    "Grading it did not come to its end, for a reason that lies with the course or its machine. "
    "It costs no points; it will be graded, and this page replaced."
)
STOPPED = (
    "The program that graded it was stopped each time, as it is when a notebook takes more memory "
    "than there is. Run the notebook from top to bottom in a fresh runtime, look how much memory "
    "it takes, and ask your teachers."
)


def generate(
    course: Course, assignment: str, say: Callable[[str], None] = to_terminal
) -> dict[str, Path]:
    """Write feedback/<student>/<assignment>/ for the class; returns each student's page."""
    names = notebook_names(course, assignment)
    pages: dict[str, Path] = {}
    failures = []
    students = course.submissions(assignment)
    wrong = {one: handin.problem(course, assignment, one, names) for one in students}
    with course.gradebook() as book:
        known = {one.student.id for one in book.assignment_submissions(assignment)}
    graded = {
        one for one in known & {*students} if course.folder("autograded", assignment, one).is_dir()
    }
    if not graded and not any(wrong.values()):
        raise CourseError(f"Nothing is graded yet: run `nbgrader autograde {assignment}` first.")
    latest = Record(course.root, assignment).latest()
    for student in students:
        folder = course.folder("feedback", assignment, student)
        if student in graded:
            try:
                course.run(GenerateFeedback, assignment, glob.escape(student))
            except ConversionError as error:
                failures.append(f"{student} ({error})")
                continue
            pages[student] = folder / f"{names[0]}.html"
        else:
            headline, reason = _why_not_graded(
                wrong[student], latest[student].failure if student in latest else None
            )
            pages[student] = _write_notice(folder, names[0], student, headline, reason)
            _name_submission(course.folder("submitted", assignment, student), folder)
        say(f"  {pages[student].relative_to(course.root)}")
    if failures:
        raise CourseError(
            f"feedback could not be written for {', '.join(failures)}; all others have theirs."
        )
    return pages


def _why_not_graded(wrong: str | None, failure: str | None) -> tuple[str, str]:
    if wrong is not None:
        return "Score: 0", f"It could not be read: {wrong}"
    return "Not graded yet", STOPPED if failure == DIED else UNFINISHED


def _write_notice(folder: Path, notebook: str, student: str, headline: str, reason: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    page = folder / f"{notebook}.html"
    texts = {"notebook": notebook, "student": student, "headline": headline, "reason": reason}
    told = {name: html.escape(printable(text)) for name, text in texts.items()}
    page.write_text(NOTICE.format(style=style(), **told), encoding="utf-8")
    return page


def _name_submission(submitted: Path, feedback: Path) -> None:
    """nbgrader's exchange knows by these files whose page it is."""
    linked = submitted.is_symlink() or submitted.parent.is_symlink()
    for name in () if linked else NEEDED:
        with contextlib.suppress(NotPlainFileError):  # handed in another way
            copy_plain(submitted / name, feedback / name)
