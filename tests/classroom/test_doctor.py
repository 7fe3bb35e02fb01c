"""Does the doctor say what is missing, also where what it would look with is broken?"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from skipgrade import cli
from skipgrade.classroom import doctor
from skipgrade.classroom.course import Course
from skipgrade.classroom.doctor import confinement, finding, machine, packages, table
from skipgrade.classroom.doctor import course as of_course
from skipgrade.classroom.doctor.finding import Finding, State
from skipgrade.sandbox import PROTECTIONS, missing_protections
from skipgrade.sandbox.confinement import files_kept_by
from tests.conftest import ROOT
from tests.machines.test_elsewhere import on


def by_name(findings: list[Finding]) -> dict[str, Finding]:
    return {one.name: one for one in findings}


def test_every_protection_has_a_line_and_decides_the_status(
    course: Course, capsys: pytest.CaptureFixture[str]
) -> None:
    status = cli.main(["--course", str(course.root), "doctor", "--json"])
    told = json.loads(capsys.readouterr().out)
    states = {one["name"]: one["state"] for one in told["findings"]}
    for name in PROTECTIONS:
        assert states[name] == ("fix" if name in missing_protections() else "ok")
    files = next(one["found"] for one in told["findings"] if one["name"] == "files")
    assert "files" in missing_protections() or files.endswith(f". Here by {files_kept_by()}")
    assert told["ready"] == ("fix" not in states.values()) == (status == 0)
    assert {"Python", "torch", "GPU", "nbgrader", "room", "disk", "paths", "ports"} <= states.keys()
    assert {"folder", "address", "gradebook"} <= states.keys()


@pytest.mark.parametrize("machine", ["linux", "landlock seccomp namespaces"])
def test_what_is_missing_is_told_with_why_and_a_fix(machine: str) -> None:
    done = on(machine, "-m", "skipgrade.cli", "doctor", "--json")
    told = json.loads(done.stdout)
    assert done.returncode == 1 and not told["ready"]
    wrong = {one["name"]: one for one in told["findings"] if one["state"] == "fix"}
    assert wrong.keys() == set(PROTECTIONS)
    for one in wrong.values():
        assert one["found"].startswith("not in force: ")
        assert one["fix"]


BREAK = """
import sys
class Broken:
    def find_spec(name, path=None, target=None):
        if name.partition(".")[0] in {broken!r}:
            raise ImportError(name + " is broken")
sys.meta_path.insert(0, Broken)
"""


@pytest.mark.parametrize("broken", [["nbgrader"], ["torch"], ["zmq", "distributed", "sqlalchemy"]])
def test_broken_packages_end_in_no_traceback(broken: list[str], tmp_path: Path) -> None:
    """Broken in every Python that starts."""
    (tmp_path / "sitecustomize.py").write_text(BREAK.format(broken=broken))
    done = subprocess.run(
        [sys.executable, "-m", "skipgrade.cli", "doctor"],
        cwd=ROOT, env={"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr == ""
    assert f"{broken[0]} is broken" in " ".join(done.stdout.split())
    assert "NOT ready to grade a class." in done.stdout
    assert "Python" in done.stdout


def test_versions_out_of_bounds_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "skipgrade.classroom.doctor.packages.metadata.requires",
        lambda name: [
            "nbgrader<0.1",
            "no-such-package>=1; extra == 'staff'",
            "no-dev; extra == 'dev'",
        ],
    )
    told = packages._declared()
    assert told.state is State.FIX
    assert "needed is <0.1" in told.found
    assert "no-such-package is missing" in told.found
    assert "no-dev" not in told.found


def test_outside_a_course_the_machine_alone_is_looked_at(tmp_path: Path) -> None:
    (told,) = of_course.examine(tmp_path)
    assert told.state is State.NOTE
    assert "is not a course" in told.found and "--course" in told.fix


def test_the_gradebook_is_looked_at_and_not_made(course: Course, released: Course) -> None:
    none = by_name(list(of_course.examine(course.root)))["gradebook"]
    assert "none yet" in none.found
    assert not (course.root / "gradebook.db").exists()
    known = by_name(list(of_course.examine(released.root)))["gradebook"]
    assert known.state is State.OK
    assert "1 assignment(s), 0 student(s)" in known.found
    (course.root / "gradebook.db").write_text("no database, but long enough to look like one " * 99)
    broken = by_name(list(of_course.examine(course.root)))["gradebook"]
    assert broken.state is State.FIX
    assert "not a database" in broken.found


def test_a_configuration_that_does_not_load_is_named(course: Course) -> None:
    (course.root / "nbgrader_config.py").write_text("c = get_config(\n")
    told = list(finding.looked_at("course", lambda: of_course.examine(course.root)))
    assert told[-1].state is State.FIX
    assert "SyntaxError" in told[-1].found


def test_an_address_that_is_still_the_example_is_told(course: Course) -> None:
    assert by_name(list(of_course.examine(course.root)))["address"].state is State.OK
    config = course.root / "nbgrader_config.py"
    shutil.copy(ROOT / "nbgrader_config.py", config)
    told = by_name(list(of_course.examine(course.root)))["address"]
    assert told.state is State.NOTE
    assert "still the example" in told.found


def test_a_release_with_another_address_is_told(course: Course) -> None:
    readme = course.root / "release" / "README.md"
    readme.parent.mkdir()
    readme.write_text("https://github.com/somebody/else")
    told = by_name(list(of_course.examine(course.root)))["address"]
    assert told.state is State.NOTE
    assert "make release" in told.fix


@pytest.mark.parametrize("how", ["= ['files']", ".append('files')"])
def test_what_the_configuration_accepts_is_told(course: Course, how: str) -> None:
    with (course.root / "nbgrader_config.py").open("a") as file:
        file.write(f"\nc.SandboxProvisioner.accept_missing{how}\n")
    told = by_name(list(of_course.examine(course.root)))["accepted"]
    assert told.found.endswith("without: files")


def test_data_is_found_where_it_lies(
    course: Course, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SKIPGRADE_DATA", str(tmp_path))
    monkeypatch.delenv("SKIPGRADE_DATASET", raising=False)
    told = by_name(list(of_course.examine(course.root)))
    assert told["cifar10"].state is told["cifar100"].state is State.NOTE
    assert str(tmp_path) in told["cifar10"].found
    monkeypatch.setenv("SKIPGRADE_DATASET", "builtin")
    told = by_name(list(of_course.examine(course.root)))
    assert "drawn images" in told["data"].found


def test_a_temporary_folder_with_a_long_name_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert machine._path_length().state is State.OK
    monkeypatch.setattr(
        "skipgrade.classroom.doctor.machine.tempfile.gettempdir", lambda: "/" + "a" * 90
    )
    assert machine._path_length().state is State.FIX


def test_little_memory_and_disk_are_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("distributed.system.MEMORY_LIMIT", 2**30)
    usage = type("usage", (), {"free": 2**20})
    monkeypatch.setattr("skipgrade.classroom.doctor.machine.shutil.disk_usage", lambda _: usage)
    told = by_name(list(machine.examine(tmp_path)))
    assert told["room"].state is told["disk"].state is told["temporary files"].state is State.FIX


def test_grading_tells_in_one_line_what_is_not_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    assert list(doctor.in_short(ROOT)) == [] or missing_protections()
    monkeypatch.setattr("skipgrade.sandbox.missing_protections", lambda: ["files", "signals"])
    (line,) = doctor.in_short(ROOT)
    assert line.startswith("  Not in order here: files, signals. `skipgrade doctor`")


FOUND = [
    Finding("machine", "disk", State.OK, "much " * 30),
    Finding("course", "gradebook", State.FIX, "gone", "Look for it. " * 9),
]


@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_the_table_keeps_to_its_width(width: int) -> None:
    told = list(table.lines(FOUND, width))
    assert max(map(len, told)) <= width
    assert all(line.isprintable() for line in told)
    assert " ".join("\n".join(told).split()).count("much") == 30
    assert "NOT ready" in " ".join(told)


def test_a_linux_without_landlock_is_told_from_one_that_left_it_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    modules = tmp_path / "lsm"
    modules.write_text("capability,yama,apparmor")
    monkeypatch.setattr(confinement, "SECURITY_MODULES", modules)
    why, fix = confinement._why_not("files")
    assert "started without Landlock" in why and "lsm=" in fix
    monkeypatch.setattr(confinement, "CONTAINERS", [tmp_path])
    modules.write_text("capability,landlock")
    why, fix = confinement._why_not("files")
    assert "container" in why and "profile" in fix
