"""Does a late submission lose the same points wherever they are shown?"""

import csv
import json
from pathlib import Path

import pytest

from skipgrade import cli
from skipgrade.classroom import feedback, grading
from skipgrade.classroom.course import Course
from skipgrade.classroom.late import DAY, LateByDays
from skipgrade.classroom.marking import Marking
from skipgrade.classroom.marks import Marks, find

from .conftest import ASSIGNMENT
from .gradebooks import content, grade_by_hand
from .test_class_page import text_of

DUE = "2026-01-02 12:00:00 UTC"
BY_DAYS = """
from skipgrade.classroom.late import LateByDays

c.AssignLatePenalties.plugin_class = LateByDays
c.LateByDays.share_a_day = 0.1
c.LateByDays.most = 0.5
"""
ZERO = '\nc.LateSubmissionPlugin.penalty_method = "zero"\n'
PAGES = """
from nbgrader.preprocessors import GetGrades
from skipgrade.classroom.feedback_page import FeedbackExporter, FeedbackSummary

c.GenerateFeedback.exporter_class = FeedbackExporter
c.GenerateFeedback.preprocessors = [GetGrades, FeedbackSummary]
"""


def quiet(text: str) -> None:
    """Progress nobody reads."""


def late_course(finished: Course, config: str, handed_in: str) -> Course:
    """`wrong` handed in at that time, was graded, and a person has read it since: 3.75 points."""
    with (finished.root / "nbgrader_config.py").open("a") as file:
        file.write(config)
    course = Course(finished.root)
    with course.gradebook() as book:
        book.update_or_create_assignment(ASSIGNMENT, duedate=DUE)
    folder = course.folder("submitted", ASSIGNMENT, "wrong")
    (folder / "timestamp.txt").write_text(handed_in)
    grading.grade(course, ASSIGNMENT, ["wrong"], quiet)
    grade_by_hand(course, "wrong")
    return course


def marks_of(course: Course, student: str) -> Marks:
    with course.gradebook() as book:
        found = find(book, ASSIGNMENT, student, Marking(config=course.config))
    assert found is not None
    return found


@pytest.mark.parametrize(
    "seconds, share",
    [(0, 0), (1, 0.1), (DAY, 0.1), (DAY + 1, 0.2), (5 * DAY, 0.5), (99 * DAY, 0.5)],
)
def test_each_day_begun_costs_its_share_up_to_the_most(seconds: float, share: float) -> None:
    rule = LateByDays(share_a_day=0.1, most=0.5)
    assert rule.late_submission_penalty("ada", 40, seconds) == pytest.approx(40 * share)


@pytest.mark.parametrize(
    "config, handed_in, late, days",
    [
        (BY_DAYS, "2026-01-03 12:00:01 UTC", 0.75, 2),
        (BY_DAYS, "2026-01-02 11:59:59 UTC", 0.0, 0),
        (BY_DAYS, "2026-03-02 12:00:00 UTC", 1.875, 59),
        (ZERO, "2026-01-03 12:00:00 UTC", 3.75, 1),
        ("", "2026-01-03 12:00:00 UTC", 0.0, 1),
    ],
    ids=["two days", "in time", "two months", "stock rule", "no rule"],
)
def test_points_that_a_person_gives_later_are_late_too(
    finished: Course, config: str, handed_in: str, late: float, days: int
) -> None:
    """nbgrader asks its plugin when it runs the tests: then the score was 0, and so the penalty."""
    course = late_course(finished, config, handed_in)
    assert not content(course)["wrong", ASSIGNMENT]["penalty"]
    found = marks_of(course, "wrong")
    assert (found.gross, found.days_late) == (3.75, days)
    assert found.late == pytest.approx(late)
    assert found.total == pytest.approx(3.75 - late)


def test_an_extension_counts_at_once(finished: Course) -> None:
    course = late_course(finished, BY_DAYS, "2026-01-03 12:00:01 UTC")
    with course.gradebook() as book:
        book.grant_extension(ASSIGNMENT, "wrong", days=1)
    assert marks_of(course, "wrong").days_late == 1
    with course.gradebook() as book:
        book.grant_extension(ASSIGNMENT, "wrong", days=2)
    assert marks_of(course, "wrong").late == 0


def test_nbgrader_asks_the_same_rule_while_it_grades(finished: Course) -> None:
    """Without a person's points, the gradebook's penalty and ours are one."""
    path = finished.folder("submitted", ASSIGNMENT, "wrong") / f"{ASSIGNMENT}.ipynb"
    path.write_text(path.read_text().replace("x ** 3", "2 * x"))
    course = late_course(finished, BY_DAYS, "2026-01-04 12:00:00 UTC")
    assert content(course)["wrong", ASSIGNMENT]["penalty"] == pytest.approx(0.2 * 3)


def test_every_page_and_table_shows_the_same_numbers(
    finished: Course, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    course = late_course(finished, BY_DAYS + PAGES, "2026-01-03 12:00:01 UTC")
    where = ["--course", str(course.root)]

    def output(*arguments: str) -> str:
        assert cli.main([*where, *arguments]) == cli.DONE
        return capsys.readouterr().out

    (line,) = [one for one in output("report", ASSIGNMENT, "--all").splitlines() if "0 / 3" in one]
    assert line.split()[:5] == ["wrong", "0", "/", "3", "3"]
    assert line.endswith("-0.75 handed in 2 days late")
    told = json.loads(output("report", ASSIGNMENT, "--json"))["students"]
    (row,) = (one for one in told if one["student"] == "wrong")
    assert (row["total"], row["marks"]["late"], row["marks"]["days_late"]) == (3, 0.75, 2)

    output("report", ASSIGNMENT, "--html", str(tmp_path / "class.html"))
    page = text_of((tmp_path / "class.html").read_text())
    assert "wrong handed in 2 days late: -0.75 3 0 of 3" in page

    page = text_of(feedback.generate(course, ASSIGNMENT, quiet)["wrong"].read_text())
    assert "wrong 00-warm-up 3 of 5" in page
    assert "extra credit +0.25 handed in 2 days late \N{MINUS SIGN}0.75 together 3" in page

    output("export", ASSIGNMENT, "--to", "csv", "--into", str(tmp_path / "grades.csv"))
    exported = {row["student_id"]: row for row in csv.DictReader((tmp_path / "grades.csv").open())}
    columns = [exported["wrong"][f"{ASSIGNMENT} {name}"] for name in ("late_penalty", "total")]
    assert list(map(float, columns)) == [0.75, 3]
    with course.gradebook() as book:
        (shown,) = (one for one in book.submission_dicts(ASSIGNMENT) if one["student"] == "wrong")
    assert shown["score"] == 3.75 == row["total"] + row["marks"]["late"], "Formgrader: before it"
