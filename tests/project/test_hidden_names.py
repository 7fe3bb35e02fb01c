"""Does a hidden test leave a name behind that a later cell of the source notebook relies on?

In grading hidden tests run in a process of their own. When an instructor presses Run All they run
in the notebook, whose own names must be as they were.
"""

from __future__ import annotations

import ast
import symtable
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest

from skipgrade.judging.grader.source import split

SOURCES = sorted(Path(__file__).parents[2].glob("source/*/*.ipynb"))
SAME_ANYWHERE = {"torch", "lab", "math", "nn", "F", "random", "np"}  # modules, whoever imports them


def _tables(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    yield table
    for child in table.get_children():
        yield from _tables(child)


def _of_comprehensions_alone(code: str) -> set[str]:
    """Names of one item after the other, which symtable has outside from Python 3.12 on."""
    nodes = list(ast.walk(ast.parse(code)))
    loops = [node.target for node in nodes if isinstance(node, ast.comprehension)]
    inside = {id(name) for target in loops for name in ast.walk(target)}
    stored = [n for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
    elsewhere = {name.id for name in stored if id(name) not in inside}
    return {name.id for name in stored} - elsewhere


def names(code: str) -> tuple[set[str], set[str]]:
    """The names a cell gives a meaning, and those it takes from the cells before."""
    top = symtable.symtable(code, "<cell>", "exec")
    given = {s.get_name() for s in top.get_symbols() if s.is_assigned() or s.is_imported()}
    given |= {child.get_name() for child in top.get_children()}
    taken = {s.get_name() for s in top.get_symbols() if s.is_referenced()}
    for table in _tables(top):
        taken |= {s.get_name() for s in table.get_symbols() if s.is_global() and s.is_referenced()}
    loops = _of_comprehensions_alone(code)
    return given - loops, taken - given - loops


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_hidden_tests_leave_the_notebooks_own_names_alone(path: Path) -> None:
    own: set[str] = set()
    hidden_in: dict[str, str] = {}
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type != "code":
            continue
        visible, hidden = split(cell.source)
        given, taken = names(visible)
        spoiled = {name: hidden_in[name] for name in taken & own & hidden_in.keys() - SAME_ANYWHERE}
        assert not spoiled, f"cell {cell.id} takes names that hidden tests have changed: {spoiled}"
        own |= given
        hidden_in = {name: by for name, by in hidden_in.items() if name not in given}
        hidden_in |= dict.fromkeys(names(hidden)[0], cell.id)
