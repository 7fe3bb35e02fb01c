"""[grader] Which cell of a submission is which of the released ones.

A cell is known by the name nbgrader gave it; where that is gone, by its text; and an answer, whose
text is the student's, by where it stands and what it defines. Nothing is taken for anything else
without a sentence that says so.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher

from nbformat import NotebookNode

WORD = re.compile(r"[^\W\d]\w*")


@dataclass
class Matches:
    """The submission's cells by the names of the released ones, and how some were found."""

    cells: dict[str, NotebookNode] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)


def match(cells: Sequence[NotebookNode], released: Sequence[NotebookNode]) -> Matches:
    """Take each released cell that has a name for one of `cells`, where there is one."""
    matches = Matches()
    known = {name: cell for cell in released if (name := grade_id(cell))}
    _by_name(cells, known, matches)
    if len(matches.cells) < len(known):
        _by_text_and_place(cells, released, matches)
        _by_text_anywhere(cells, known, matches)
    return matches


def grade_id(cell: NotebookNode) -> str:
    """The name nbgrader knows a cell by; empty for a cell it does not know."""
    marks = cell.metadata.get("nbgrader")
    name = marks.get("grade_id") if isinstance(marks, dict) else ""
    return name if isinstance(name, str) else ""


def same_text(one: NotebookNode, other: NotebookNode) -> bool:
    return _text(one) == _text(other)


def _text(cell: NotebookNode) -> str:
    """What a cell says, except for spaces at the ends of lines and empty lines around it."""
    return "\n".join(line.rstrip() for line in cell.source.strip().splitlines())


def _by_name(
    cells: Sequence[NotebookNode], known: dict[str, NotebookNode], matches: Matches
) -> None:
    for number, cell in enumerate(cells, start=1):
        if "nbgrader" not in cell.metadata:
            continue
        name = grade_id(cell)
        if name not in known:
            matches.told.append(f"cell {number} had nbgrader metadata that is not in the release")
            continue
        before = matches.cells.get(name)
        if before is not None:
            matches.told.append(f"cell {number} was a copy of {name}")
        # Of copies the last counts, as with nbgrader's DeduplicateIds, unless it is the empty one.
        if before is None or not same_text(cell, known[name]):
            matches.cells[name] = cell


def _by_text_and_place(
    cells: Sequence[NotebookNode], released: Sequence[NotebookNode], matches: Matches
) -> None:
    names = {id(cell): name for name, cell in matches.cells.items()}
    ours = [
        _key(cell, grade_id(cell) if grade_id(cell) in matches.cells else "") for cell in released
    ]
    theirs = [_key(cell, names.get(id(cell), "")) for cell in cells]
    start = (0, 0)
    for block in SequenceMatcher(None, ours, theirs, autojunk=False).get_matching_blocks():
        _in_a_gap(cells[start[1] : block.b], released, range(start[0], block.a), matches)
        for offset in range(block.size):
            name = grade_id(released[block.a + offset])
            if name and name not in matches.cells:
                _take(cells[block.b + offset], name, "it has the text of that cell", cells, matches)
        start = (block.a + block.size, block.b + block.size)


def _key(cell: NotebookNode, name: str) -> tuple[str, str]:
    return ("name", name) if name else ("text", _text(cell))


def _in_a_gap(
    between: Sequence[NotebookNode],
    released: Sequence[NotebookNode],
    gap: range,
    matches: Matches,
) -> None:
    """The released cells of a gap that nobody was taken for yet, and what stands there instead."""
    texts = {_text(cell) for cell in released}
    named = {id(cell) for cell in matches.cells.values()}
    free = [c for c in between if id(c) not in named and _text(c) and _text(c) not in texts]
    for place in gap:
        name, cell = grade_id(released[place]), released[place]
        if not name or name in matches.cells or not cell.metadata.nbgrader.get("solution"):
            continue
        asked = _asked_for(cell, released[place + 1 : place + 2])
        alike = [c for c in free if c.cell_type == cell.cell_type] or free
        fit = [c for c in alike if asked & _bound(c)] if cell.cell_type == "code" else []
        if chosen := (fit or alike)[-1:]:
            defines = ", ".join(sorted(asked & _bound(chosen[0])))
            why = f"defines {defines}" if defines else "stands where that cell was"
            _take(chosen[0], name, f"it {why}", between, matches)
            free = free[free.index(chosen[0]) + 1 :]


def _asked_for(cell: NotebookNode, test: Sequence[NotebookNode]) -> set[str]:
    """Names an answer has to define, as far as its stub and the test after it tell."""
    words = {word for each in test for word in WORD.findall(each.source)}
    return _bound(cell) | words


def _bound(cell: NotebookNode) -> set[str]:
    """What a cell's code defines on its outermost level."""
    try:
        body = ast.parse(re.sub(r"^\s*[!%].*$", "", cell.source, flags=re.MULTILINE)).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        found = re.findall(r"^(?:def|class)\s+(\w+)|^(\w+)\s*=", cell.source, re.MULTILINE)
        return {one or other for one, other in found}
    return {name for statement in body for name in _names(statement)}


def _names(statement: ast.stmt) -> Iterator[str]:
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        yield statement.name
    elif isinstance(statement, ast.Assign | ast.AnnAssign):
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        for target in targets:
            yield from (n.id for n in ast.walk(target) if isinstance(n, ast.Name))


def _by_text_anywhere(
    cells: Sequence[NotebookNode], known: dict[str, NotebookNode], matches: Matches
) -> None:
    """A locked cell that was moved and has lost its name still says what it said."""
    for name, cell in known.items():
        if name in matches.cells or not cell.metadata.nbgrader.get("locked"):
            continue
        named = {id(one) for one in matches.cells.values()}
        same = [one for one in cells if id(one) not in named and same_text(one, cell)]
        if same and _text(cell):
            _take(same[-1], name, "it has the text of that cell", cells, matches)


def _take(
    cell: NotebookNode, name: str, why: str, cells: Sequence[NotebookNode], matches: Matches
) -> None:
    matches.cells[name] = cell
    matches.told.append(f"a cell without nbgrader's metadata is taken for {name}: {why}")
