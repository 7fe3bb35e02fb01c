"""What no student may see, looked for in the files that are about to be published."""

import json
import re
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from skipgrade.classroom.course import CONFIG_FILE, Course
from skipgrade.classroom.holdout import secret_file, secret_if_drawn
from skipgrade.classroom.lint.markers import REGIONS
from skipgrade.judging.grader.matching import grade_id
from skipgrade.judging.judge.holdout import LABELS_FILE

REGION = re.compile(
    rf"^[^\n]*BEGIN ({'|'.join(REGIONS)}).*?END \1[^\n]*$",
    re.DOTALL | re.MULTILINE,
)
MARKERS = tuple(f"BEGIN {region}" for region in REGIONS)
TELLING = 25  # characters a line must have: shorter ones stand anywhere
LARGEST_TEXT = 2**25
NEVER = (CONFIG_FILE, LABELS_FILE, "gradebook.db", ".nbgrader.log")
IN_A_WHEEL = re.compile(r"skipgrade/(?:__init__\.py|lab/.*)|[^/]+\.dist-info/.*")


def leaks(course: Course, folder: Path) -> list[str]:
    """What below `folder` gives something away: each file, and what was found in it."""
    key_name, secret = secret_file(course).name, secret_if_drawn(course)
    hidden = hidden_lines(course)
    found = []
    for path in sorted(path for path in folder.rglob("*") if ".git" not in path.parts):
        name = path.relative_to(folder)
        if path.is_symlink():
            found.append(f"{name} is a link")
        elif path.is_file():
            found += [f"{name} {told}" for told in _in_a_file(path, hidden, secret, key_name)]
    return found


def hidden_lines(course: Course) -> dict[str, str]:
    """Each telling line that stands between markers in a source notebook alone, without its
    spaces, and where that is.
    """
    hidden: dict[str, str] = {}
    shown = ""
    for assignment in course.assignments():
        for path in sorted(course.folder("source", assignment).glob("*.ipynb")):
            for cell in nbformat.read(path, as_version=4).cells:
                visible = _visible(cell)
                shown += _squeezed(visible)
                for line in _telling(cell.source) - _telling(visible):
                    where = f"{path.name}, cell {grade_id(cell) or cell.get('id')}: {line[:60]}"
                    hidden.setdefault(_squeezed(line), where)
    return {line: where for line, where in hidden.items() if line not in shown}


def _visible(cell: NotebookNode) -> str:
    """What of a source cell is released: an answer without regions is a solution as a whole."""
    is_answer = cell.metadata.get("nbgrader", {}).get("solution")
    if is_answer and "BEGIN SOLUTION" not in cell.source:
        return ""
    return REGION.sub("", cell.source)


def _telling(text: str) -> set[str]:
    lines = (line.strip() for line in text.splitlines())
    return {line for line in lines if len(line) >= TELLING and not line.startswith("#")}


def _squeezed(text: str) -> str:
    """Without spaces and line ends, however it is indented, listed or wrapped."""
    return "".join(text.split())


def _in_a_file(path: Path, hidden: dict[str, str], secret: bytes, key_name: str) -> Iterator[str]:
    if path.name in (*NEVER, key_name):
        yield "is not for students"
        return
    content = path.read_bytes()
    if secret and secret in content:
        yield "holds the course's secret key"
    if path.suffix == ".whl":
        yield from _in_a_wheel(path)
    elif len(content) <= LARGEST_TEXT and b"\0" not in content[:1024]:
        text = content.decode("utf-8", "replace")
        if path.suffix == ".ipynb":
            with suppress(ValueError):  # what is not a notebook is looked through as it is
                text = "\n".join(_texts(json.loads(text)))
        yield from (f"holds the marker {marker}" for marker in MARKERS if marker in text)
        squeezed = _squeezed(text)
        yield from (
            f"holds a hidden line of {where}" for line, where in hidden.items() if line in squeezed
        )


def _texts(value: Any) -> Iterator[str]:
    """Everything written in a notebook: sources, outputs and metadata."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _texts(part)


def _in_a_wheel(path: Path) -> Iterator[str]:
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if not IN_A_WHEEL.fullmatch(name):
                yield f"holds {name}, which is not of the students' side"
