"""The wheel a student's notebook installs: the bench alone, the same bytes every time.

Made from what is installed here, a clone or a wheel with everything.
"""

import json
import shutil
import tempfile
from importlib import metadata
from pathlib import Path

from hatchling.builders.wheel import WheelBuilder
from packaging.specifiers import SpecifierSet

from skipgrade import __version__

OURS = "skipgrade"
PACKAGE = Path(__file__).parents[1]


def requirements() -> list[str]:
    """What the bench needs, without what grading adds."""
    return [line for line in metadata.requires(OURS) or [] if "extra ==" not in line]


def build_student_wheel(into: Path, data: dict[str, str]) -> Path:
    """Build the wheel of `skipgrade.lab`, with these files of data, into a folder; its path."""
    with tempfile.TemporaryDirectory() as scratch:
        staging = Path(scratch)
        _stage(staging)
        for name, text in data.items():
            (staging / OURS / "lab" / name).write_text(text, encoding="utf-8")
        into.mkdir(parents=True, exist_ok=True)
        builder = WheelBuilder(str(staging))
        return Path(next(builder.build(directory=str(into), versions=["standard"])))


def _lower_bound(python: str) -> str:
    """Without the upper one: Colab's next Python must not lock a whole class out."""
    return ",".join(str(bound) for bound in SpecifierSet(python) if bound.operator == ">=")


def _stage(staging: Path) -> None:
    installed = metadata.distribution(OURS)
    told = installed.metadata
    licenses = told.get_all("License-File") or []
    described = {
        "name": told["Name"],
        "version": __version__,
        "description": told["Summary"],
        "license": told["License-Expression"],
        "license-files": licenses,
        "requires-python": _lower_bound(told["Requires-Python"]),
        "dependencies": requirements(),
    }
    # JSON's strings and lists of strings are TOML too.
    lines = [f"{key} = {json.dumps(value)}" for key, value in described.items()]
    packages = '[tool.hatch.build.targets.wheel]\npackages = ["skipgrade"]\n'
    (staging / "pyproject.toml").write_text("\n".join(["[project]", *lines, "", packages]))
    for name in licenses:
        (staging / name).write_text(installed.read_text(f"licenses/{name}") or "")
    package = staging / OURS
    package.mkdir()
    shutil.copy(PACKAGE / "__init__.py", package)
    shutil.copytree(
        PACKAGE / "lab", package / "lab", ignore=shutil.ignore_patterns("__pycache__", "*.pyc")
    )
