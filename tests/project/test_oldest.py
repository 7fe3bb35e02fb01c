"""Does requirements-oldest.lock hold the oldest versions that pyproject.toml allows?"""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[2]
PACKAGES = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PACKAGES["optional-dependencies"]
DIRECT = [*PACKAGES["dependencies"], *EXTRAS["staff"], *EXTRAS["dev"]]
LOCKED = {
    canonicalize_name(name): Version(version)
    for name, version in re.findall(
        r"^([\w.-]+)(?:\[[^]]*\])?==(\S+)", (ROOT / "requirements-oldest.lock").read_text(), re.M
    )
}


@pytest.mark.parametrize("line", DIRECT)
def test_the_oldest_allowed_version_is_the_one_that_is_tried(line: str) -> None:
    wanted = Requirement(line)
    version = LOCKED[canonicalize_name(wanted.name)]
    assert version in wanted.specifier, f"{wanted.name} {version}: run `make lock-oldest`"
    for bound in wanted.specifier:
        if bound.operator == ">=":  # the first that was published may be 3.2.1 for >=3.2
            least = Version(bound.version).release
            assert version.release[: len(least)] == least, "run `make lock-oldest`"
