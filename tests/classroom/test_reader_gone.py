"""May whoever reads the output of a run go away in the middle of it?"""

import subprocess

from skipgrade import cli
from skipgrade.classroom.course import Course
from tests.conftest import BIN

from .conftest import ASSIGNMENT, submit
from .gradebooks import students


def test_grading_stops_and_keeps_what_is_finished(released: Course) -> None:
    for name in ("ada", "bob", "eve"):
        submit(released, name, "2 * x")
    course = str(released.root)
    command = [str(BIN / "skipgrade"), "--course", course, "grade", ASSIGNMENT, "--workers", "0"]
    with subprocess.Popen(command, stdout=-1, stderr=-1, text=True, bufsize=1) as run:
        assert run.stdout is not None and run.stderr is not None
        read = ""
        while "[1/3]" not in read:
            read = run.stdout.readline()
        run.stdout.close()
        told = run.stderr.read()
    assert "Traceback" not in told and "Broken" not in told
    assert run.returncode == cli.UNREAD
    assert 1 <= len(students(released)) < 3
    again = subprocess.run(command, capture_output=True, text=True)
    assert again.returncode == cli.DONE
    assert len(students(released)) == 3
