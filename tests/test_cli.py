"""Does the command line end in one line where a person made a mistake?"""

from pathlib import Path

import pytest

from skipgrade import cli


@pytest.mark.parametrize("command", [["grade", "01-x"], ["report", "01-x"], ["release"], ["demo"]])
def test_outside_a_course_one_line_says_so(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["--course", str(tmp_path), *command]) == 1
    error = capsys.readouterr().err
    assert error.startswith("skipgrade: ")
    assert error.count("\n") == 1
    assert "nbgrader_config.py is missing" in error


def test_no_command_shows_the_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit:
        cli.main([])
    assert exit.value.code == 2
    assert "usage: skipgrade" in capsys.readouterr().err
