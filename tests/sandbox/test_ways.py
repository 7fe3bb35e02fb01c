"""Which way to confine is taken, and what is missing, on machines that offer less."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from skipgrade.sandbox import confinement, landlock, view
from tests.sandbox.refusing import refuse

ROOT = Path(__file__).parents[2]
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
pytestmark = pytest.mark.skipif(
    bool(confinement.missing()) or not view.possible(), reason="this machine cannot do it all"
)


def told(lacking: str, code: str, *arguments: str) -> Any:
    """What Python prints on a machine that lacks something."""
    command = [sys.executable, "-m", "tests.sandbox.refusing", lacking, sys.executable, "-c", code]
    done = subprocess.run([*command, *arguments], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("lacking", "missing", "by"),
    [
        ("landlock", [], confinement.VIEW),
        ("mounts", [], confinement.LANDLOCK),
        ("landlock,mounts", ["files"], ""),
        ("mounts,tracing", ["processes"], confinement.LANDLOCK),
        ("listeners", ["processes"], confinement.LANDLOCK),
        ("landlock,listeners", ["signals", "processes"], confinement.VIEW),
        ("seccomp", ["network", "processes"], confinement.LANDLOCK),
    ],
)
def test_what_a_machine_can_do_is_known(lacking: str, missing: list[str], by: str) -> None:
    if "processes" in missing and not landlock.keeps_signals(landlock.version()):
        missing = ["signals", *missing]
    assert told(lacking, ASK) == [sorted(set(missing)), by]


@pytest.mark.parametrize("lacking", ["landlock", "mounts"])
def test_submissions_run_confined_on_a_machine_without(tmp_path: Path, lacking: str) -> None:
    """One that is not there, not one that we look away from."""
    errors = told(lacking, RUN, str(tmp_path))
    assert len(errors) == 2 and set(errors) <= {"FileNotFoundError", "PermissionError"}
    assert (tmp_path / "work" / "own").exists()


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


def test_the_imitation_refuses(tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        refuse("nonsense")
