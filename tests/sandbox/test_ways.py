"""Which way to confine is taken, and what is missing, on machines that offer less."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from skipgrade.sandbox import confinement, landlock, view
from tests.conftest import ROOT
from tests.machines.test_elsewhere import on
from tests.sandbox.spoken import needs_confinement

ASK = """
import json
from skipgrade.sandbox import confinement
print(json.dumps([sorted(confinement.missing()), confinement.files_kept_by()]))
"""
RUN = """
import json, pathlib, sys
from tests.sandbox.spoken import confined
folder = pathlib.Path(sys.argv[1])
(folder / "work").mkdir()
(folder / "secret").write_text("hidden")
kernel = confined(folder / "work")
tell = "told = [str(error) for error in errors]"
code = f'''
errors = []
for path in {str(folder / "secret")!r}, '/etc/shadow', 'own':
    try:
        open(path, 'w' if path == 'own' else 'r')
    except OSError as error:
        errors.append(type(error).__name__)
'''
print(json.dumps(kernel.run(code, "errors")))
kernel.close()
"""
LISTEN = """
from skipgrade.sandbox.bpf import program
from skipgrade.sandbox.filter import NEW_LISTENER, load
from skipgrade.sandbox.landlock import NO_NEW_PRIVILEGES
from skipgrade.sandbox.processes import libc
from skipgrade.sandbox.syscalls import FIRST_UNKNOWN, here
libc().prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0)
listener = load(program([], here(), FIRST_UNKNOWN), NEW_LISTENER)
"""
LOOKED = """
import json, pathlib
from skipgrade.sandbox import confinement
def look():
    lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    return [line for line in lines if line.startswith(("NoNewPrivs", "Seccomp"))]
before = look()
assert "processes" not in confinement.missing()
print(json.dumps([before, look()]))
"""
pytestmark = [
    needs_confinement,
    pytest.mark.skipif(not view.possible(), reason="here nobody may have mounts of his own"),
]


def told(lacking: str, code: str, *arguments: str) -> Any:
    """What Python prints on a machine that lacks something."""
    return _read(on(lacking, "-c", code, *arguments))


def told_here(code: str) -> Any:
    return _read(subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True))


def _read(done: subprocess.CompletedProcess[Any]) -> Any:
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("lacking", "missing", "by"),
    [
        ("landlock", [], confinement.VIEW),
        ("namespaces", [], confinement.LANDLOCK),
        ("landlock namespaces", ["files"], ""),
        ("namespaces tracing", ["processes"], confinement.LANDLOCK),
        ("5.9", ["processes"], confinement.LANDLOCK),
        ("listeners", ["processes"], confinement.LANDLOCK),
        ("landlock listeners", ["signals", "processes"], confinement.VIEW),
        ("seccomp", ["network", "processes"], confinement.LANDLOCK),
    ],
)
def test_what_a_machine_can_do_is_known(lacking: str, missing: list[str], by: str) -> None:
    if by == confinement.LANDLOCK and not landlock.version():
        pytest.skip("this machine has no Landlock")
    if "processes" in missing and not landlock.keeps_signals(landlock.version()):
        missing = ["signals", *missing]
    assert told(lacking, ASK) == [sorted(set(missing)), by]


@pytest.mark.parametrize("lacking", ["landlock", "namespaces"])
def test_submissions_run_confined_on_a_machine_without(tmp_path: Path, lacking: str) -> None:
    """One that is not there, not one that we look away from."""
    if lacking == "namespaces" and not landlock.version():
        pytest.skip("this machine has no Landlock")
    errors = told(lacking, RUN, str(tmp_path))
    assert len(errors) == 2 and set(errors) <= {"FileNotFoundError", "PermissionError"}
    assert (tmp_path / "work" / "own").exists()


def test_of_two_listeners_linux_refuses_the_second() -> None:
    """As where something around the grader listens already."""
    missing, _ = told_here(LISTEN + ASK)
    assert "processes" in missing and "network" not in missing


def test_looking_leaves_the_process_as_it_was() -> None:
    """It may go on to start what needs rights, and others that listen."""
    before, after = told_here(LOOKED)
    assert before == after


def test_nothing_is_known_of_another_system(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert confinement.missing() == list(confinement.PROTECTIONS)
    assert confinement.files_kept_by() == ""


def test_nothing_is_known_of_another_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("skipgrade.sandbox.filter.here", lambda: "riscv64")
    monkeypatch.setattr(landlock, "version", lambda: 5)
    assert confinement.missing() == ["signals", "network", "processes"]
    monkeypatch.setattr(landlock, "version", lambda: 6)
    assert confinement.missing() == ["network", "processes"]
