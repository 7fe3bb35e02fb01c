"""Which names a piece of Python takes and gives, read off its text."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from IPython.core.inputtransformer2 import TransformerManager

GIVEN = {*dir(builtins), "__name__", "__file__", "get_ipython", "display", "In", "Out"}
DEEPEST = 600  # levels
FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef
SCOPES = FUNCTIONS | ast.ClassDef
COMPREHENSIONS = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


def parse_cell(code: str) -> ast.Module:
    """A cell's code, `%magics` and `!commands` included; `SyntaxError` where it is none."""
    with _refused():  # from Python 3.12 on IPython's reading of tokens refuses half a character
        code = TransformerManager().transform_cell(code)
    return parse(code)


def parse(code: str) -> ast.Module:
    """`SyntaxError` for whatever reason Python refuses it."""
    with _refused():
        tree = ast.parse(code)
        if _depth(tree) > DEEPEST:
            raise RecursionError
        compile(tree, "", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    return tree


@contextmanager
def _refused() -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        raise SyntaxError(f"not Python ({error})", ("", 1, None, None)) from error
    except (RecursionError, MemoryError) as error:
        raise SyntaxError("not Python (nested too deep)", ("", 1, None, None)) from error


def _depth(tree: ast.AST) -> int:
    """How deep it goes: Python from 3.13 on compiles what we could not follow."""
    level, depth = [tree], 0
    while level:
        level = [child for node in level for child in ast.iter_child_nodes(node)]
        depth += 1
    return depth


def gives_unknown_names(tree: ast.AST) -> bool:
    """`from x import *`, `exec(...)`, `globals()`, `%run` and `%%magics` can define anything."""
    return any(map(_gives_unknown, ast.walk(tree)))


def _gives_unknown(node: ast.AST) -> bool:
    if isinstance(node, ast.Name):
        return node.id in ("exec", "globals")
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        if node.func.attr == "run_line_magic":
            return literal(node.args[0]) in ("run", "pylab")
        return node.func.attr == "run_cell_magic"
    return isinstance(node, ast.alias) and node.name == "*"


def bound(tree: ast.AST) -> set[str]:
    """The names that something in the tree binds, in whatever scope."""
    return {name for node in ast.walk(tree) for name in _bound_by(node)}


def _bound_by(node: ast.AST) -> set[str]:
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        return {node.id}
    if isinstance(node, SCOPES):
        return {node.name}
    if isinstance(node, ast.arg):
        return {node.arg}
    if isinstance(node, ast.alias):
        return {node.asname or node.name.split(".")[0]}
    if isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
        return {node.name}
    if isinstance(node, ast.MatchMapping) and node.rest:
        return {node.rest}
    return set()


@dataclass(frozen=True)
class Known:
    """The names that a notebook defines: all, and those the judge has, who trains nothing."""

    everywhere: set[str]
    judge: set[str]


@dataclass
class Names:
    """What a cell takes and calls as soon as it runs, with the line; what it leaves for later
    cells, and what its functions take once they are called.
    """

    taken: dict[str, int] = field(default_factory=dict)
    called: dict[str, int] = field(default_factory=dict)
    given: set[str] = field(default_factory=set)
    waiting: dict[str, Names] = field(default_factory=dict)

    def add(self, other: Names) -> None:
        self.taken = other.taken | self.taken
        self.called = other.called | self.called
        self.given |= other.given
        self.waiting |= other.waiting

    def without(self, own: set[str]) -> Names:
        """What a scope with names of its own takes from outside."""
        taken = {name: line for name, line in self.taken.items() if name not in own}
        called = {name: line for name, line in self.called.items() if name not in own}
        return Names(taken, called)


def loaded(tree: ast.AST) -> dict[str, int]:
    """Every name that something in the tree takes, and the line of the first time."""
    lines: dict[str, int] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            lines.setdefault(node.id, node.lineno)
    return lines


def at_once(tree: ast.AST) -> Names:
    """Bodies of functions wait until they are called: what they take is kept apart."""
    names = Names(given=set() if isinstance(tree, ast.arg) else _bound_by(tree))
    if isinstance(tree, ast.Name) and isinstance(tree.ctx, ast.Load):
        names.taken[tree.id] = tree.lineno
    elif isinstance(tree, ast.AugAssign) and isinstance(tree.target, ast.Name):
        names.taken[tree.target.id] = tree.lineno
    elif isinstance(tree, ast.Call) and (name := _dotted(tree.func)):
        names.called[name] = tree.lineno
    inside = _inside(tree)
    for child in ast.iter_child_nodes(tree):
        if child not in inside:
            names.add(at_once(child))
    within = Names()
    for part in inside:
        within.add(at_once(part))
    if isinstance(tree, ast.ClassDef):
        names.add(within.without(within.given))
    elif isinstance(tree, COMPREHENSIONS):
        own = {name for one in tree.generators for name in bound(one.target)}
        names.add(within.without(own))
        names.given |= within.given - own
    elif isinstance(tree, FUNCTIONS):
        shared = {name for node in ast.walk(tree) for name in _globals(node)}
        names.given |= shared
        names.waiting[tree.name] = within.without(bound(tree) - shared)
    return names


def _dotted(function: ast.AST) -> str:
    """`f` or `module.f`; nothing for what is computed."""
    if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name):
        return f"{function.value.id}.{function.attr}"
    return function.id if isinstance(function, ast.Name) else ""


def _globals(node: ast.AST) -> list[str]:
    return node.names if isinstance(node, ast.Global) else []


def _inside(tree: ast.AST) -> list[ast.AST]:
    """The children that do not run in the scope the tree stands in, or not at once."""
    if isinstance(tree, SCOPES):
        return list(tree.body)
    if isinstance(tree, ast.Lambda):
        return [tree.body]
    return list(ast.iter_child_nodes(tree)) if isinstance(tree, COMPREHENSIONS) else []


def literal(node: ast.AST) -> Any:
    """The value an expression spells out; None where it has to be run."""
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError):
        return None
