"""The wheel a student's notebook installs: the bench alone, the same bytes every time."""

import json
import shutil
import tempfile
import tomllib
from pathlib import Path

from hatchling.builders.wheel import WheelBuilder

from skipgrade import __version__
from skipgrade.classroom.errors import CourseError

PROJECT = Path(__file__).parents[2]
FROM_PROJECT = (
    "name",
    "description",
    "license",
    "license-files",
    "requires-python",
    "dependencies",
)


def build_student_wheel(into: Path) -> Path:
    """Build the wheel of `skipgrade.lab` into a folder; returns its path."""
    if not (PROJECT / "pyproject.toml").is_file():
        raise CourseError(
            f"The wheel is built from skipgrade's sources, and {PROJECT} holds none: "
            "work in a clone, installed with `pip install -e .`."
        )
    with tempfile.TemporaryDirectory() as scratch:
        staging = Path(scratch)
        _stage(PROJECT, staging)
        into.mkdir(parents=True, exist_ok=True)
        builder = WheelBuilder(str(staging))
        return Path(next(builder.build(directory=str(into), versions=["standard"])))


def _stage(project: Path, staging: Path) -> None:
    described = tomllib.loads((project / "pyproject.toml").read_text())["project"]
    # JSON's strings and lists of strings are TOML too.
    lines = [f"{key} = {json.dumps(described[key])}" for key in FROM_PROJECT]
    lines.append(f"version = {json.dumps(__version__)}")
    packages = '[tool.hatch.build.targets.wheel]\npackages = ["skipgrade"]\n'
    (staging / "pyproject.toml").write_text("\n".join(["[project]", *lines, "", packages]))
    for name in described["license-files"]:
        shutil.copy(project / name, staging / name)
    package = staging / "skipgrade"
    package.mkdir()
    shutil.copy(project / "skipgrade" / "__init__.py", package)
    shutil.copytree(
        project / "skipgrade" / "lab",
        package / "lab",
        ignore=shutil.ignore_patterns("__pycache__", "*.pyc"),
    )
