"""Is the wheel with everything complete, and enough to release a course from?"""

import json
import os
import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest
from hatchling.builders.sdist import SdistBuilder
from hatchling.builders.wheel import WheelBuilder

from skipgrade import __version__
from skipgrade.lab import visible
from tests.classroom.conftest import ASSIGNMENT, new_course
from tests.project.test_dependencies import ROOT, project

TESTS = f"skipgrade/lab/{visible.FILE}"
STUDENTS_WHEEL = f"skipgrade-{__version__}-py3-none-any.whl"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    return Path(next(WheelBuilder(str(ROOT)).build(directory=str(folder), versions=["standard"])))


def test_it_holds_the_package_and_nothing_else(wheel: Path) -> None:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "skipgrade"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    with zipfile.ZipFile(wheel) as file:
        held = {name for name in file.namelist() if ".dist-info/" not in name}
    assert held == {name for name in listed.stdout.split("\n") if name and (ROOT / name).is_file()}
    assert {f"skipgrade/sandbox/kernels/{name}/kernel.json" for name in ("student", "judge")} < held


def test_its_metadata_say_what_pyproject_says(wheel: Path) -> None:
    inside = f"skipgrade-{__version__}.dist-info"
    with zipfile.ZipFile(wheel) as file:
        told = Parser().parsestr(file.read(f"{inside}/METADATA").decode())
        entries = file.read(f"{inside}/entry_points.txt").decode()
        assert f"{inside}/licenses/LICENSE" in file.namelist()
    described = project()
    assert told["Version"] == __version__
    assert told["Description-Content-Type"] == "text/markdown"
    needs = told.get_all("Requires-Dist") or []
    staff = [line for line in needs if line.endswith("extra == 'staff'")]
    assert len(staff) == len(described["optional-dependencies"]["staff"])
    assert len([line for line in needs if "extra" not in line]) == len(described["dependencies"])
    assert set(told.get_all("Provides-Extra") or []) == {"staff", "postgres", "dev"}
    assert "skipgrade = skipgrade.cli.program:run" in entries
    assert "skipgrade-sandbox = " in entries and "skipgrade-warm = " in entries


def installed(wheel: Path, folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """A command of skipgrade, where the wheel is installed and no clone."""
    site = folder / "site"
    with zipfile.ZipFile(wheel) as file:
        file.extractall(site)
    code = "import sys; from skipgrade import cli; print(cli.__file__); sys.exit(cli.main())"
    done = subprocess.run(
        [sys.executable, "-c", code, *command],
        cwd=folder, env=os.environ | {"PYTHONPATH": str(site)}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.stdout.startswith(str(site))
    return done


def test_a_course_is_released_from_the_installed_wheel(wheel: Path, tmp_path: Path) -> None:
    """Without a clone; the students' wheel is the same as from one, with this course's tests."""
    course = new_course(tmp_path / "course")
    done = installed(wheel, tmp_path, "--course", str(course.root), "release")
    assert done.returncode == 0, done.stderr
    assert (course.root / "release" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb").is_file()
    ours, from_a_clone = (
        contents(root / "release" / STUDENTS_WHEEL) for root in (course.root, ROOT)
    )
    assert json.loads(ours.pop(TESTS)).keys() == {ASSIGNMENT}
    assert from_a_clone.pop(TESTS)
    assert ours == from_a_clone


def contents(wheel: Path) -> dict[str, bytes]:
    """Every file by name, but for the list of all files and their sums."""
    with zipfile.ZipFile(wheel) as file:
        return {name: file.read(name) for name in file.namelist() if not name.endswith("/RECORD")}


def test_a_course_of_ones_own_takes_the_source_archive(wheel: Path, tmp_path: Path) -> None:
    """The wheel has no answers: a submission reads what is installed where it is graded."""
    done = installed(wheel, tmp_path, "new", "own")
    assert done.returncode == 1
    assert "installed here without its notebooks" in done.stderr and "--from" in done.stderr
    assert not (tmp_path / "own").exists()
    archive = next(SdistBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"]))
    done = installed(wheel, tmp_path, "new", "own", "--from", archive, "--assignments", "01")
    assert done.returncode == 0, done.stderr
    done = installed(wheel, tmp_path, "--course", "own", "lint")
    assert (done.returncode, done.stderr) == (0, "")
