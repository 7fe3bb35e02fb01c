"""What a person is told while a class is graded, and at its end."""

import io
import sys
from pathlib import Path

import pytest

from skipgrade import cli
from skipgrade.classroom import progress
from skipgrade.classroom.course import Course
from skipgrade.classroom.progress import Outcome

from .conftest import ASSIGNMENT, submit

OUTCOMES = [
    Outcome("old", 0.0, fresh=False),
    Outcome("quick", 2.0, score=10.0),
    Outcome("slow", 90.0, score=20.0),
    Outcome("slower", 130.0, score=30.0),
    Outcome("torn", 1.0, "torn.ipynb is not a notebook", score=0.0),
    Outcome("killer", 60.0, "not graded: its worker died 2 times", scored=False),
]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_summary_counts_and_names() -> None:
    lines = [" ".join(line.split()) for line in progress.summary(OUTCOMES)]
    assert lines[:3] == ["graded now 4", "graded before 1", "not graded 1"]
    assert lines[3].startswith("mean score 15.0")
    assert lines[4].startswith("mean time 55.8")
    assert lines[5] == "slowest slower (130 s), slow (90 s), quick (2 s)"
    assert lines[6:] == ["killer: not graded: its worker died 2 times"]


def test_summary_of_a_run_that_had_nothing_to_do() -> None:
    assert len(list(progress.summary(OUTCOMES[:1]))) == 3


def test_lines_tell_how_far_and_how_long() -> None:
    said: list[str] = []
    with progress.for_stderr(2, said.append) as lines:
        for outcome in OUTCOMES[1:3]:
            lines.done(outcome)
    assert said[0].startswith("  [1/2] quick: graded (2 s), about ")
    assert said[1] == "  [2/2] slow: graded (90 s)"


def test_terminal_gets_one_bar_and_failures_as_they_come(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    said: list[str] = []
    with progress.for_stderr(6, said.append) as bar:
        for outcome in OUTCOMES:
            bar.done(outcome)
    assert said == []
    assert "6/6" in terminal.getvalue()
    assert "  killer: not graded: its worker died 2 times\n" in terminal.getvalue()
    assert "quick" not in terminal.getvalue()


def test_command_ends_in_a_summary_and_a_status(
    finished: Course, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["--course", str(finished.root), "grade", ASSIGNMENT, "--workers", "0"]
    assert cli.main(command) == 0
    assert "2 graded before and unchanged" in capsys.readouterr().out

    config = finished.root / "nbgrader_config.py"
    broken = "c.Autograde.autograde_preprocessors = ['no.such.Preprocessor']\n"
    config.write_text(config.read_text() + broken)
    submit(finished, "new", "2 * x")
    assert cli.main(command) == 1
    said = capsys.readouterr().out
    assert "new: not graded" in said
    assert str(Path(finished.root, ".nbgrader.log")) in said


@pytest.mark.parametrize(
    "wrong", [["--workers", "-1"], ["--workers", "1", "--scheduler", "tcp://x"]]
)
def test_command_that_makes_no_sense_is_refused(wrong: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["grade", ASSIGNMENT, *wrong])
    assert ended.value.code == 2
