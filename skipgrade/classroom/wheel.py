"""The wheel a student's notebook installs: the bench alone, the same bytes every time.

Made from what is installed here, a clone or a wheel with everything.
"""

import json
import shutil
import tempfile
from importlib import metadata
from pathlib import Path

from hatchling.builders.wheel import WheelBuilder

from skipgrade import __version__
from skipgrade.lab import visible

OURS = "skipgrade"
PACKAGE = Path(__file__).parents[1]


def requirements() -> list[str]:
    """What the bench needs, without what grading adds."""
    return [line for line in metadata.requires(OURS) or [] if "extra ==" not in line]


def build_student_wheel(into: Path, tasks: dict[str, list[visible.Task]]) -> Path:
    """Build the wheel of `skipgrade.lab`, with the visible tests, into a folder; its path."""
    with tempfile.TemporaryDirectory() as scratch:
        staging = Path(scratch)
        _stage(staging)
        told = staging / OURS / "lab" / visible.FILE
        told.write_text(visible.to_json(tasks), encoding="utf-8")
        into.mkdir(parents=True, exist_ok=True)
        builder = WheelBuilder(str(staging))
        return Path(next(builder.build(directory=str(into), versions=["standard"])))


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
        "requires-python": told["Requires-Python"],
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
