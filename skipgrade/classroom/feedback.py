"""Feedback pages: nbgrader's, and one of ours for a hand-in nbgrader could not read."""

import glob
import html
from collections.abc import Callable
from pathlib import Path

from nbgrader.converters import GenerateFeedback

from skipgrade.classroom import handin
from skipgrade.classroom.course import Course
from skipgrade.classroom.errors import ConversionError, CourseError
from skipgrade.classroom.grading import notebook_names
from skipgrade.classroom.terminal import say as to_terminal
from skipgrade.judging.printable import printable

UNREADABLE = """\
<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>{notebook}</title>
<style>body {{ font: 1rem/1.5 sans-serif; max-width: 40rem; margin: 3rem auto; }}</style></head>
<body>
<h1>{notebook}</h1>
<p><strong>Score: 0.</strong> The hand-in could not be read.</p>
<p>{reason}</p>
</body>
</html>
"""


def generate(
    course: Course, assignment: str, say: Callable[[str], None] = to_terminal
) -> dict[str, Path]:
    """Write feedback/<student>/<assignment>/ for the class; returns each student's page."""
    names = notebook_names(course, assignment)
    pages: dict[str, Path] = {}
    failures = []
    for student in course.submissions(assignment):
        folder = course.folder("feedback", assignment, student)
        wrong = handin.problem(course, assignment, student, names)
        if course.folder("autograded", assignment, student).is_dir():
            try:
                course.run(GenerateFeedback, assignment, glob.escape(student))
            except ConversionError as error:
                failures.append(f"{student} ({error})")
                continue
            pages[student] = folder / f"{names[0]}.html"
        elif wrong is not None:
            pages[student] = _write_unreadable(folder, names[0], wrong)
        else:
            say(f"  {student}: no feedback, the hand-in is not graded")
            continue
        say(f"  {pages[student].relative_to(course.root)}")
    if failures:
        raise CourseError(
            f"feedback could not be written for {', '.join(failures)}; all others have theirs."
        )
    if not pages:
        raise CourseError(f"Nothing is graded yet: run `nbgrader autograde {assignment}` first.")
    return pages


def _write_unreadable(folder: Path, notebook: str, reason: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    page = folder / f"{notebook}.html"
    told = html.escape(printable(reason))
    page.write_text(UNREADABLE.format(notebook=html.escape(notebook), reason=told))
    return page
