"""Whole runs of `nbgrader autograde` over a class of right, broken and hostile submissions."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.judging import tiny
from tests.judging.conftest import CLASS, Graded
from tests.judging.tiny import ANSWERS, NAME

FULL = {"double": 2.0, "net": 3.0, "number": 4.0}


def test_everyone_is_graded(graded: Graded) -> None:
    assert set(graded.scores) == set(CLASS)


def test_the_gradebook_says_what_the_verdicts_say(graded: Graded) -> None:
    for student in CLASS:
        assert graded.scores[student] == pytest.approx(sum(graded.points(student).values()))


@pytest.mark.parametrize("student", ["right", "noisy", "snoops", "deleted"])
def test_full_marks(graded: Graded, student: str) -> None:
    assert graded.points(student) == FULL, graded.verdicts(student)


@pytest.mark.parametrize(
    "student",
    ["stub", "strips-asserts", "equals-everything", "not-json", "forged"],
)
def test_no_marks(graded: Graded, student: str) -> None:
    assert graded.points(student) == {"double": 0.0, "net": 0.0, "number": 0.0}
    assert all(verdict["reason"] for verdict in graded.verdicts(student).values())


def test_answers_that_are_junk_earn_only_what_the_notebook_itself_says(graded: Graded) -> None:
    assert graded.points("answers-with-junk") == {"double": 0.0, "net": 0.0, "number": 3.0}
    assert "answer" in graded.verdicts("answers-with-junk")["net"]["reason"]


def test_part_of_the_marks_with_a_reason_for_the_rest(graded: Graded) -> None:
    assert graded.points("half") == {"double": 2.0, "net": 0.0, "number": 1.0}
    assert "Hint: a sum" in graded.verdicts("half")["number"]["reason"]


@pytest.mark.parametrize(
    ("student", "reason"),
    [
        ("patches-the-judge", "differ|reference's number"),
        ("hogs-memory", "MemoryError"),
        ("dies", "the kernel died while running it"),
        ("dies-when-asked", "kernel died while this cell was checked"),
        ("loops", "stopped after 8 s"),
        ("loops-when-asked", "no answer within 30 s"),
        ("cannot-be-interrupted", "stopped after 8 s|could not be interrupted"),
        ("floods", "bytes and was stopped|could not be interrupted"),
        ("shouts", "could not be interrupted|bytes and was stopped|the kernel died"),
    ],
)
def test_trouble_costs_its_own_cell_and_says_so(graded: Graded, student: str, reason: str) -> None:
    assert graded.points(student) == {**FULL, "double": 0.0}, graded.verdicts(student)
    told = graded.verdicts(student)["double"]["reason"]
    assert any(words in told for words in reason.split("|")), told


def test_outputs_changed_later_change_no_verdict(graded: Graded) -> None:
    assert graded.points("rewrites-displays") == {**FULL, "double": 1.0}
    assert graded.scores["rewrites-displays"] == 8.0


def test_messages_no_kernel_would_send_end_nothing(graded: Graded) -> None:
    points = graded.points("talks-nonsense")
    assert (points["net"], points["number"]) == (FULL["net"], FULL["number"])


def test_a_kernel_lost_twice_ends_the_notebook(graded: Graded) -> None:
    assert graded.points("dies-twice") == {"double": 0.0, "net": 0.0, "number": 0.0}
    assert "second time" in graded.verdicts("dies-twice")["number"]["reason"]


def test_memory_runs_out_in_the_cell_that_took_it(graded: Graded) -> None:
    assert "MemoryError" in graded.printed("hogs-memory")


def test_hidden_tests_cannot_be_found(graded: Graded) -> None:
    assert "FOUND []" in graded.printed("snoops")


def test_delimiters_of_ones_own_hide_nothing_and_run_nowhere_else(graded: Graded) -> None:
    assert graded.points("delimiters") == FULL


def test_marks_nobody_gave_are_ignored_and_reported(graded: Graded) -> None:
    assert "had nbgrader metadata that is not in the release" in graded.log
    assert "number-test was missing and is back" in graded.log


def test_verdicts_carry_no_paths_of_the_grader(graded: Graded) -> None:
    for student in CLASS:
        for verdict in graded.verdicts(student).values():
            assert str(graded.course.root) not in verdict["reason"]
            assert "/tmp/" not in verdict["reason"] and "site-packages" not in verdict["reason"]


def test_the_command_leaves_nothing_behind(graded: Graded) -> None:
    assert graded.left_behind == []
    assert "Exception ignored" not in graded.log


def test_feedback_shows_reasons_and_no_hidden_tests(
    graded: Graded, feedback: Callable[[str], str]
) -> None:
    page = feedback("half")
    assert "1 of 4 points" in page and "a sum" in page
    for student in CLASS:
        assert "HIDDEN TESTS" not in feedback(student) or student == "delimiters"
        assert "check.equal" not in feedback(student)


def test_without_the_judge_hidden_tests_refuse_to_run(tmp_path: Path) -> None:
    """Stock Execute would run hidden tests in the student's kernel; they must not pass there."""
    stock = (
        "from nbgrader.preprocessors import Execute\n"
        "c.Autograde.autograde_preprocessors[0] = Execute\n"
    )
    course = tiny.make(tmp_path, config=stock)
    course.hand_in("right", ANSWERS)
    done = course.nbgrader("autograde", NAME)
    assert done.returncode == 0, done.stderr[-4000:]
    graded = Graded(course, done.stderr)
    assert graded.scores == {"right": 0.0}
    assert "ran without the judge" in graded.printed("right")


def test_points_without_a_hidden_test_are_refused(tmp_path: Path) -> None:
    course = tiny.make(tmp_path)
    course.hand_in("right", ANSWERS)
    source = tmp_path / "source" / NAME / f"{NAME}.ipynb"
    source.write_text(source.read_text().replace("### BEGIN HIDDEN TESTS", "#"))
    done = course.nbgrader("autograde", NAME)
    assert done.returncode != 0
    assert "cell double-test: points without a hidden test" in done.stderr


def test_a_notebook_out_of_time_is_told_so_cell_by_cell(tmp_path: Path) -> None:
    course = tiny.make(tmp_path, config="c.JudgedExecute.notebook_timeout = 0\n")
    course.hand_in("right", ANSWERS)
    done = course.nbgrader("autograde", NAME)
    assert done.returncode == 0, done.stderr[-4000:]
    verdicts = Graded(course, done.stderr).verdicts("right")
    assert {verdict["points"] for verdict in verdicts.values()} == {0.0}
    assert all("more than 0 s in total" in verdict["reason"] for verdict in verdicts.values())


ENDLESS = {"loops", "loops-when-asked", "cannot-be-interrupted", "floods", "shouts", "hogs-memory"}


def test_the_class_in_parallel_gets_the_same_verdicts(graded: Graded, tmp_path: Path) -> None:
    """Cell by cell, reasons included; without those who only take time."""
    course = tiny.TinyCourse(tmp_path / "course")
    for folder in ("source", "submitted"):
        shutil.copytree(graded.course.root / folder, course.root / folder)
    for file in ("nbgrader_config.py", "holdout.key"):
        shutil.copy(graded.course.root / file, course.root)
    commands = [("nbgrader", "generate_assignment"), ("skipgrade.cli", "grade")]
    for command in commands:
        chosen = CLASS.keys() - ENDLESS if command[1] == "grade" else ()
        named = [argument for student in chosen for argument in ("--student", student)]
        done = course.command(*command, NAME, *named)
        assert done.returncode == 0, done.stderr[-3000:]
    parallel = Graded(course, "")
    assert set(parallel.scores) == CLASS.keys() - ENDLESS
    for student in parallel.scores:
        assert parallel.scores[student] == graded.scores[student], student
        assert _without_times(parallel, student) == _without_times(graded, student), student


def _without_times(graded: Graded, student: str) -> dict[str, dict[str, Any]]:
    return {
        name: {key: said for key, said in verdict.items() if key != "seconds"}
        for name, verdict in graded.verdicts(student).items()
    }
