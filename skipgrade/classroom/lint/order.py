"""Does the notebook run from top to bottom: for a person, and for the judge, who skips training?"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from skipgrade.classroom.lint.finding import Finding
from skipgrade.classroom.lint.names import (
    GIVEN,
    Known,
    Names,
    at_once,
    bound,
    gives_unknown_names,
    loaded,
    parse_cell,
)
from skipgrade.classroom.lint.notebook import Cell, Notebook
from skipgrade.judging.grader.source import NEEDS_TRAINING

TRAINS = ("lab.fit", "lab.sweep")
ABOVE = "Define it in a cell above."
TAG = f"Tag this cell {NEEDS_TRAINING!r}."


@dataclass
class _Code:
    """A cell, and the names in the part of it that students see."""

    cell: Cell
    tree: ast.Module
    names: Names

    @property
    def trains(self) -> bool:
        return NEEDS_TRAINING in self.cell.tags


def find(notebook: Notebook) -> tuple[list[Finding], Known | None]:
    """The findings, and the names the notebook has; None where they cannot be known."""
    cells: list[_Code] = []
    found = []
    for cell in notebook.code:
        try:
            tree = parse_cell(cell.visible)
        except SyntaxError as error:
            where = f"line {error.lineno}"
            fix = "Correct it; nobody could run the cell."
            found.append(Finding(notebook.file, cell.name, error.msg, fix, line=where))
        else:
            cells.append(_Code(cell, tree, at_once(tree)))
    if found or any(gives_unknown_names(code.tree) for code in cells):
        return found, None
    for problems in (_out_of_order(cells), _unknown(cells), _untagged(cells)):
        for code, line, told, fix in problems:
            found.append(Finding(notebook.file, code.cell.name, told, fix, line=f"line {line}"))
    return found, Known(
        GIVEN.union(*(code.names.given for code in cells)),
        GIVEN.union(*(code.names.given for code in cells if not code.trains)),
    )


_Problem = tuple[_Code, int, str, str]


def _out_of_order(cells: list[_Code]) -> Iterator[_Problem]:
    homes: dict[str, _Code] = {}
    for code in cells:
        homes |= {name: code for name in code.names.given if name not in homes}
    for number, code in enumerate(cells):
        above = cells[: number + 1]
        for name, line, how in _uses(code, above):
            home = homes.get(name)
            if home and home not in above:
                told = f"{how}, which cell {home.cell.name} defines further down"
                yield code, line, told, "Move one of the two."
            elif home and not code.trains and all(c.trains for c in above if name in c.names.given):
                told = f"{how}, which only cells tagged {NEEDS_TRAINING!r} define: the judge "
                yield code, line, f"{told}skips those", TAG


def _uses(code: _Code, above: list[_Code]) -> Iterator[tuple[str, int, str]]:
    """Each name that has to be there when the cell runs, the line, and what uses it."""
    for name, line in code.names.taken.items():
        yield name, line, f"uses {name}"
    for function, line, names in _calls(code, above):
        for name in names.taken:
            yield name, line, f"calls {function}, which uses {name}"


def _calls(code: _Code, above: list[_Code]) -> Iterator[tuple[str, int, Names]]:
    """The notebook's own functions that the cell calls, directly or by another, and the line."""
    waiting: dict[str, Names] = {}
    for one in above:
        waiting |= one.names.waiting
    todo, seen = list(code.names.called.items()), set()
    while todo:
        function, line = todo.pop(0)
        if function in waiting and function not in seen:
            seen.add(function)
            yield function, line, waiting[function]
            todo += [(called, line) for called in waiting[function].called]


def _unknown(cells: list[_Code]) -> Iterator[_Problem]:
    anywhere = GIVEN.union(*(bound(code.tree) for code in cells))
    given = GIVEN.union(*(code.names.given for code in cells))
    for code in cells:
        for name, line in (loaded(code.tree) | code.names.taken).items():
            if name not in (given if name in code.names.taken else anywhere):
                yield code, line, f"no cell defines {name}", ABOVE


def _untagged(cells: list[_Code]) -> Iterator[_Problem]:
    """What would train in every grading."""
    for number, code in enumerate(cells):
        if code.trains:
            continue
        calls = list(_calls(code, cells[: number + 1]))
        for trains in TRAINS:
            told = f"trains ({trains}), and the judge skips only cells tagged {NEEDS_TRAINING!r}"
            if trains in code.names.called:
                yield code, code.names.called[trains], told, TAG
            for function, line, names in calls:
                if trains in names.called:
                    yield code, line, f"calls {function}, which {told}", TAG
