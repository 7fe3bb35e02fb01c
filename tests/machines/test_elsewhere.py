"""What works where the machine cannot confine: the project's own submissions, and a clear word."""

import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from skipgrade.classroom.sample import ASSIGNMENT
from skipgrade.sandbox import landlock, missing_protections
from skipgrade.sandbox.syscalls import numbers
from tests.conftest import ROOT
from tests.judging import tiny
from tests.machines.refuse import EVERYWHERE, NUMBERS

REFUSE = Path(__file__).with_name("refuse.py")
ALL = ["files", "signals", "network", "processes"]
MACHINES = {"linux": ALL, "landlock seccomp namespaces": ALL, "seccomp": ["network", "processes"]}
# The seven take long: three are enough to see right, wrong and dishonest ones told apart.
DEMO = """
import sys
from skipgrade import cli
from skipgrade.classroom import sample
chosen = ("own-style", "wrong-padding", "strips-asserts")
sample.SAMPLES = [one for one in sample.SAMPLES if one.student in chosen]
sys.exit(cli.main(["--course", sys.argv[1], "demo"]))
"""


def on(machine: str, *command: str) -> subprocess.CompletedProcess[str]:
    """Run Python on a machine that lacks these."""
    if machine != "linux" and "network" in missing_protections():
        pytest.skip("a filter that refuses system calls takes seccomp, which is missing here")
    return subprocess.run(
        [sys.executable, REFUSE, *machine.split(), "--", sys.executable, *command],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip


def test_the_imitation_takes_the_calls_it_names() -> None:
    for processor, its_own in NUMBERS.items():
        named = {**EVERYWHERE, **its_own}
        known = numbers(processor)
        assert {name: known.get(name, named[name]) for name in named} == named
        assert {name for name in named if name not in known} == {
            name for name in EVERYWHERE if name.startswith("landlock")
        }
    assert EVERYWHERE["landlock_create_ruleset"] == landlock.CREATE_RULESET


@pytest.mark.parametrize("machine", MACHINES)
def test_imitated_machines_lack_what_they_should(machine: str) -> None:
    """Or the other tests here would look at this one."""
    told = "from skipgrade.sandbox import missing_protections; print(*missing_protections())"
    done = on(machine, "-c", told)
    assert set(MACHINES[machine]) <= set(done.stdout.split()), done.stderr


@pytest.mark.parametrize("machine", ["linux", "landlock seccomp namespaces"])
def test_the_demo_goes_on_and_says_loudly_what_is_missing(machine: str, tmp_path: Path) -> None:
    shutil.copy(ROOT / "nbgrader_config.py", tmp_path)
    shutil.copytree(ROOT / "source" / ASSIGNMENT, tmp_path / "source" / ASSIGNMENT)
    done = on(machine, "-c", DEMO, str(tmp_path))
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert f"  NOT CONFINED: {', '.join(ALL)}. " in done.stdout
    scores = dict(line.split(maxsplit=1) for line in done.stdout.splitlines() if " / 44 " in line)
    assert scores["own-style"].startswith("44 / 44")
    assert scores["wrong-padding"].startswith("41.75 / 44")
    assert scores["strips-asserts"].startswith("0 / 44")
    assert "Submissions ran unconfined: files, network, processes, signals." in done.stdout
    assert ("started cold" in done.stdout) == (machine == "linux")
    accepted = (tmp_path / "build/demo/nbgrader_config.py").read_text()
    assert f"c.SandboxProvisioner.accept_missing = {ALL}" in accepted
    assert "accept_missing" not in (tmp_path / "nbgrader_config.py").read_text()


@pytest.mark.parametrize("machine", ["linux", "landlock seccomp namespaces"])
def test_a_cell_that_hangs_is_stopped_there_too(machine: str, tmp_path: Path) -> None:
    accept = f"c.Execute.timeout = 5\nc.SandboxProvisioner.accept_missing = {ALL}\n"
    course = tiny.make(tmp_path / "course", config=accept)
    course.hand_in("ada", tiny.ANSWERS | {"number": "while True: pass\nnumber = 42"})
    command = "import os, sys; os.chdir(sys.argv[1])\nfrom nbgrader.apps import NbGraderApp\n"
    command += f"NbGraderApp.launch_instance(['autograde', {tiny.NAME!r}])"
    done = on(machine, "-c", command, str(course.root))
    assert done.returncode == 0, done.stderr[-3000:]
    path = course.root / "autograded" / "ada" / tiny.NAME / f"{tiny.NAME}.ipynb"
    verdicts = {
        cell.metadata.nbgrader.grade_id: cell.metadata.skipgrade
        for cell in nbformat.read(path, as_version=4).cells
        if "skipgrade" in cell.metadata
    }
    assert verdicts["double-test"]["points"] == tiny.POINTS["double"]
    assert "it was stopped after 5 s" in str(verdicts["number-test"]["earlier"])


def test_a_class_is_not_graded_there(tmp_path: Path) -> None:
    course = tiny.make(tmp_path / "course")
    course.hand_in("ada", tiny.ANSWERS)
    done = on("linux", "-m", "skipgrade.cli", "--course", str(course.root), "grade", tiny.NAME)
    assert done.returncode == 1
    assert "this machine cannot run submissions in a sandbox" in done.stderr
    assert not (course.root / "autograded").exists()
