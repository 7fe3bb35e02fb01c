"""Does every student of the sample class get what they earned, from the stock command?"""

import html
import re

import nbformat
import pytest

from skipgrade.classroom import feedback, report
from skipgrade.classroom.sample import ASSIGNMENT, SAMPLES
from tests.conftest import ROOT, GradedClass


def test_the_class_finishes(demo_class: GradedClass) -> None:
    assert demo_class.autograde.returncode == 0, demo_class.autograde.stderr[-4000:]
    graded = demo_class.course.root / "autograded"
    assert {path.name for path in graded.iterdir()} == {one.student for one in SAMPLES}


@pytest.mark.parametrize("student", ["correct", "own-style"])
def test_right_is_right(demo_class: GradedClass, student: str) -> None:
    row = demo_class.row(student)
    assert row.losses == []
    assert row.problem is None
    assert row.score == row.max_score == automatic_points()


@pytest.mark.parametrize("student", ["strips-asserts", "equals-everything"])
def test_cheating_earns_nothing(demo_class: GradedClass, student: str) -> None:
    row = demo_class.row(student)
    assert row.score == 0
    assert sum(loss.points for loss in row.losses) == row.max_score == automatic_points()
    assert all(loss.reason for loss in row.losses)


def test_wrong_padding_loses_what_depends_on_it(demo_class: GradedClass) -> None:
    row = demo_class.row("wrong-padding")
    lost = {loss.cell: loss.points for loss in row.losses}
    assert lost["lenet5-forward"] == 2
    assert "lenet5-size" in lost
    assert "train-step-test" not in lost
    assert 0.5 * row.max_score < row.score < row.max_score


def test_endless_cell_costs_its_own_points(demo_class: GradedClass) -> None:
    row = demo_class.row("never-ends")
    (loss,) = row.losses
    assert loss.cell == "sanity-check-test"
    assert row.score == row.max_score - loss.points


def test_unreadable_file_is_a_reported_zero(demo_class: GradedClass) -> None:
    row = demo_class.row("not-json")
    assert row.score == 0
    assert row.max_score == automatic_points()
    assert "JSON" in str(row.problem)


def test_every_student_gets_a_page_without_hidden_tests(demo_class: GradedClass) -> None:
    pages = feedback.generate(demo_class.course, ASSIGNMENT, lambda text: None)
    assert set(pages) == {one.student for one in SAMPLES}
    for student, page in pages.items():
        text = html.unescape(re.sub(r"<[^>]+>", "", page.read_text()))
        for secret in ("HIDDEN TESTS", "check.function", "skipgrade.judging", str(ROOT)):
            assert secret not in text, f"the page of {student} shows {secret}"
    assert "JSON" in pages["not-json"].read_text()


def test_table_has_a_line_per_student_and_a_reason_per_loss(demo_class: GradedClass) -> None:
    table = report.rows(demo_class.course, ASSIGNMENT)
    text = list(report.lines(table, width=120))
    for row in table:
        (line,) = [line for line in text if line.startswith(f"{row.student} ")]
        assert f"{row.score:g} / {row.max_score:g}" in line
    assert all(len(line) <= 120 for line in text)


def automatic_points() -> float:
    """What the source notebook's test cells are worth together."""
    path = ROOT / "source" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb"
    cells = nbformat.read(path, as_version=4).cells
    graded = [cell.metadata.nbgrader for cell in cells if "nbgrader" in cell.metadata]
    return sum(cell.points for cell in graded if cell.grade and not cell.solution)
