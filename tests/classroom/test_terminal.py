"""Can a name, a reason or a log line do anything to a terminal?"""

import io
import logging
import sys

import pytest

from skipgrade import cli
from skipgrade.classroom import feedback, handin, progress, report
from skipgrade.classroom.course import Course
from skipgrade.classroom.errors import CourseError
from skipgrade.classroom.progress import Outcome
from skipgrade.classroom.terminal import PrintableLines, complain, say
from skipgrade.judging.printable import printable, printable_lines

from .conftest import ASSIGNMENT

HOSTILE = {
    "a title": "\x1b]0;owned\x07",
    "a colour": "\x1b[42m9 of 9\x1b[0m",
    "a C1 control": "\x9b2J\x85\x90",
    "an override": "\u202etxt.exe\u202c\u202a\u202b\u202d",
    "isolates": "\u2066a\u2067b\u2068c\u2069",
    "more direction": "\u200e\u200f\u061c",
    "line ends": "a\nb\rc\x0bd\x0ce\u2028f\u2029g",
    "a bell": "\x07\x08\x7f\x00\t",
    "half a pair": "\udcff\ud800",
    "nothing one sees": "a\u200bb\u00adc\ufeffd",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_nothing_unprintable_is_printed(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert printable(text).isprintable() and printable(printable(text)) == printable(text)
    say(text)
    complain(text)
    out, err = capsys.readouterr()
    assert out == err == printable(text) + "\n"


def test_what_one_can_read_stays() -> None:
    text = "Zoë 李 עברית 😀 C:\\x 100 % → “x”"
    assert printable(text) == text


def test_a_log_record_begins_where_a_line_does() -> None:
    record = logging.LogRecord("n", logging.INFO, "", 0, "a\n2026 INFO forged\x1b[2J", (), None)
    assert PrintableLines("%(message)s").format(record) == "a\n    2026 INFO forged\\x1b[2J"
    assert printable_lines("a\n\x1bb") == "a\n\\x1bb"


def test_bar_tells_what_went_wrong_in_print(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.StringIO()
    monkeypatch.setattr(sys, "stderr", written)
    with progress.Bar(1) as bar:
        bar.done(Outcome("a\x1b]0;b", 1.0, "not graded: \u202e\x9b"))
    assert "a\\x1b]0;b: not graded: \\u202e\\x9b" in written.getvalue()


NAME = "mal\x1b]0;t\x07\u202elory"


def test_commands_print_hostile_names_as_text(
    finished: Course, capfd: pytest.CaptureFixture[str]
) -> None:
    """A student's folder and a file in it, through every command that names them."""
    folder = finished.root / "submitted" / NAME / ASSIGNMENT
    folder.mkdir(parents=True)
    (folder / "note\x1b[2J\n\udcff.ipynb").write_text("{}")
    for command in ("report", "feedback", "grade"):
        cli.main(["--course", str(finished.root), command, ASSIGNMENT])
    cli.main(["--course", str(finished.root), "grade", ASSIGNMENT, "--student", "x\x1b[31m"])
    out, err = capfd.readouterr()
    for line in (out + err).split("\n"):
        assert line.replace("\r", "").isprintable(), line
    assert "mal\\x1b]0;t\\x07\\u202elory" in out
    assert "x\\x1b[31m" in err
    log = finished.log_file.read_text().replace("\n", "")
    assert log.isprintable()


def test_page_about_an_unreadable_hand_in_is_plain_text(finished: Course) -> None:
    folder = finished.root / "submitted" / "eve" / ASSIGNMENT
    folder.mkdir(parents=True)
    for name in ("<img src=x onerror=alert(1)>\udcff", "another"):
        (folder / f"{name}.ipynb").write_text("{}")
    assert handin.problem(finished, ASSIGNMENT, "eve", [ASSIGNMENT])
    page = feedback.generate(finished, ASSIGNMENT, lambda text: None)["eve"].read_text()
    assert "<img" not in page and "&lt;img" in page


def test_one_page_that_fails_ends_nobody_elses(finished: Course) -> None:
    path = finished.folder("autograded", ASSIGNMENT, "right") / f"{ASSIGNMENT}.ipynb"
    path.write_text("{")
    with pytest.raises(CourseError, match=r"could not be written for right .*; all others"):
        feedback.generate(finished, ASSIGNMENT, lambda text: None)
    assert (finished.folder("feedback", ASSIGNMENT, "wrong") / f"{ASSIGNMENT}.html").is_file()


def test_report_of_the_class_is_printable(finished: Course) -> None:
    assert all(line.isprintable() for line in report.lines(report.rows(finished, ASSIGNMENT)))
