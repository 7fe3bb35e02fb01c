"""Does a student learn how a submission stands, and nothing of what is hidden?"""

from pathlib import Path

import pytest
from nbformat.v4 import new_notebook

from skipgrade import cli
from skipgrade.classroom import ask
from skipgrade.classroom.course import Course
from skipgrade.classroom.record import Record
from skipgrade.judging.grader.outputs import write_verdict
from skipgrade.judging.verdict import Verdict, message
from tests.bent import course as bent

from .conftest import cell


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    """Two answers of Ada's are wrong: one as the visible test sees, one as the hidden test does."""
    made = bent.make(tmp_path_factory.mktemp("ask") / "course")
    wrong = {
        "double": "def double(x):\n    return 5",
        "net": bent.ANSWERS["net"].replace("self.layer(x.flatten(1))", "-self.layer(x.flatten(1))"),
    }
    bent.hand_in(made, "ada", {**bent.ANSWERS, **wrong})
    return Course(made.root)


def test_tasks_are_told_and_hidden_reasons_are_not(
    course: Course, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["--course", str(course.root), "ask", "ada", bent.NAME]) == cli.DONE
    assert capsys.readouterr().out.splitlines() == [
        "ada, 07-bent: 3 of 10 by tests, as it is now",
        "  The double (test-double)  0 of 3: AssertionError: twice two",
        "  The net (test-net)  0 of 4",
    ]


def test_nothing_is_recorded(course: Course) -> None:
    with course.gradebook() as book:
        assert not book.assignment_submissions(bent.NAME) and not book.students
    assert not course.folder("autograded", bent.NAME, "ada").exists()
    assert Record(course.root, bent.NAME).every() == {}
    assert not list((course.root / ".skipgrade" / "asking").iterdir())


def test_who_has_handed_in_nothing_is_told_so(
    course: Course, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["--course", str(course.root), "ask", "bob", bent.NAME]) == cli.NOT_DONE
    assert "of bob for 07-bent" in capsys.readouterr().err


def asked(tmp_path: Path, share: float, *accuracies: float) -> ask.Answer:
    """What is told of a test of accuracy, worth 3, in a course that remembers."""
    (tmp_path / "nbgrader_config.py").write_text("c = get_config()\n")
    kept = ask._Kept(Course(tmp_path), "00", "ada")
    test = cell("code", "accuracy-test", "1", grade=True, locked=True, points=3)
    secret = message("at least 63%", f"{accuracies}", "a hint")
    measured = [{"accuracy": one, "bars": [0.55, 0.63]} for one in accuracies]
    write_verdict(test, Verdict(share, [secret] if share < 1 else [], accuracies=measured))
    (answer,) = ask._answers(new_notebook(cells=[test]), kept)
    kept.write()
    return answer


def test_an_accuracy_and_its_points_move_in_steps(tmp_path: Path) -> None:
    """A submission that is a little better, or worse, gets the old answer; also over the bar."""
    first = asked(tmp_path, 1 / 3, 0.6217)
    assert first.points == pytest.approx(1)
    assert first.accuracies == [0.62]
    assert first.told.startswith("about 62% of the held-out images, your best answer so far (bars")
    assert asked(tmp_path, 1.0, 0.6391) == first
    assert asked(tmp_path, 0.0, 0.10) == first
    better = asked(tmp_path, 1.0, 0.6403)
    assert (better.points, better.accuracies) == (3, [0.64])
    assert "6403" not in better.told


def test_without_weights_there_is_no_old_answer(tmp_path: Path) -> None:
    asked(tmp_path, 1.0, 0.7)
    assert (asked(tmp_path, 0.0).points, asked(tmp_path, 0.0).told) == (0, "")
