"""Are the files that a public repository has in order, and do they say what is the case?"""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

from skipgrade import __version__
from tests.conftest import ROOT
from tests.machines.refuse import KINDS
from tests.project.test_dependencies import SUPPORTED, project

WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
PINNED = re.compile(r"^\s*- uses: [\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_pin_what_they_run_and_may_only_read(path: Path) -> None:
    text = path.read_text()
    told = yaml.safe_load(text)
    assert told["permissions"] == {"contents": "read"}
    for line in text.splitlines():
        assert "uses:" not in line or PINNED.match(line), line
    for job in told["jobs"].values():
        assert "timeout-minutes" in job
        assert "permissions" not in job


def runs(path: Path) -> list[str]:
    jobs = yaml.safe_load(path.read_text())["jobs"].values()
    return [step["run"] for job in jobs for step in job["steps"] if "run" in step]


def test_workflows_run_what_is_there() -> None:
    made = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.M))
    for command in (command for path in WORKFLOWS for command in runs(path)):
        for target in re.findall(r"make ([a-z-]+)", command):
            assert target in made, command
        for place in re.findall(r"tests/[\w./]+", command):
            assert (ROOT / place).exists(), command


def test_ci_covers_every_python_and_machine() -> None:
    jobs = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())["jobs"]
    pythons = jobs["fast"]["strategy"]["matrix"]["python"]
    assert pythons == [version.rsplit(".", 1)[0] for version in SUPPORTED]
    lacks = jobs["machines"]["strategy"]["matrix"]["lacks"]
    assert "landlock" in lacks
    assert {kind for machine in lacks for kind in machine.split()} <= KINDS.keys()
    commands = runs(ROOT / ".github/workflows/ci.yml")
    assert commands.count("make test") == commands.count("make test-oldest") == 1


def test_classifiers_name_the_pythons_that_are_tried() -> None:
    named = {line.rsplit(" ", 1)[1] for line in project()["classifiers"] if "Python :: 3." in line}
    assert named == {version.rsplit(".", 1)[0] for version in SUPPORTED}


def test_the_address_of_a_course_stands_in_one_place() -> None:
    assert "urls" not in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for name in ("SECURITY.md", "CITATION.cff", ".github/dependabot.yml"):
        assert "github.com" not in (ROOT / name).read_text()


def test_the_citation_is_of_this_version() -> None:
    told = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert told["version"] == __version__
    assert told["license"] == project()["license"]
    assert {"cff-version", "message", "title", "authors"} <= told.keys()


@pytest.mark.parametrize(
    "path", sorted((ROOT / ".github/ISSUE_TEMPLATE").glob("[!c]*.yml")), ids=lambda p: p.stem
)
def test_issue_templates_ask_and_point_to_the_private_way(path: Path) -> None:
    told = yaml.safe_load(path.read_text())
    assert {"name", "description", "body"} <= told.keys()
    asked = [part for part in told["body"] if part["type"] != "markdown"]
    assert len({part["id"] for part in asked}) == len(asked)
    assert all(part["attributes"]["label"] for part in asked)
    assert "SECURITY.md" in path.read_text()
