"""A run that breaks off keeps what it has finished, says what is left, and is continued."""

import errno
import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import Any

import psutil
import pytest
from nbgrader.converters import BaseConverter

from skipgrade.classroom import grading, progress
from skipgrade.classroom.course import Course
from tests.conftest import ROOT

from .conftest import ASSIGNMENT, submit
from .gradebooks import content

WAIT = "import time; time.sleep(20)\\n"
CLASS = ("anna", "ben", "carl")


def quiet(text: str) -> None:
    """Progress nobody reads."""


@pytest.fixture
def three(released: Course) -> Course:
    for student in CLASS:
        submit(released, student, "2 * x")
    return released


def finish(course: Course) -> set[str]:
    """Run again to the end; returns whom that graded."""
    outcomes = grading.grade(course, ASSIGNMENT, say=quiet)
    assert all(one.scored for one in outcomes)
    said = content(course)
    assert [said[student,]["score"] for student in CLASS] == [3, 3, 3]
    return {one.student for one in outcomes if one.fresh}


class StopAfterOne(progress.Lines):
    def done(self, outcome: progress.Outcome) -> None:
        raise KeyboardInterrupt


def test_interrupted_in_this_process(three: Course) -> None:
    with pytest.raises(grading.GradingStoppedError) as stopped:
        grading.grade(three, ASSIGNMENT, say=quiet, show=StopAfterOne)
    assert stopped.value.left == ["ben", "carl"]
    assert "1 graded and saved, 2 not graded yet: ben, carl" in str(stopped.value)
    assert finish(three) == {"ben", "carl"}


def test_full_disk_in_a_task_costs_that_submission(
    three: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = BaseConverter.write_single_notebook

    def full(self: BaseConverter, output: str, resources: dict[str, Any]) -> None:
        if resources["nbgrader"]["student"] == "ben":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(self, output, resources)

    monkeypatch.setattr(BaseConverter, "write_single_notebook", full)
    outcomes = grading.grade(three, ASSIGNMENT, say=quiet)
    assert [(one.student, one.scored) for one in outcomes] == [
        ("anna", True),
        ("ben", False),
        ("carl", True),
    ]
    assert "No space left on device" in str(outcomes[1].failure)
    assert ("ben",) not in content(three)
    monkeypatch.undo()
    assert finish(three) == {"ben"}


@pytest.mark.parametrize("full", ["before", "meanwhile"])
def test_disk_that_is_full_for_the_student_gives_no_zero(
    three: Course, monkeypatch: pytest.MonkeyPatch, full: str
) -> None:
    """The student's own code would fail where nothing can be written."""
    usage, calls = shutil.disk_usage, 0

    def disk_usage(folder: Path) -> Any:
        nonlocal calls
        calls += 1
        space = usage(folder)
        return space._replace(free=1000) if full == "before" or calls > 2 else space

    monkeypatch.setattr(shutil, "disk_usage", disk_usage)
    (outcome,) = grading.grade(three, ASSIGNMENT, ["ben"], quiet)
    assert not outcome.scored
    assert "0 MB are free" in str(outcome.failure)
    assert content(three) == {}
    monkeypatch.undo()
    assert finish(three) == set(CLASS)


def test_full_disk_where_grades_are_kept_stops_the_run(
    three: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    move = shutil.move

    def full(source: Path, target: Path) -> None:
        if "ben" in target.parts:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        move(source, target)

    monkeypatch.setattr(shutil, "move", full)
    with pytest.raises(grading.GradingStoppedError, match=r"No space left.*disk full") as stopped:
        grading.grade(three, ASSIGNMENT, say=quiet)
    assert stopped.value.left == ["ben", "carl"]
    monkeypatch.undo()
    assert finish(three) == {"ben", "carl"}


def processes_of(run: str) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("TEST_RUN") == run:
                found.append(process)
        except psutil.Error:
            continue  # it has ended, or is none of ours
    return found


@pytest.mark.parametrize("workers", ["0", "1"])
def test_control_c_stops_at_once_and_leaves_no_process(three: Course, workers: str) -> None:
    """As a terminal sends it, to the command and every worker, while a cell is running."""
    slow = three.folder("submitted", ASSIGNMENT, "ben") / f"{ASSIGNMENT}.ipynb"
    slow.write_text(
        slow.read_text().replace("def double", "import time; time.sleep(20)\\ndef double")
    )
    run = uuid.uuid4().hex
    command = [sys.executable, "-m", "skipgrade.cli", "--course", str(three.root)]
    with subprocess.Popen(
        [*command, "grade", ASSIGNMENT, "--workers", workers],
        cwd=ROOT,
        env=os.environ | {"TEST_RUN": run},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        assert any("[1/3] anna: graded" in line for line in process.stdout)
        time.sleep(2)
        os.killpg(process.pid, signal.SIGINT)
        told = process.stderr.read()
        assert process.wait(60) == 130
    assert "2 not graded yet: ben, carl. Run the same command again" in told
    assert "Traceback" not in told
    deadline = time.monotonic() + 20
    while processes_of(run) and time.monotonic() < deadline:
        time.sleep(0.5)
    assert processes_of(run) == []
    slow.write_text(slow.read_text().replace(WAIT, ""))
    assert finish(three) == {"ben", "carl"}
