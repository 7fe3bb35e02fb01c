"""Can a submission be read at all? Where not, what is wrong and what fixes it."""

import logging

from nbgrader.converters import Autograde

from skipgrade.classroom.course import Course
from skipgrade.judging.intake.exporter import puts_names_right, read_submitted, what_is_wrong
from skipgrade.judging.intake.parsing import NotANotebookError
from skipgrade.judging.intake.plain_files import NotPlainFileError, printable
from skipgrade.judging.intake.submissions import PlainHandIns

AGAIN = "Download the notebook again (File → Download → .ipynb) and hand that file in."
QUIET = logging.getLogger("skipgrade.quiet")  # grading itself tells what was repaired
QUIET.addHandler(logging.NullHandler())
QUIET.propagate = False


def problem(course: Course, assignment: str, student: str, notebooks: list[str]) -> str | None:
    """The first reason why a submission cannot be graded, or None where it can."""
    folder = course.folder("submitted", assignment, student)
    if folder.is_symlink():
        return f"its folder is a link, and links are not followed. {AGAIN}"
    hand_ins = PlainHandIns.of(course.directory(assignment, student), QUIET)
    there = {path.name for path in folder.glob("*.ipynb")}
    read = there
    if puts_names_right(Autograde(config=course.config)):
        read = {*hand_ins.notebooks(student, assignment)}
    for name in notebooks:
        path = folder / f"{name}.ipynb"
        if path.name not in read:
            left_out = hand_ins.hand_in(student, assignment).left_out(but_for="")
            told = f" (there is: {', '.join(map(printable, sorted(there)))})" if there else ""
            fixes = ". ".join([*left_out, AGAIN])
            return f"{path.name} is missing from the submission{told}. {fixes}"
        try:
            read_submitted(hand_ins.hand_in(student, assignment), path.name)
        except (NotPlainFileError, NotANotebookError) as error:
            return f"{what_is_wrong(path.name, error)} {AGAIN}"
    return None
