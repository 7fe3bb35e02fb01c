"""Are the lines that mark what students must not see in pairs, in the right cell, and well spelt?

nbgrader looks for the six texts and takes no notice of one that is misspelt: what it was to hide
is released.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import SequenceMatcher

from skipgrade.classroom.lint.finding import Finding
from skipgrade.classroom.lint.notebook import Cell, Notebook

REGIONS = ("SOLUTION", "HIDDEN TESTS", "MARK SCHEME")
SIDES = ("BEGIN", "END")
MARKERS = {f"{side} {region}": (side, region) for region in REGIONS for side in SIDES}
LOOKS_LIKE_ONE = re.compile(
    r"^\s*(?:#+|=+)\s*(?P<side>[^\W_]+)[\s_-]+(?P<region>[^\W_]+(?:[\s_-]+[^\W_]+)?)"
)
ALIKE = 0.75  # of 1, from where on a word is taken for a misspelt other one
HOMES = {
    "SOLUTION": "a cell that students answer in (nbgrader: Autograded or Manually graded answer)",
    "HIDDEN TESTS": "a code cell with points (nbgrader: Autograder tests)",
    "MARK SCHEME": "a text cell that a person grades (nbgrader: Manually graded answer or task)",
}

SCHEME = "Write one between '=== BEGIN MARK SCHEME ===' and '=== END MARK SCHEME ==='."


def find(notebook: Notebook) -> Iterator[Finding]:
    for cell in notebook.cells:
        if cell.is_graded and not cell.is_code and not any(text in cell.source for text in MARKERS):
            told = "a person grades it, and no mark scheme says by what"
            yield Finding(notebook.file, cell.name, told, SCHEME, note=True)
        for line, told, fix in _in_cell(cell):
            yield Finding(notebook.file, cell.name, told, fix, line=f"line {line}")


def _in_cell(cell: Cell) -> Iterator[tuple[int, str, str]]:
    opened: tuple[int, str] | None = None
    for number, line in enumerate(cell.source.split("\n"), 1):
        marker = next((text for text in MARKERS if text in line), "")
        if not marker:
            if meant := _misspelt(line):
                told = f"{line.strip()!r} marks nothing, so students would see what it is to hide"
                yield number, told, f"Write {_written(meant)}."
            continue
        side, region = MARKERS[marker]
        if side == "BEGIN":
            if not _at_home(region, cell):
                yield number, f"{marker} stands in a cell of another kind", _move(region)
            if opened:
                yield opened[0], f"BEGIN {opened[1]} has no end before {marker}", _end(opened[1])
            opened = (number, region)
        elif not opened:
            told = f"{marker} without a beginning, so students would see what stands above it"
            yield number, told, f"Put {_written(f'BEGIN {region}')} above what is to be hidden."
        elif opened[1] != region:
            yield number, f"{marker} ends what BEGIN {opened[1]} began", _end(opened[1])
            opened = None
        else:
            opened = None
    if opened:
        yield opened[0], f"BEGIN {opened[1]} has no end", _end(opened[1])


def _at_home(region: str, cell: Cell) -> bool:
    if region == "SOLUTION":
        return cell.is_answer
    if region == "HIDDEN TESTS":
        return cell.is_test
    return cell.is_graded and not cell.is_test


def _misspelt(line: str) -> str:
    """The marker a line was to be; empty where it looks like none, or is none at all."""
    found = LOOKS_LIKE_ONE.match(line)
    if not found:
        return ""
    side = _closest(found["side"], SIDES)
    region = _closest(found["region"], REGIONS) or _closest(found["region"].split()[0], REGIONS)
    return f"{side} {region}" if side and region else ""


def _closest(text: str, words: tuple[str, ...]) -> str:
    best = max(words, key=lambda word: _alike(text, word))
    return best if _alike(text, best) >= ALIKE else ""


def _alike(text: str, word: str) -> float:
    return SequenceMatcher(None, re.sub(r"[\s_-]+", " ", text.upper()), word).ratio()


def _written(marker: str) -> str:
    return f"'=== {marker} ==='" if "MARK SCHEME" in marker else f"'### {marker}'"


def _end(region: str) -> str:
    return f"Put {_written(f'END {region}')} below what is to be hidden."


def _move(region: str) -> str:
    return f"It belongs in {HOMES[region]}."
