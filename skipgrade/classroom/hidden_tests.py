"""Can the hidden tests of a source notebook work at all? Read, not run: before any student waits.

Every hidden part must be Python; every word of `check`, `student` and `solution` must exist and
take these arguments; every name must come from somewhere in the notebook; tiers must be shares.
What only a run can tell `skipgrade rehearse` tells.
"""

from __future__ import annotations

import ast
import builtins
import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
from IPython.core.inputtransformer2 import TransformerManager

from skipgrade.classroom.errors import CourseError
from skipgrade.judging.checks.tiers import check_tiers, is_share
from skipgrade.judging.grader.source import SourceError, TestCell, read_source, split

GIVEN = {*dir(builtins), "__name__", "__file__", "get_ipython", "display", "In", "Out"}
CODE = ("expression", "model", "step", "evaluate")  # parameters that hold Python for both kernels
SHARES = ("at_least", "worth")


def demand_sound(path: Path) -> None:
    """`CourseError` with a line for every fault: file, cell, line."""
    if found := faults(path):
        raise CourseError("\n  ".join(["the hidden tests cannot grade anybody:", *found]))


def faults(path: Path) -> list[str]:
    """Everything wrong with the hidden tests of a notebook; empty when nothing is."""
    try:
        source = read_source(path)
        known = _names_of(path)
    except SourceError as error:
        return [str(error)]
    except (nbformat.ValidationError, ValueError) as error:
        told = str(error).splitlines()[0]
        return [f"{_name(path)} cannot be read as a notebook: {told[:200]}"]
    found = []
    for test in source.tests.values():
        for line, told in _faults_of(test, known):
            where = f"{_name(path)}, cell {test.grade_id}, line {line} of its hidden tests"
            found.append(f"{where}: {told}")
    return found


def _name(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


def _names_of(path: Path) -> set[str] | None:
    """Every name a code cell of the notebook gives; None where they cannot be known."""
    names = set(GIVEN)
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type != "code":
            continue
        try:
            tree = ast.parse(TransformerManager().transform_cell(split(cell.source)[0]))
        except SyntaxError as error:
            where = f"{_name(path)}, cell {cell.get('id', '?')}, line {error.lineno}"
            raise SourceError(f"{where}: {error.msg}") from error
        if any(map(_gives_unknown_names, ast.walk(tree))):
            return None
        names |= _bound(tree)
    return names


def _gives_unknown_names(node: ast.AST) -> bool:
    """`from x import *`, `exec(...)`, `globals()` and `%run` can define anything."""
    if isinstance(node, ast.Name):
        return node.id in ("exec", "globals")
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return node.func.attr == "run_line_magic" and _literal(node.args[0]) in ("run", "pylab")
    return isinstance(node, ast.alias) and node.name == "*"


def _bound(tree: ast.AST) -> set[str]:
    """The names that something in the tree binds, in whatever scope."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.arg):
            names.add(node.arg)
        elif isinstance(node, ast.alias):
            names.add(node.asname or node.name.split(".")[0])
        elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
            names.add(node.name)
        elif isinstance(node, ast.MatchMapping) and node.rest:
            names.add(node.rest)
    return names


def _faults_of(test: TestCell, known: set[str] | None) -> Iterator[tuple[int, str]]:
    try:
        tree = ast.parse(test.hidden)
    except SyntaxError as error:
        yield error.lineno or 1, f"SyntaxError: {error.msg}"
        return
    if known is not None:
        yield from _unknown(tree, known)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "skipgrade.judging":
            for alias in node.names:
                if alias.name not in _hidden_test_api():
                    yield node.lineno, f"skipgrade.judging has no {alias.name}"
        elif isinstance(node, ast.Call):
            yield from ((node.lineno, told) for told in _wrong_call(node, known))


def _unknown(tree: ast.AST, known: set[str], *more: str) -> Iterator[tuple[int, str]]:
    have = known | _bound(tree) | set(more)
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id not in have:
            yield node.lineno, f"nothing in the notebook is called {node.id}"


def _hidden_test_api() -> dict[str, Any]:
    from skipgrade.judging import __all__, hidden_test_api

    return {name: getattr(hidden_test_api, name) for name in __all__}


def _wrong_call(call: ast.Call, known: set[str] | None) -> Iterator[str]:
    """What is wrong with a call of a word: check.WORD(...), student.eval(...), images(...)."""
    function = call.func
    words = _hidden_test_api()
    if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name):
        owner = words.get(function.value.id)
        name = f"{function.value.id}.{function.attr}"
        if owner is None or callable(owner):
            return
        # Of checks the class is asked: `check` itself has an error for every word it does not know.
        home = type(owner) if function.value.id == "check" else owner
        method = getattr(home, function.attr, None)
        if method is None:
            yield f"there is no {name}"
            return
    elif isinstance(function, ast.Name) and callable(words.get(function.id)):
        name, method = function.id, words[function.id]
    else:
        return
    if any(isinstance(one, ast.Starred) for one in call.args) or not all(
        keyword.arg for keyword in call.keywords
    ):
        return  # what a call spreads out only a run can tell
    given = {str(keyword.arg): keyword.value for keyword in call.keywords}
    try:
        bound = _signature(method).bind(*call.args, **given)
    except TypeError as error:
        yield f"{name}: {error}"
        return
    yield from _wrong_values(name, bound.arguments, known)


def _signature(method: Callable[..., Any]) -> inspect.Signature:
    """What a test may give: the trial comes from elsewhere, `worth` belongs to every check."""
    signature = inspect.signature(method)
    taken = [one for one in signature.parameters.values() if one.name not in ("self", "trial")]
    if "trial" in signature.parameters:
        worth = inspect.Parameter("worth", inspect.Parameter.KEYWORD_ONLY, default=None)
        last = taken.pop() if taken[-1].kind is inspect.Parameter.VAR_KEYWORD else None
        taken += [worth, last] if last else [worth]
    return signature.replace(parameters=taken)


def _wrong_values(name: str, arguments: dict[str, Any], known: set[str] | None) -> Iterator[str]:
    """What is wrong with arguments that are written out where the call stands."""
    extra = [key for value in arguments.values() if isinstance(value, dict) for key in value]
    for parameter, node in arguments.items():
        value = _literal(node) if isinstance(node, ast.AST) else None
        if parameter in CODE and isinstance(value, str):
            yield from (f"{name}: {told}" for told in _wrong_code(value, known, extra))
        elif parameter in SHARES and value is not None and not is_share(value):
            yield f"{name}: {parameter}={value!r} is not a share above 0 and up to 1"
        elif parameter == "tiers":
            for tiers in _dictionaries(node):
                try:
                    check_tiers(tiers)
                except ValueError as error:
                    yield f"{name}: {error}"


def _wrong_code(text: str, known: set[str] | None, extra: list[str]) -> Iterator[str]:
    try:
        tree = ast.parse(text, mode="eval")
    except SyntaxError as error:
        yield f"{text!r} is not an expression ({error.msg})"
        return
    if known is not None:
        yield from (told for _, told in _unknown(tree, known, *extra))


def _dictionaries(node: ast.AST) -> Iterator[dict[Any, Any]]:
    """The dictionaries written out in an expression, one for each way it may go."""
    for part in ast.walk(node):
        if isinstance(part, ast.Dict):
            value = _literal(part)
            if isinstance(value, dict):
                yield value


def _literal(node: ast.AST) -> Any:
    """The value an expression spells out; None where it has to be run."""
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError):
        return None
