"""What is graded to the end stays as it is; what is not is graded again."""

import json
import os
import shutil
from pathlib import Path

import pytest

from skipgrade.classroom import grading, report
from skipgrade.classroom.course import Course
from skipgrade.classroom.errors import CourseError
from skipgrade.classroom.record import Record
from skipgrade.classroom.writing import Writer

from .conftest import ASSIGNMENT, submit
from .gradebooks import content


def quiet(text: str) -> None:
    """Progress nobody reads."""


def graded_again(course: Course, **how: bool) -> set[str]:
    outcomes = grading.grade(course, ASSIGNMENT, say=quiet, **how)  # type: ignore[arg-type]
    assert {one.student for one in outcomes} == {"right", "wrong"}
    return {one.student for one in outcomes if one.fresh}


def hand_in(course: Course, student: str) -> Path:
    return course.folder("submitted", ASSIGNMENT, student) / f"{ASSIGNMENT}.ipynb"


def test_running_twice_changes_nothing(finished: Course) -> None:
    before = content(finished)
    graded = finished.folder("autograded", ASSIGNMENT, "right") / f"{ASSIGNMENT}.ipynb"
    written = graded.stat().st_mtime_ns
    assert graded_again(finished) == set()
    assert content(finished) == before
    assert graded.stat().st_mtime_ns == written
    assert not list((finished.root / ".skipgrade" / "running").glob("*/"))


def test_force_grades_what_is_finished(finished: Course) -> None:
    before = content(finished)
    assert graded_again(finished, force=True) == {"right", "wrong"}
    assert content(finished) == before


def test_changed_hand_in_is_graded_again(finished: Course) -> None:
    path = hand_in(finished, "wrong")
    status = path.stat()
    path.write_text(path.read_text().replace("x ** 3", "x *  2"))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    assert path.stat().st_size == status.st_size
    assert graded_again(finished) == {"wrong"}
    assert content(finished)["wrong",]["score"] == 3


def test_new_file_beside_the_notebook_counts_as_a_change(finished: Course) -> None:
    (hand_in(finished, "wrong").parent / "helper.py").write_text("answer = 42\n")
    assert graded_again(finished) == {"wrong"}


def test_touched_hand_in_is_left_alone(finished: Course) -> None:
    os.utime(hand_in(finished, "right"), ns=(1, 1))
    assert graded_again(finished) == set()


def test_changed_hidden_test_grades_everybody_again(finished: Course) -> None:
    source = finished.folder("source", ASSIGNMENT) / f"{ASSIGNMENT}.ipynb"
    source.write_text(source.read_text().replace("double(21) == 42", "double(4) == 8"))
    assert graded_again(finished) == {"right", "wrong"}


@pytest.mark.parametrize("lost", ["grade", "notebook", "record"])
def test_what_a_crash_left_half_done_is_done_again(finished: Course, lost: str) -> None:
    """Whichever of grade, notebook and record is missing, the others do not count."""
    before = content(finished)
    if lost == "grade":
        with finished.gradebook() as book:
            book.remove_submission(ASSIGNMENT, "right")
    elif lost == "notebook":
        shutil.rmtree(finished.folder("autograded", ASSIGNMENT, "right"))
    else:
        (finished.root / ".skipgrade" / "graded" / ASSIGNMENT / "right.json").unlink()
    assert graded_again(finished) == {"right"}
    assert content(finished) == before
    assert finished.folder("autograded", ASSIGNMENT, "right").is_dir()


def test_score_that_is_not_the_recorded_one_is_graded_again(finished: Course) -> None:
    """A gradebook restored from a copy, say."""
    before = content(finished)
    with finished.gradebook() as book:
        book.find_grade("double-test", ASSIGNMENT, ASSIGNMENT, "right").auto_score = 0.0
        book.db.commit()
    assert graded_again(finished) == {"right"}
    assert content(finished) == before


def test_crash_between_grade_and_notebook_is_noticed_where_scores_are_the_same(
    finished: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old notebook and its old record must not pass for the new ones."""

    def crash(*arguments: object, **how: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Writer, "_place", crash)
    with pytest.raises(grading.GradingStoppedError):
        grading.grade(finished, ASSIGNMENT, ["right"], quiet, force=True)
    monkeypatch.undo()
    assert graded_again(finished) == {"right"}


def test_unreadable_hand_in_takes_the_old_notebook_with_it(finished: Course) -> None:
    hand_in(finished, "right").write_text("no notebook at all")
    (outcome,) = grading.grade(finished, ASSIGNMENT, ["right"], quiet)
    assert "is not a notebook" in str(outcome.failure)
    assert outcome.scored
    assert content(finished)["right",]["score"] == 0
    (outcome,) = grading.grade(finished, ASSIGNMENT, ["right"], quiet)
    assert not outcome.fresh


def outdated(course: Course) -> dict[str, str | None]:
    return {row.student: row.outdated for row in report.rows(course, ASSIGNMENT)}


def test_the_report_says_which_scores_are_no_longer_of_what_lies_there(finished: Course) -> None:
    assert outdated(finished) == {"right": None, "wrong": None}
    os.utime(hand_in(finished, "right"), ns=(1, 1))
    assert outdated(finished)["right"] is None, "touched, not changed"
    with hand_in(finished, "wrong").open("a") as file:
        file.write("\n")
    told = outdated(finished)
    assert told["right"] is None
    assert "resubmitted since" in str(told["wrong"])
    text = "\n".join(report.lines(report.rows(finished, ASSIGNMENT), width=160))
    assert "this is the score of the earlier submission. Run `skipgrade grade` again" in text
    grading.grade(finished, ASSIGNMENT, say=quiet)
    assert outdated(finished) == {"right": None, "wrong": None}
    source = finished.folder("source", ASSIGNMENT) / f"{ASSIGNMENT}.ipynb"
    source.write_text(source.read_text().replace("double(21) == 42", "double(4) == 8"))
    assert all("assignment has changed" in str(one) for one in outdated(finished).values())


def test_what_the_stock_command_graded_later_is_not_called_outdated(finished: Course) -> None:
    with hand_in(finished, "wrong").open("a") as file:
        file.write("\n")
    path = finished.folder("autograded", ASSIGNMENT, "wrong") / f"{ASSIGNMENT}.ipynb"
    path.touch()
    assert outdated(finished)["wrong"] is None


def test_two_runs_of_one_assignment_do_not_meet(finished: Course) -> None:
    with grading._place(finished, ASSIGNMENT), pytest.raises(CourseError, match="already"):
        grading.grade(finished, ASSIGNMENT, say=quiet)


def test_the_record_has_a_line_a_hand_in_with_seconds_a_cell(finished: Course) -> None:
    told = Record(finished.root, ASSIGNMENT).latest()
    assert set(told) == {"right", "wrong"}
    for one in told.values():
        cells = one.cells[ASSIGNMENT]
        assert 0 <= cells["double-test"] <= sum(cells.values()) <= one.seconds


def test_times_a_student_wrote_are_not_believed(released: Course) -> None:
    path = submit(released, "clock", "2 * x")
    notebook = json.loads(path.read_text())
    for cell in notebook["cells"]:
        cell["metadata"]["execution"] = {  # nbclient replaces those of the cells that it runs
            "iopub.status.busy": "2001-01-01T00:00:00Z",
            "shell.execute_reply": "2001-01-03T00:00:00Z",
        }
    notebook["cells"][0]["metadata"]["execution"]["shell.execute_reply"] = "half past nine"
    path.write_text(json.dumps(notebook))
    (outcome,) = grading.grade(released, ASSIGNMENT, say=quiet)
    assert outcome.failure is None
    (told,) = Record(released.root, ASSIGNMENT).of("clock")
    assert all(0 <= took < 60 for took in told.cells[ASSIGNMENT].values())
