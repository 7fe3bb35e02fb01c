"""Does anything appear on a TA's screen that they can do nothing about?"""

from pathlib import Path

from tests.judging import tiny


def test_no_command_shows_warnings_of_the_libraries(tmp_path: Path) -> None:
    """A class with a right hand-in, one that is no notebook, and one without its file."""
    course = tiny.make(tmp_path / "course")
    course.hand_in("ada", tiny.ANSWERS)
    (course.hand_in("bob", tiny.ANSWERS) / f"{tiny.NAME}.ipynb").write_text("{")
    (course.hand_in("eve", tiny.ANSWERS) / f"{tiny.NAME}.ipynb").unlink()
    for command in (
        ["nbgrader", "autograde", tiny.NAME],
        ["nbgrader", "generate_feedback", tiny.NAME],
        ["skipgrade.cli", "grade", tiny.NAME, "--force", "--workers", "1"],
        ["skipgrade.cli", "report", tiny.NAME],
        ["skipgrade.cli", "feedback", tiny.NAME],
    ):
        done = course.command(*command)
        assert done.returncode == 0, done.stderr
        told = done.stdout + done.stderr
        assert "SAWarning" not in told and "not recognized" not in told and "8787" not in told
        if command[0] != "nbgrader":
            assert done.stderr == ""
