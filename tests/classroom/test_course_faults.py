"""Is a fault of the course's own told once, loudly, and never recorded as anybody's grade?"""

from __future__ import annotations

from pathlib import Path

import pytest
from nbconvert.exporters import ResourcesDict
from nbformat import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor

from skipgrade import cli
from skipgrade.classroom import grading, progress
from skipgrade.classroom.course import Course
from skipgrade.judging.grader.judge_kernel import JudgeError
from tests.judging import tiny
from tests.judging.tiny import ANSWERS, NAME, TinyCourse

from .conftest import ASSIGNMENT, submit

CAUSE = "00-warm-up.ipynb, cell double-test, line 2 of its hidden tests: NameError: MPL"
STUDENTS = ["ada", "bob", "cyd"]


class JudgeThatFails(NbGraderPreprocessor):
    """Stands for a judge whose hidden test raises."""

    def preprocess(
        self, nb: NotebookNode, resources: ResourcesDict
    ) -> tuple[NotebookNode, ResourcesDict]:
        raise JudgeError(CAUSE)


@pytest.fixture
def at_fault(released: Course) -> Course:
    config = released.root / "nbgrader_config.py"
    lines = (
        "from tests.classroom.test_course_faults import JudgeThatFails\n"
        "c.Autograde.autograde_preprocessors = [JudgeThatFails]\n"
    )
    config.write_text(config.read_text() + lines)
    for student in STUDENTS:
        submit(released, student, "2 * x")
    return Course(released.root)


def test_nobody_is_graded_and_the_cause_is_told_once(
    at_fault: Course, capsys: pytest.CaptureFixture[str]
) -> None:
    course = ["--course", str(at_fault.root)]
    assert cli.main([*course, "grade", ASSIGNMENT, "--workers", "0"]) == 1
    told = capsys.readouterr()
    lines = [line.strip() for line in (told.out + told.err).splitlines()]
    assert f"ada, bob, cyd: not graded: {CAUSE}" in lines
    assert sum(CAUSE in line for line in lines) == 2, "as it comes, and in the summary"
    assert sum("for a reason told before" in line for line in lines) == 2
    assert not any("Traceback" in line for line in lines)
    with at_fault.gradebook() as book:
        for submission in book.assignment_submissions(ASSIGNMENT):
            grades = [grade for notebook in submission.notebooks for grade in notebook.grades]
            assert all(grade.auto_score is None for grade in grades)
    assert not list(at_fault.root.glob(f"autograded/*/{ASSIGNMENT}"))


def test_grades_there_were_stay(finished: Course) -> None:
    """A course that is broken later takes nothing from those graded before."""
    finished.config.Autograde.autograde_preprocessors = [JudgeThatFails]
    outcomes = grading.grade(finished, ASSIGNMENT, say=lambda text: None, force=True)
    assert not any(outcome.scored for outcome in outcomes)
    with finished.gradebook() as book:
        assert book.find_submission(ASSIGNMENT, "right").score == 3


def test_when_the_course_is_right_again_all_are_graded(at_fault: Course) -> None:
    grading.grade(at_fault, ASSIGNMENT, say=lambda text: None)
    del at_fault.config.Autograde
    outcomes = grading.grade(at_fault, ASSIGNMENT, say=lambda text: None)
    assert [one.score for one in outcomes] == [3.0, 3.0, 3.0]


def test_many_names_are_cut_short() -> None:
    outcomes = [progress.Outcome(f"s{n}", 1.0, "not graded: x", scored=False) for n in range(9)]
    assert list(progress.summary(outcomes))[-1] == "  s0, s1, s2, s3, s4 and 4 more: not graded: x"


SETUP_FAILS = ("import torch", "import torch\nraise OSError('no disk')")
UNKNOWN_CHECK = ("check.parameters('Net()', x=x)", "check.functon('Net()')")
UNKNOWN_NAME = ("check.parameters('Net()', x=x)", "check.parameters('MPL()')")


def broken_later(root: Path, change: tuple[str, str]) -> TinyCourse:
    """A course whose source was changed by hand after the release."""
    course = tiny.make(root)
    path = root / "source" / NAME / f"{NAME}.ipynb"
    before, after = (text.replace("\n", "\\n").replace('"', '\\"') for text in change)
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))
    course.hand_in("right", ANSWERS)
    return course


@pytest.mark.parametrize(
    ("change", "told"),
    [
        pytest.param(SETUP_FAILS, "cell setup: OSError: no disk", id="setup"),
        pytest.param(UNKNOWN_CHECK, "cell net-test, line 3", id="unknown check"),
        pytest.param(UNKNOWN_NAME, "cell net-test, line 3", id="unknown name"),
    ],
)
def test_neither_command_records_a_zero(tmp_path: Path, change: tuple[str, str], told: str) -> None:
    course = broken_later(tmp_path, change)
    stock = course.nbgrader("autograde", NAME)
    ours = course.command("skipgrade.cli", "grade", NAME, "--workers", "0")
    assert (stock.returncode, ours.returncode) == (1, 1)
    assert told in stock.stderr
    assert told in ours.stdout
    assert "Traceback" not in ours.stdout + ours.stderr
    with Course(tmp_path).gradebook() as book:
        notebook = book.find_submission_notebook(NAME, NAME, "right")
        assert [grade.auto_score for grade in notebook.grades] == [None] * 3
