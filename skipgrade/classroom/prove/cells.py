"""The solution's cells of a source notebook, and what may be changed in them."""

from __future__ import annotations

import ast
import difflib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import CodeType
from typing import Any

import nbformat
from nbgrader.utils import is_solution

from skipgrade.classroom.lint.names import at_once
from skipgrade.judging.grader.source import NEEDS_TRAINING, is_automatic, split

RENAMING = ("attribute", "Sequential")  # kinds of change
BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"


@dataclass(frozen=True)
class Variant:
    """A cell of the solution, written in another way; `how` names what was done to it."""

    cell: str
    how: str
    code: str
    before: str

    @property
    def renames(self) -> bool:
        """Whether its weights have other names than those of the solution."""
        return any(kind in self.how for kind in RENAMING)

    @cached_property
    def diff(self) -> list[str]:
        """The lines that left and those that came."""
        lines = difflib.unified_diff(self.before.splitlines(), self.code.splitlines(), n=0)
        return [line for line in lines if line[:3] not in ("---", "+++") and line[:2] != "@@"]

    @cached_property
    def gives(self) -> set[str]:
        """The names whose statements are other ones than before, or take such a name."""
        before, after = (
            {ast.unparse(one): at_once(one).given for one in ast.parse(code).body}
            for code in (self.before, self.code)
        )
        other = before.keys() ^ after.keys()
        return _with_what_takes({name for text in other for name in (before | after)[text]}, after)


def _with_what_takes(names: set[str], statements: dict[str, set[str]]) -> set[str]:
    """These names, and those of the statements that take one of them."""
    taken = {
        text: {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}
        for text in statements
    }
    while True:
        found = names.union(*(statements[text] for text in statements if names & taken[text]))
        if found == names:
            return found
        names = found


@dataclass(frozen=True)
class SolutionCell:
    """A code cell with a part that students write; `elsewhere` is the other code they see."""

    id: str
    source: str
    trains: bool
    elsewhere: str = ""

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.source)

    @cached_property
    def code(self) -> str:
        """As `ast` writes it, so that a diff shows what was changed and nothing else."""
        return ast.unparse(self.tree)

    @cached_property
    def lines(self) -> set[int]:
        """The lines of the source between the marks."""
        found, inside = set(), False
        for number, line in enumerate(self.source.splitlines(), 1):
            inside = (inside or BEGIN in line) and END not in line
            if inside:
                found.add(number)
        return found

    def owns(self, node: ast.AST) -> bool:
        """Whether all of it is the students' to write."""
        first, last = getattr(node, "lineno", 0), getattr(node, "end_lineno", 0)
        return first in self.lines and last in self.lines

    def changed(self, how: str, index: int, new: ast.AST) -> Variant:
        """The cell with node number `index` (as `ast.walk` counts) replaced by `new`."""
        tree = ast.parse(self.source)
        old = list(ast.walk(tree))[index]
        return self.variant(how, _Replace(old, new).visit(tree))

    def variant(self, how: str, tree: ast.AST) -> Variant:
        return Variant(self.id, how, ast.unparse(ast.fix_missing_locations(tree)), self.code)


class _Replace(ast.NodeTransformer):
    def __init__(self, old: ast.AST, new: ast.AST) -> None:
        self.old, self.new = old, new

    def visit(self, node: ast.AST) -> Any:
        return self.new if node is self.old else self.generic_visit(node)


def read(path: Path) -> list[SolutionCell]:
    """Every cell that holds a solution, in order."""
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    seen = {cell.id: split(cell.source)[0] for cell in cells}
    return [
        SolutionCell(
            cell.id,
            cell.source,
            NEEDS_TRAINING in cell.metadata.get("tags", []),
            "\n".join(code for other, code in seen.items() if other != cell.id),
        )
        for cell in cells
        if is_solution(cell) and not is_automatic(cell) and BEGIN in cell.source
    ]


def parents(tree: ast.AST) -> dict[ast.AST, ast.AST]:
    """Who holds each node."""
    return {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}


def ancestors(node: ast.AST, holders: dict[ast.AST, ast.AST]) -> Iterator[ast.AST]:
    """The node itself, and all that hold it."""
    while True:
        yield node
        if node not in holders:
            return
        node = holders[node]


def same_code(one: str, other: str) -> bool:
    """Whether Python makes the same of both, line numbers aside."""
    return _essence(compile(one, "", "exec")) == _essence(compile(other, "", "exec"))


def _essence(code: CodeType) -> tuple[Any, ...]:
    constants = tuple(
        _essence(one) if isinstance(one, CodeType) else (type(one).__name__, repr(one))
        for one in code.co_consts
    )
    return (code.co_code, constants, code.co_names, code.co_varnames, code.co_flags)


def runs_as_python(code: str) -> bool:
    try:
        compile(code, "", "exec")
    except (SyntaxError, ValueError):
        return False
    return True


def distinct(variants: Iterator[Variant], known: Callable[[str], bool]) -> Iterator[Variant]:
    """Those that are Python, do not compile to what the solution does, and were not there yet."""
    seen: set[str] = set()
    for one in variants:
        text = re.sub(r"\s+", " ", one.code)
        if text in seen or not runs_as_python(one.code) or known(one.code):
            continue
        seen.add(text)
        yield one
