"""Do pyproject.toml, requirements.lock and environment.yml say the same?"""

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[2]
SUPPORTED = ("3.11.0", "3.12.0", "3.13.0")


def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def direct_requirements() -> list[Requirement]:
    described = project()
    extras = described["optional-dependencies"]
    return [
        Requirement(line) for line in [*described["dependencies"], *extras["staff"], *extras["dev"]]
    ]


def entries() -> list[str]:
    """One text per locked package: its requirement line and its hashes."""
    text = (ROOT / "requirements.lock").read_text()
    return re.findall(r"^(?:[a-z0-9].*(?:\n[ ].*)*)", text, flags=re.MULTILINE)


def locked() -> dict[str, list[Requirement]]:
    found: dict[str, list[Requirement]] = {}
    for entry in entries():
        requirement = Requirement(entry.split("\\")[0].strip())
        found.setdefault(canonicalize_name(requirement.name), []).append(requirement)
    return found


def version_for(name: str, python: str) -> Version | None:
    """The version the lock gives a Linux machine with that Python."""
    environment = {
        "python_version": python.rsplit(".", 1)[0],
        "python_full_version": python,
        "sys_platform": "linux",
        "platform_machine": "x86_64",
    }
    for requirement in locked().get(canonicalize_name(name), []):
        if requirement.marker is None or requirement.marker.evaluate(environment):
            (pin,) = requirement.specifier
            return Version(pin.version)
    return None


@pytest.mark.parametrize("python", SUPPORTED)
@pytest.mark.parametrize("requirement", direct_requirements(), ids=str)
def test_lock_holds_every_direct_dependency(requirement: Requirement, python: str) -> None:
    version = version_for(requirement.name, python)
    assert version is not None, f"{requirement.name} is not locked: run `make lock`"
    assert version in requirement.specifier, "the lock is out of bounds: run `make lock`"


def test_lock_pins_and_hashes_everything() -> None:
    assert len(entries()) > 100
    for entry in entries():
        first = entry.splitlines()[0]
        assert re.match(r"[a-z0-9.-]+==[^ *]+ (; .*)?\\$", first), first
        assert "--hash=sha256:" in entry, f"{first} has no hash"


def test_lock_names_no_index() -> None:
    text = (ROOT / "requirements.lock").read_text()
    for word in ("://", "--index", "--extra-index", "--find-links", "--trusted-host"):
        assert word not in text


def test_lock_holds_the_matching_torch_pair() -> None:
    for python in SUPPORTED:
        pair = version_for("torch", python), version_for("torchvision", python)
        assert pair == (Version("2.15.0"), Version("0.29.2"))


def test_installed_torch_pair_works() -> None:
    """A torchvision built for another torch does not import, or has no operators."""
    import torch
    from torchvision.ops import nms

    boxes = torch.tensor([[0.0, 0.0, 1.0, 1.0], [0.0, 0.0, 1.0, 1.0]])
    assert nms(boxes, torch.tensor([0.9, 0.8]), 0.5).tolist() == [0]


def test_environment_installs_the_lock_on_supported_pythons() -> None:
    described = yaml.safe_load((ROOT / "environment.yml").read_text())
    *conda, pip = described["dependencies"]
    assert pip == {"pip": ["--requirement requirements.lock"]}
    assert "pip" in conda
    (python,) = [Requirement(line) for line in conda if line.startswith("python")]
    assert python.specifier == SpecifierSet(project()["requires-python"])
    assert all(version in python.specifier for version in SUPPORTED)
    assert not {"3.10.9", "3.14.0"} & set(python.specifier.filter(["3.10.9", "3.14.0"]))


def test_what_students_need_has_no_upper_bound() -> None:
    """Colab's own torch, and what goes with it, must never be replaced."""
    for line in project()["dependencies"]:
        assert [one.operator for one in Requirement(line).specifier] == [">="]
