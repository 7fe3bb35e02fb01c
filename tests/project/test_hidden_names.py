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
TO_LOOK_AT = {"01": {"mean", "std"}}  # given for a student to use or look at


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


def _public(code: str) -> set[str]:
    scopes = {"genexpr", "listcomp", "setcomp", "dictcomp", "lambda"}
    return {name for name in names(code)[0] - scopes if not name.startswith("_")}


def _codes(path: Path) -> Iterator[tuple[str, str, str, str]]:
    """Each code cell: its kind, its name, what students see of it, and what is hidden."""
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "code":
            told = cell.metadata.get("nbgrader", {})
            kind = "test" if told.get("grade") else "answer" if told.get("solution") else "given"
            yield kind, cell.id, *split(cell.source)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_no_test_cell_takes_a_name_that_a_student_may_have_used(path: Path) -> None:
    left = {cell: _public(visible) for kind, cell, visible, _ in _codes(path) if kind == "test"}
    assert left, "no test cells"
    assert not {cell: given for cell, given in left.items() if given}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_given_cells_give_what_is_used_later_and_nothing_twice(path: Path) -> None:
    """What a given cell needs for itself alone begins with an underscore."""
    cells = list(_codes(path))
    before: set[str] = set()
    for number, (kind, cell, visible, _) in enumerate(cells):
        if kind != "given" or cell == "setup":
            before |= _public(visible)
            continue
        taken = {"student_id"} | TO_LOOK_AT.get(path.stem[:2], set())
        for *_, later, hidden in cells[number + 1 :]:
            taken |= names(later)[1] | names(hidden)[1]
        given = _public(visible)
        assert not (unused := {name for name in given - taken if not name.isupper()}), (
            cell,
            unused,
        )
        assert not given & before, (cell, given & before)
        before |= given
