"""Does the record say what changed in a verdict, and because of what?"""

from pathlib import Path

import pytest
import torch
from nbgrader.converters import Autograde
from nbgrader.preprocessors import GetGrades
from safetensors.torch import save_file

from skipgrade import cli
from skipgrade.classroom import feedback, grading, grounds, release, report
from skipgrade.classroom.changes import Change, changes, differences
from skipgrade.classroom.course import Course
from skipgrade.classroom.errors import CourseError
from skipgrade.classroom.feedback_page import FeedbackExporter, FeedbackSummary
from skipgrade.classroom.record import Grading, Record, Told
from skipgrade.classroom.why import graded_since, lines
from skipgrade.judging.pages.hide_tests import HideTests
from tests.bent import course as bent

from .conftest import ASSIGNMENT
from .test_class_page import text_of


def quiet(text: str) -> None:
    """Progress nobody reads."""


def ours(course: Course) -> Course:
    """The same course with our feedback pages."""
    course.config.GenerateFeedback.exporter_class = FeedbackExporter
    course.config.GenerateFeedback.preprocessors = [GetGrades, HideTests, FeedbackSummary]
    return course


def grade(course: Course, assignment: str = ASSIGNMENT) -> None:
    grading.grade(course, assignment, say=quiet, force=True)


def latest(
    course: Course, student: str, assignment: str = ASSIGNMENT
) -> list[tuple[str, str, str]]:
    """What the last two gradings of a student tell differently."""
    *_, before, now = Record(course.root, assignment).of(student)
    return [(one.cell, one.points, one.because) for one in changes(before, now)]


def change_source(course: Course, old: str, new: str) -> None:
    path = course.folder("source", ASSIGNMENT) / f"{ASSIGNMENT}.ipynb"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    release.generate(course, [ASSIGNMENT], quiet)  # without the judge, tests are the gradebook's


def change_answer(course: Course, student: str, old: str, new: str) -> None:
    path = course.folder("submitted", ASSIGNMENT, student) / f"{ASSIGNMENT}.ipynb"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


def test_a_changed_hidden_test_is_named_with_its_cell(finished: Course) -> None:
    change_source(finished, "double(21) == 42", "double(21) == 43")
    grade(finished)
    told = ("double-test", "3 → 0", "its hidden test was changed")
    assert latest(finished, "right") == [told]
    assert latest(finished, "wrong") == []


def test_a_changed_answer_is_named(finished: Course) -> None:
    change_answer(finished, "wrong", "x ** 3", "2 * x")
    grade(finished)
    told = ("double-test", "0 → 3", "the answer in double was changed")
    assert latest(finished, "wrong") == [told]
    assert latest(finished, "right") == []


def test_words_that_no_test_reads_are_no_cause(finished: Course) -> None:
    change_answer(finished, "right", "YOUR ANSWER HERE", "Because.")
    grade(finished)
    *_, before, now = Record(finished.root, ASSIGNMENT).of("right")
    assert differences(before, now) == []


@pytest.fixture(autouse=True)
def same_data_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """As when the class was graded, whatever tests before this one have set."""
    monkeypatch.delenv("SKIPGRADE_DATASET", raising=False)


def test_a_changed_version_is_named(finished: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    """Apart from it nothing changed, so it is what remains."""
    test = "assert double(21) == 42 + ('SKIPGRADE_BACKBONE' in __import__('os').environ)"
    change_source(finished, "assert double(21) == 42", test)
    grade(finished)
    here = grounds.installed()
    monkeypatch.setattr(grounds, "installed", lambda: here | {"torch": "99"})
    grade(finished)
    *_, before, now = Record(finished.root, ASSIGNMENT).of("right")
    newer = f"torch {here['torch']} → 99"
    assert changes(before, now) == [] and differences(before, now) == [newer]
    monkeypatch.setenv("SKIPGRADE_BACKBONE", "builtin")
    grade(finished)
    told = "SKIPGRADE_BACKBONE (not set) → builtin"
    assert latest(finished, "right") == [("double-test", "3 → 0", told)]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Course:
    """A course whose test reads the weights and the table that were handed in."""
    made = bent.make(tmp_path_factory.mktemp("why") / "course")
    bent.hand_in(made, "ada")
    course = Course(made.root)
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("SKIPGRADE_DATASET", raising=False)  # as for the gradings to come
        grade(course, bent.NAME)
    return course


def test_changed_weights_are_named_where_a_test_speaks_of_them(trained: Course) -> None:
    folder = trained.folder("submitted", bent.NAME, "ada")
    save_file({"other": torch.ones(3, 12)}, folder / "plain-best.safetensors")
    (folder / "notes.txt").write_text("mine")
    grade(trained, bent.NAME)
    ((cell, points, because),) = latest(trained, "ada", bent.NAME)
    assert (cell, points) == ("test-run", "2 → 0")
    assert because == "plain-best.safetensors was changed (changed too: notes.txt is new)"


def test_old_verdicts_are_told_as_they_were(finished: Course) -> None:
    """Each grading's points and reasons, as the report told them when it was the last."""
    told = []
    for new in ("x ** 3", "x + 'a'", "2 * x"):
        change_answer(finished, "wrong", "return ", f"return {new} #")
        grade(finished)
        (row,) = (row for row in report.rows(finished, ASSIGNMENT) if row.student == "wrong")
        told.append((row.score, [loss.reason for loss in row.losses]))
    assert len(set(map(str, told))) == 3
    for place, (score, reasons) in enumerate(told, start=2):
        text = list(lines(finished, ASSIGNMENT, "wrong", place))
        assert f": {score:g} of 3 by tests, grading {place} of 4" in text[0]
        assert [line.partition(": ")[2] for line in text[1:2] if reasons] == reasons


def test_the_command_says_it_in_a_few_lines(
    finished: Course, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["--course", str(finished.root)]
    assert cli.main([*where, "why", "right", ASSIGNMENT]) == cli.DONE
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith(f"right, {ASSIGNMENT}: 3 of 3 by tests, grading 1 of 1, 20")
    change_source(finished, "double(21) == 42", "double(21) == 43")
    assert cli.main([*where, "regrade", ASSIGNMENT, "--diff", "--workers", "0"]) == cli.DONE
    assert capsys.readouterr().out.splitlines()[-3:] == [
        "1 of 2 graded again have other points",
        "  double-test: its hidden test was changed",
        "    3 → 0  right",
    ]
    assert cli.main([*where, "why", "right", ASSIGNMENT]) == cli.DONE
    first, lost, since, change = capsys.readouterr().out.splitlines()
    assert "0 of 3 by tests, grading 2 of 2" in first
    assert lost.startswith("  double-test  0 of 3: AssertionError")
    assert since.startswith("Since grading 1, 20") and since.endswith("UTC, 3 of 3")
    assert change == "  double-test  3 → 0: its hidden test was changed"


def test_pages_say_it_too(finished: Course, tmp_path: Path) -> None:
    """The class's and the student's, while the last grading on record is the one they show."""
    change_source(finished, "double(21) == 42", "double(21) == 43")
    grade(finished)
    page = tmp_path / "class.html"
    where = ["--course", str(finished.root)]
    assert cli.main([*where, "report", ASSIGNMENT, "--html", str(page)]) == cli.DONE
    told = text_of(page.read_text())
    assert "double-test its hidden test was changed 3 → 0 right" in told
    course = ours(finished)
    own = feedback.generate(course, ASSIGNMENT, quiet)
    told = "Graded again. Warm-up: 3 → 0 points. Its hidden test was changed."
    assert told in text_of(own["right"].read_text())
    assert "Graded again" not in text_of(own["wrong"].read_text())
    change_source(finished, "double(21) == 43", "double(21) == 42")
    finished.run(Autograde, ASSIGNMENT)
    own = feedback.generate(course, ASSIGNMENT, quiet)
    assert "Graded again" not in text_of(own["right"].read_text())


def test_who_has_no_grading_on_record_is_told_so(finished: Course) -> None:
    for student, place in (("nobody", None), ("right", 2), ("right", 0)):
        with pytest.raises(CourseError, match="on record"):
            list(lines(finished, ASSIGNMENT, student, place))


def test_regrading_leaves_out_who_was_not_graded_again(finished: Course) -> None:
    record = Record(finished.root, ASSIGNMENT)
    before = record.graded()
    (record.folder / "wrong.jsonl").rename(record.folder / "wrong.away")
    grading.grade(finished, ASSIGNMENT, ["wrong"], quiet, force=True)
    pairs, new = graded_since({"right": before["right"]}, record.graded())
    assert (pairs, new) == ({}, ["wrong"])


def test_a_line_that_a_crash_cut_short_is_no_grading(tmp_path: Path) -> None:
    record = Record(tmp_path, ASSIGNMENT)
    first, second = (Grading(time, "ada", verdicts={"a": Told(1, 2)}) for time in ("1", "2"))
    record.add(first)
    path = record.folder / "ada.jsonl"
    whole = path.read_bytes()
    for length in range(1, len(whole)):
        path.write_bytes(whole + whole[:length])
        assert record.of("ada") == [first]
    record.add(second)
    assert record.of("ada") == [first, second]
    path.write_bytes(whole[:9])
    assert record.latest() == {}


def test_a_submission_that_could_not_be_read_says_so(finished: Course) -> None:
    path = finished.folder("submitted", ASSIGNMENT, "right") / f"{ASSIGNMENT}.ipynb"
    path.write_text("no notebook")
    grade(finished)
    ((cell, points, because),) = latest(finished, "right")
    assert (cell, points) == ("double-test", "3 → 0")
    assert "is not a notebook" in because


def test_many_causes_are_counted() -> None:
    change = Change("a", 1, 0, besides=list("abcde"))
    assert change.because == "a; b; c; and 2 more"
    assert Change("a", 1, 0).because == "nothing that is on record was changed"
