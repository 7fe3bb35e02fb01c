"""Does the class's page say what is so, and nothing of who has been removed?"""

import html
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from skipgrade import cli
from skipgrade.classroom import class_data, class_page, figures, report
from skipgrade.classroom.course import Course
from skipgrade.classroom.report import Loss, Row
from skipgrade.lab.history import History

from .conftest import ASSIGNMENT, submit
from .gradebooks import grade_by_hand

EPOCH = {
    "train_loss": 1.0, "train_accuracy": 0.5, "val_loss": 1.0, "learning_rate": 0.1, "seconds": 1.0
}  # fmt: skip


def page_of(course: Course, tmp_path: Path) -> str:
    path = tmp_path / "class.html"
    told = ["--course", str(course.root), "report", ASSIGNMENT, "--html", str(path)]
    assert cli.main(told) == cli.DONE
    return path.read_text(encoding="utf-8")


def text_of(page: str) -> str:
    page = re.sub(r"<style.*?</style>", "", page, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


def hand_in_history(course: Course, student: str, *accuracies: float) -> Path:
    history = History("net")
    for number, accuracy in enumerate(accuracies, start=1):
        history.epochs.append({"epoch": number, "val_accuracy": accuracy, **EPOCH})
    path = course.folder("submitted", ASSIGNMENT, student) / "net-history.json"
    history.write(path)
    return path


def test_points_tasks_and_students_are_told(finished: Course, tmp_path: Path) -> None:
    grade_by_hand(finished, "wrong")
    page = page_of(finished, tmp_path)
    said = text_of(page)
    assert "2 submissions, 2 graded" in said
    assert "3.38 of 5 on average; half of the class has 3.38 or more" in said
    assert "Warm-up double-test AssertionError" in said
    assert "wrong 3.75 0 of 3" in said and "right 3 3 of 3" in said
    assert "Warm-up why" not in said, "nothing of it waits"


def test_the_page_needs_nothing_else(finished: Course, tmp_path: Path) -> None:
    page = page_of(finished, tmp_path)
    assert not re.search(r"<script|<link|<img|@import|url\(|src=|http", page)
    for drawing in re.findall(r"<svg.*?</svg>", page):
        ElementTree.fromstring(drawing)
    assert page.count("<svg") == 1, "no accuracies and no histories, no figures"


def test_curves_are_those_handed_in(finished: Course, tmp_path: Path) -> None:
    hand_in_history(finished, "right", 0.2, 0.6)
    broken = hand_in_history(finished, "wrong", 0.1)
    table = report.rows(finished, ASSIGNMENT)
    found = class_data.curves(finished, ASSIGNMENT, table)
    assert {run: {*by} for run, by in found.items()} == {"net": {"right", "wrong"}}
    broken.write_text("{")
    (broken.parent / "b-history.json").symlink_to(broken.parent.parent)
    assert [*class_data.curves(finished, ASSIGNMENT, table)["net"]] == ["right"]
    page = page_of(finished, tmp_path)
    assert page.count("<polyline") == 1 and "<title>right: 60.0%</title>" in page


def test_an_endless_history_is_not_drawn(finished: Course) -> None:
    path = hand_in_history(finished, "right", 0.2)
    path.write_text(path.read_text() + " " * class_data.LARGEST)
    assert class_data.curves(finished, ASSIGNMENT, report.rows(finished, ASSIGNMENT)) == {}


def test_removed_students_leave_no_ghosts(finished: Course, tmp_path: Path) -> None:
    """Out of the gradebook: not one point stays, whatever lies in autograded/ and feedback/."""
    with finished.gradebook() as book:
        book.remove_student("wrong")
    (row,) = [row for row in report.rows(finished, ASSIGNMENT) if row.student == "wrong"]
    assert (row.total, row.marks, row.problem) == (None, None, "not graded yet")
    folder = finished.folder("submitted", ASSIGNMENT, "wrong")
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    assert finished.folder("autograded", ASSIGNMENT, "wrong").is_dir()
    assert "wrong" not in text_of(page_of(finished, tmp_path)).split()
    assert [row.student for row in report.rows(finished, ASSIGNMENT)] == ["right"]


def test_the_commonest_reason_is_named_with_how_often(finished: Course) -> None:
    table = [
        Row("a", losses=[Loss("double-test", 3, "one")]),
        Row("b", losses=[Loss("double-test", 1, "two"), Loss("x", 1, "three")]),
        Row("c", losses=[Loss("double-test", 1, "two")]),
    ]
    first, second = class_data.failing(table, class_data.titles_of(finished, ASSIGNMENT))
    assert (first.title, first.cell, first.total) == ("Warm-up", "double-test", 5)
    assert first.reason == ("two", 2) and second.title == "x"


def test_what_students_wrote_is_text(finished: Course, tmp_path: Path) -> None:
    evil = '<script>alert(1)</script>"\u202e'
    table = [Row(evil, 1, 3, total=1.0, problem=evil, losses=[Loss("c", 1, evil)])]
    class_page.write(finished, ASSIGNMENT, table, tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    assert "<script" not in page and "\u202e" not in page and "&lt;script&gt;" in page


def test_accuracies_stand_beside_their_bars() -> None:
    measured = [
        class_data.Measured("a", 0.7, (0.5, 0.6)),
        class_data.Measured("b", 0.55, (0.5, 0.6)),
        class_data.Measured("c", 0.1, (0.5, 0.6)),
    ]
    drawn = class_page._accuracies({"test": measured}, {"test": "Good?"})
    colours = re.findall(r'<circle [^>]*fill="var\(--(\w+)\)"', drawn)
    assert colours == ["none", "part", "full"]
    assert drawn.count("stroke-dasharray") == 2 and "60% for all points" in drawn


def test_a_histogram_counts_everybody_once() -> None:
    drawn = figures.histogram([0, 0.1, 5, 10, 12], 10)
    assert re.findall(r"<title>(\d+) from", drawn) == ["2", "1", "2"]


@pytest.mark.parametrize("top", [0.3, 1, 3, 54, 86.4, 1000])
def test_ticks_are_few_and_whole(top: float) -> None:
    found = figures.ticks(top)
    assert found[0] == 0 and len(found) <= 6 and found[-1] <= top
    assert all(value == int(value) for value in found)


def test_two_lines_a_student_unless_asked(
    finished: Course, capsys: pytest.CaptureFixture[str]
) -> None:
    submit(finished, "zoe")
    for more in ([], ["--all"]):
        assert cli.main(["--course", str(finished.root), "report", ASSIGNMENT, *more]) == 0
        out = capsys.readouterr().out
        assert re.search(r"^right +3 / 3 +3 +nothing lost$", out, re.M)
        assert re.search(r"^zoe +0 / 0 +- +not graded yet$", out, re.M)
