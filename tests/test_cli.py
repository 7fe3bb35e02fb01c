"""Does the command line end in one line, and with the status that is documented?"""

import os
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from skipgrade import __version__, cli
from tests.classroom.conftest import new_course
from tests.conftest import BIN, ROOT


@pytest.mark.parametrize("command", [["grade", "01-x"], ["report", "01-x"], ["release"], ["demo"]])
def test_outside_a_course_one_line_says_so(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["--course", str(tmp_path), *command]) == cli.NOT_DONE
    error = capsys.readouterr().err
    assert error.startswith("skipgrade: ")
    assert error.count("\n") == 1
    assert "nbgrader_config.py is missing" in error


def test_no_command_shows_the_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit:
        cli.main([])
    assert exit.value.code == 2
    assert "usage: skipgrade" in capsys.readouterr().err


def test_there_is_one_version() -> None:
    done = subprocess.run([BIN / "skipgrade", "--version"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, f"skipgrade {__version__}\n")
    assert metadata.version("skipgrade") == __version__, "run `make install`"
    (wheel,) = (ROOT / "release").glob("*.whl")
    assert wheel.name.split("-")[1] == __version__, "run `make release`"
    assert f'"{__version__}"' not in (ROOT / "pyproject.toml").read_text()
    assert f"## {__version__}" in (ROOT / "CHANGELOG.md").read_text()


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["--version"], ["doctor"], ["release"], ["grade", "00-warm-up"]],
    ids=" ".join,
)
def test_a_reader_that_has_gone_ends_it_quietly(arguments: list[str], tmp_path: Path) -> None:
    """Standard output is a pipe whose other end is closed, as when `head` has seen enough."""
    course = new_course(tmp_path)
    ours, theirs = os.pipe()
    os.close(ours)
    command: list[str | Path] = [BIN / "skipgrade", "--course", course.root, *arguments]
    buffered = {name: told for name, told in os.environ.items() if name != "PYTHONUNBUFFERED"}
    done = subprocess.run(command, stdout=theirs, stderr=subprocess.PIPE, text=True, env=buffered)
    os.close(theirs)
    assert done.stderr == ""
    assert done.returncode == cli.UNREAD


def test_a_reader_of_errors_that_has_gone_does_no_harm(tmp_path: Path) -> None:
    ours, theirs = os.pipe()
    os.close(ours)
    command: list[str | Path] = [BIN / "skipgrade", "--course", tmp_path, "release"]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=theirs, text=True)
    os.close(theirs)
    assert "Traceback" not in done.stdout
    assert done.returncode == cli.UNREAD


@pytest.mark.parametrize("command", ["release", "rehearse x", "report x", "grade x --workers 0"])
def test_a_missing_package_is_named(command: str, tmp_path: Path) -> None:
    """As after `pip install skipgrade`, without what grading needs."""
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['nbgrader'] = None\n")
    done = subprocess.run(
        [sys.executable, "-m", "skipgrade.cli", *command.split()],
        cwd=ROOT, env={"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == cli.NOT_DONE
    assert done.stderr.startswith("skipgrade: nbgrader is not installed. `pip install")
    assert done.stderr.count("\n") == 1


def test_exit_statuses_are_documented() -> None:
    text = (ROOT / "docs" / "instructors.md").read_text()
    told = re.findall(r"^\| (\d+) \| .+ \|$", text.partition("## Exit statuses")[2], re.M)
    assert list(map(int, told)) == [cli.DONE, cli.NOT_DONE, 2, cli.INTERRUPTED, cli.UNREAD]


ENDING = """
import atexit, logging, sys, threading, weakref
from skipgrade.cli import program

class Kept: pass

def command():
    global kept
    kept = Kept()
    weakref.finalize(kept, print, "finalizer")
    atexit.register(print, "hook")
    threading.Timer(0.2, print, ["thread"]).start()
    logging.getLogger().addHandler(handler := logging.StreamHandler(sys.stdout))
    handler.close = lambda: print("log", end=" ")
    print("done")
    {end}

program.main = command
program.run()
"""


@pytest.mark.parametrize(
    ("end", "status"),
    [("return 3", 3), ("return 0", 0), ("sys.exit(2)", 2), ("raise KeyError('one')", 1)],
)
def test_the_program_ends_early_but_not_before_all_that_waits_for_its_end(
    end: str, status: int
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", ENDING.format(end=end)], capture_output=True, text=True
    )
    assert done.returncode == status
    assert done.stdout.split() == ["done", "thread", "hook", "finalizer", "log"]
    assert ("KeyError: 'one'" in done.stderr) == (status == 1)
