"""Which task stands where: part and title of every graded cell, from the instructor's notebook."""

import re
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

_HEADING = re.compile(r"^(#{1,6})\s+(.+?)\s*#*\s*$")


@dataclass(frozen=True)
class Place:
    """The heading of the part a cell stands in, and the nearest heading above it."""

    part: str
    title: str


def headings(cell: NotebookNode) -> list[tuple[int, str]]:
    """Level and text of every heading in a markdown cell; lines of code are none."""
    if cell.cell_type != "markdown":
        return []
    text = "".join(cell.source.split("```")[::2])
    found = (_HEADING.match(line) for line in text.splitlines())
    return [(len(one[1]), one[2].replace("`", "")) for one in found if one]


def outline(path: Path) -> dict[str, Place]:
    """By name, in the order of the notebook; headings of level 2 begin a part."""
    part = title = path.stem
    places = {}
    for cell in nbformat.read(path, as_version=4).cells:
        marks = cell.metadata.get("nbgrader", {})
        for level, title in [] if marks else headings(cell):
            part = title if level <= 2 else part
        if marks.get("grade") or marks.get("task"):
            places[marks["grade_id"]] = Place(part, title)
    return places


def outlines(folder: Path) -> dict[str, Place]:
    """The same for all notebooks of an assignment's source folder."""
    found = (outline(path) for path in sorted(folder.glob("*.ipynb")))
    return {cell: place for places in found for cell, place in places.items()}
