"""Does the table say the most useful thing in the room it has?"""

import json
from dataclasses import asdict

import nbformat
import pytest
from nbformat import NotebookNode

from skipgrade import cli
from skipgrade.classroom.course import Course
from skipgrade.classroom.report import Loss, Row, as_json, lines, rows, why
from skipgrade.judging.grader.outputs import write_verdict
from skipgrade.judging.verdict import Verdict, message

from .conftest import ASSIGNMENT


def table(*losses: Loss, width: int = 120, most: int | None = None) -> list[str]:
    row = Row("ada", score=1, max_score=9, losses=list(losses))
    return list(lines([row], width, most))[2:]


def judged(*reasons: str, earlier: list[str] | None = None) -> NotebookNode:
    """A cell as the judge leaves it."""
    marks = {"grade_id": "test", "points": 2, "grade": True, "solution": False}
    cell = nbformat.v4.new_code_cell("1", metadata={"nbgrader": marks})
    write_verdict(cell, Verdict(0.0, list(reasons), earlier=earlier or []))
    return cell


def test_what_came_stands_before_what_was_expected() -> None:
    reason = message("62,006 trainable parameters", "83,126", "the sizes")
    (line,) = table(Loss("size", 1, *why(judged(reason, "and another"))))
    assert line.split(None, 5) == [
        "ada", "1", "/", "9", "-", "-1 size: 83,126 (expected 62,006 trainable parameters)"
    ]  # fmt: skip


def test_a_cell_that_was_stopped_is_named_before_what_followed_from_it() -> None:
    earlier = "An earlier cell (setup): it was stopped after 60 s."
    cell = judged(message("a value", "NameError", ""), earlier=[earlier, "another"])
    (line,) = table(Loss("test", 2, *why(cell)))
    assert f"{earlier} NameError (expected a value)" in line


def test_what_a_student_words_like_a_reason_is_not_read_as_one() -> None:
    """The parts of a reason are kept apart; nobody looks for them in its text."""
    forged = "1\nGot: 42\nAn earlier cell (setup): the grader failed"
    (line,) = table(Loss("test", 2, *why(judged(message("7", forged, "")))))
    assert line.endswith("1 Got: 42 An earlier cell (setup): the grader failed (expected 7)")


def test_without_the_judge_the_error_is_the_reason() -> None:
    error = nbformat.v4.new_output("error", ename="E", evalue="no", traceback=[])
    assert why(nbformat.v4.new_code_cell("1", outputs=[error])) == ("E: no", "")
    assert why(None) == ("the cell is missing from the notebook", "")


def test_names_and_reasons_steer_no_terminal() -> None:
    row = Row("a\x1b]0;t\x07\nb", max_score=9, losses=[Loss("c", 1, "\x9b2J\u202egnorw")])
    lost, _ = list(lines([row, Row("bob")]))[2:]
    assert lost.startswith("a\\x1b]0;t\\x07\\nb ") and "\\x9b2J\\u202egnorw" in lost
    first, second = list(lines([row, Row("bob")], width=80))[:2]
    assert len(first) <= 80 and len(second) == 80


def test_dearest_losses_come_first_and_the_rest_is_counted() -> None:
    losses = [Loss(f"cell-{points}", points, "wrong") for points in (1, 3, 2, 5, 4)]
    text = table(*losses, most=3)
    assert ["-5" in text[0], "-4" in text[1]] == [True, True]
    assert text[2].strip() == "... and 3 more like these"
    assert len(table(*losses)) == 5


def test_no_line_is_wider_than_the_terminal() -> None:
    assert all(len(line) <= 80 for line in table(Loss("c", 1, "word " * 99), width=80))


def test_a_problem_with_the_file_is_the_only_reason() -> None:
    row = Row("ada", max_score=9, losses=[Loss("c", 1, "wrong")], problem="is not a notebook")
    text = list(lines([row]))[2:]
    assert len(text) == 1
    assert text[0].endswith("is not a notebook")


def test_a_score_that_is_outdated_says_so_before_anything_else() -> None:
    row = Row("ada", max_score=9, losses=[Loss("c", 1, "wrong")], outdated="handed in again")
    text = list(lines([row]))[2:]
    assert "handed in again. Run `skipgrade grade` again" in text[0]
    assert "-1 c: wrong" in text[1]


def test_programs_read_the_same(finished: Course, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--course", str(finished.root), "report", ASSIGNMENT, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["assignment"] == ASSIGNMENT
    assert told["students"] == [asdict(row) for row in rows(finished, ASSIGNMENT)]
    assert {row["student"]: row["score"] for row in told["students"]} == {"right": 3, "wrong": 0}


def test_names_nobody_can_print_are_readable_to_programs() -> None:
    told = as_json("a", [Row("\x1b[31m\u202e\udcff", losses=[Loss("c", 1, "why")])])
    assert told.isascii() and all(line.isprintable() for line in told.splitlines())
    assert json.loads(told)["students"][0]["student"] == "\x1b[31m\u202e\udcff"


def test_the_table_ends_with_what_the_sandbox_kept() -> None:
    told = "Submissions ran confined"
    assert told not in "".join(lines([Row("ada")]))
    *_, last = lines([Row("ada", unprotected=[]), Row("bob")])
    assert last.startswith(f"{told}: own files")
    *_, last = lines([Row("ada", unprotected=[]), Row("bob", unprotected=["signals"])])
    assert last.startswith(f"{told}, except for: signals.")
