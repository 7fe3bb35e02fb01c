"""The visible tests of each assignment, as they were released.

`skipgrade release` writes them into the students' wheel. So they are at hand on Colab, where a
kernel does not see its notebook's file, and are those of the course, whatever a student changed.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from skipgrade.lab.errors import LabError

FILE = "visible_tests.json"


@dataclass(frozen=True)
class Task:
    """What points are given for; `test` is the code a student sees, None where a person reads."""

    name: str
    title: str
    points: float
    bonus: bool
    test: str | None


def tasks_of(cells: Iterable[dict[str, Any]]) -> list[Task]:
    """The graded cells of a released notebook, each under the nearest heading above it."""
    found = []
    part = title = ""
    for cell in cells:
        source = "".join(cell["source"])
        marks = cell["metadata"].get("nbgrader", {})
        if cell["cell_type"] == "markdown" and not marks:
            for level, text in re.findall(r"^(#+) +(.+)$", source, re.MULTILINE):
                title = re.sub(r"\s*\([^()]*points?\)$", "", text.replace("`", ""))
                part = text if len(level) <= 2 else part
        if marks.get("grade") or marks.get("task"):
            tested = cell["cell_type"] == "code" and not marks.get("solution")
            name = marks["grade_id"]
            bonus = "bonus" in f"{part} {name}".lower()
            points = float(marks["points"])
            found.append(Task(name, title, points, bonus, source if tested else None))
    return found


def to_json(assignments: dict[str, list[Task]]) -> str:
    told = {name: [asdict(task) for task in tasks] for name, tasks in assignments.items()}
    return json.dumps(told, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def released() -> dict[str, list[Task]]:
    """By assignment, the tasks that came with this installation, or with the clone it runs from."""
    told = json.loads(_installed() or _in_the_clone())
    return {name: [Task(**task) for task in tasks] for name, tasks in told.items()}


def _installed() -> str | None:
    file = resources.files("skipgrade.lab") / FILE
    return file.read_text(encoding="utf-8") if file.is_file() else None


def _in_the_clone() -> str:
    """Of the wheel in release/, as an installation in place (`pip install -e`) has none itself."""
    folder = Path(__file__).parents[2] / "release"
    for wheel in folder.glob("skipgrade-*.whl"):
        with ZipFile(wheel) as file:
            if (name := f"skipgrade/lab/{FILE}") in file.namelist():
                return file.read(name).decode()
    raise LabError(
        "The visible tests are not in this installation of skipgrade. They come with the course's "
        "own wheel, which the notebook's first cell installs. In a clone of the course, "
        f"`skipgrade release` writes it to {folder}."
    )
