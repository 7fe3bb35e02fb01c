"""Does the notebook run from top to bottom: for a person, and for the judge, who skips training?"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from skipgrade.classroom.lint.finding import Finding
from skipgrade.classroom.lint.names import (
    GIVEN,
    Names,
    at_once,
    bound,
    gives_unknown_names,
    loaded,
    parse,
)
from skipgrade.classroom.lint.notebook import Cell, Notebook
from skipgrade.judging.grader.source import NEEDS_TRAINING


@dataclass
class _Code:
    """A cell, and the names in the part of it that students see."""

    cell: Cell
    tree: ast.Module
    names: Names

    @property
    def trains(self) -> bool:
        return NEEDS_TRAINING in self.cell.tags


def find(notebook: Notebook) -> tuple[list[Finding], set[str] | None]:
    """The findings, and every name the notebook has; None where they cannot be known."""
    cells: list[_Code] = []
    found = []
    for cell in notebook.code:
        try:
            tree = parse(cell.visible)
        except SyntaxError as error:
            where = f"line {error.lineno}"
            fix = "Correct it; nobody could run the cell."
            found.append(Finding(notebook.file, cell.name, error.msg, fix, line=where))
        else:
            cells.append(_Code(cell, tree, at_once(tree)))
    if found or any(gives_unknown_names(code.tree) for code in cells):
        return found, None
    for code, line, told, fix in _out_of_order(cells):
        found.append(Finding(notebook.file, code.cell.name, told, fix, line=f"line {line}"))
    return found, _every_name(cells)


def _every_name(cells: list[_Code]) -> set[str]:
    return GIVEN.union(*(bound(code.tree) for code in cells))


def _out_of_order(cells: list[_Code]) -> Iterator[tuple[_Code, int, str, str]]:
    anywhere = _every_name(cells)
    homes: dict[str, _Code] = {}
    for code in cells:
        homes |= {name: code for name in code.names.given if name not in homes}
    for number, code in enumerate(cells):
        above = cells[: number + 1]
        for name, line in code.names.taken.items():
            if name in GIVEN:
                continue
            if name not in homes:
                yield code, line, f"no cell defines {name}", "Define it in a cell above."
            elif homes[name] not in above:
                told = f"uses {name}, which cell {homes[name].cell.name} defines further down"
                yield code, line, told, "Move one of the two."
            elif not code.trains and all(c.trains for c in above if name in c.names.given):
                told = (
                    f"uses {name}, which only cells tagged {NEEDS_TRAINING!r} define: the judge "
                    "skips those"
                )
                yield code, line, told, f"Tag this cell {NEEDS_TRAINING!r} as well."
        for name, line in loaded(code.tree).items():
            if name not in anywhere and name not in code.names.taken:
                yield code, line, f"no cell defines {name}", "Define it in a cell above."
