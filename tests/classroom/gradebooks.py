"""What a gradebook says, in a form that two gradebooks can be compared in."""

from typing import Any

from skipgrade.classroom.course import Course

from .conftest import ASSIGNMENT


def content(course: Course) -> dict[tuple[str, ...], dict[str, Any]]:
    """Everything about every submission, but for the ids."""
    said: dict[tuple[str, ...], dict[str, Any]] = {}
    with course.gradebook() as book:
        for submission in book.assignment_submissions(ASSIGNMENT):
            student = submission.student.id
            said[student,] = {"timestamp": submission.timestamp, "score": submission.score}
            for notebook in submission.notebooks:
                said[student, notebook.name] = {
                    "penalty": notebook.late_submission_penalty,
                    "flagged": notebook.flagged,
                }
                for grade in notebook.grades:
                    columns = ("auto_score", "manual_score", "extra_credit", "needs_manual_grade")
                    said[student, notebook.name, grade.name, "grade"] = {
                        name: getattr(grade, name) for name in columns
                    }
                for comment in notebook.comments:
                    said[student, notebook.name, comment.name, "comment"] = {
                        name: getattr(comment, name) for name in ("auto_comment", "manual_comment")
                    }
    return said


def students(course: Course) -> set[str]:
    return {key[0] for key in content(course)}


def grade_by_hand(course: Course, student: str) -> None:
    """What a person does in Formgrader: points for the test and the text, and words."""
    with course.gradebook() as book:
        names = (ASSIGNMENT, ASSIGNMENT, student)
        test = book.find_grade("double-test", *names)
        test.manual_score, test.extra_credit, test.needs_manual_grade = 1.5, 0.25, False
        written = book.find_grade("why", *names)
        written.manual_score, written.needs_manual_grade = 2.0, False
        book.find_comment("why", *names).manual_comment = "Well put."
        book.db.commit()
