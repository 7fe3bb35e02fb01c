"""Feedback pages: nbgrader's, and one of ours for a hand-in nbgrader could not read."""

import glob
import html
from collections.abc import Callable
from pathlib import Path

from nbgrader.converters import GenerateFeedback

from skipgrade.classroom import handin
from skipgrade.classroom.course import Course
from skipgrade.classroom.errors import ConversionFailed, CourseError
from skipgrade.classroom.grading import notebook_names

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
    course: Course, assignment: str, say: Callable[[str], None] = print
) -> dict[str, Path]:
    """Write feedback/<student>/<assignment>/ for the class; returns each student's page."""
    names = notebook_names(course, assignment)
    pages = {}
    for student in course.submissions(assignment):
        folder = course.folder("feedback", assignment, student)
        wrong = handin.what_is_wrong(course.folder("submitted", assignment, student), names)
        if course.folder("autograded", assignment, student).is_dir():
            pages[student] = _write_page(course, assignment, student, folder / f"{names[0]}.html")
        elif wrong is not None:
            pages[student] = _write_unreadable(folder, names[0], wrong)
        else:
            say(f"  {student}: no feedback, the hand-in is not graded")
            continue
        say(f"  {pages[student].relative_to(course.root)}")
    if not pages:
        raise CourseError(f"Nothing is graded yet: run `nbgrader autograde {assignment}` first.")
    return pages


def _write_page(course: Course, assignment: str, student: str, page: Path) -> Path:
    try:
        course.run(GenerateFeedback, assignment, glob.escape(student))
    except ConversionFailed as error:
        raise CourseError(f"feedback for {student} could not be written: {error}") from error
    return page


def _write_unreadable(folder: Path, notebook: str, reason: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    page = folder / f"{notebook}.html"
    page.write_text(UNREADABLE.format(notebook=notebook, reason=html.escape(reason)))
    return page
