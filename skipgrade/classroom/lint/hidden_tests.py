"""Can the hidden tests of a source notebook work at all? Read, not run: before any student waits.

Every test cell must hide something that asks; every hidden part must be Python; every word of
`check`, `student` and `solution` must exist and take these arguments; every name must come from
somewhere in the notebook; tiers must be shares. What only a run can tell, `skipgrade rehearse`
does.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterator
from typing import Any

from skipgrade.classroom.lint.finding import Finding
from skipgrade.classroom.lint.names import Known, bound, literal, loaded, parse
from skipgrade.classroom.lint.notebook import Cell, Notebook
from skipgrade.judging.checks.tiers import check_tiers, is_share
from skipgrade.judging.grader.source import BEGIN, END, NEEDS_TRAINING

CODE = ("expression", "model", "step", "evaluate")  # parameters that hold Python for both kernels
SHARES = ("at_least", "worth")
ASKING = ("check", "student", "handed_in", "network")  # words that can find a submission wrong
FIX = "Correct it; docs/instructors.md lists the words and what they take."


def find(notebook: Notebook, known: Known | None, judged: bool = True) -> Iterator[Finding]:
    """`known` are the notebook's names; None where they cannot be known. Without the judge
    (`judged`), hidden tests are ordinary code.
    """
    for cell in notebook.cells:
        if not cell.is_test:
            continue
        if not cell.hidden.strip():
            told = "has points, but no hidden test to earn them in"
            fix = f"Put what earns them between '### {BEGIN}' and '### {END}'."
            yield Finding(notebook.file, cell.name, told, fix)
            continue
        for line, told in _faults_of(cell, known, judged):
            where = f"line {line} of its hidden tests"
            yield Finding(notebook.file, cell.name, told, FIX, line=where)


def _faults_of(cell: Cell, known: Known | None, judged: bool) -> Iterator[tuple[int, str]]:
    try:
        tree = parse(cell.hidden)
    except SyntaxError as error:
        yield error.lineno or 1, f"SyntaxError: {error.msg}"
        return
    if judged and not any(isinstance(n, ast.Name) and n.id in ASKING for n in ast.walk(tree)):
        yield 1, f"nothing asks the submission ({', '.join(ASKING)}), so everybody earns the points"
    if known is not None:
        yield from _unknown(tree, known.judge, known.everywhere)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "skipgrade.judging":
            for alias in node.names:
                if alias.name not in _hidden_test_api():
                    yield node.lineno, f"skipgrade.judging has no {alias.name}"
        elif isinstance(node, ast.Call):
            yield from ((node.lineno, told) for told in _wrong_call(node, known))


def _unknown(tree: ast.AST, have: set[str], elsewhere: set[str]) -> Iterator[tuple[int, str]]:
    for name, line in loaded(tree).items():
        if name in have | bound(tree):
            continue
        if name in elsewhere:
            yield (
                line,
                f"only cells tagged {NEEDS_TRAINING!r} define {name}, and the judge skips those",
            )
        else:
            yield line, f"nothing in the notebook is called {name}"


def _hidden_test_api() -> dict[str, Any]:
    from skipgrade.judging import __all__, hidden_test_api

    return {name: getattr(hidden_test_api, name) for name in __all__}


def _wrong_call(call: ast.Call, known: Known | None) -> Iterator[str]:
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
        taken = _signature(method).bind(*call.args, **given)
    except TypeError as error:
        yield f"{name}: {error}"
        return
    yield from _wrong_values(name, taken.arguments, known)


def _signature(method: Callable[..., Any]) -> inspect.Signature:
    """What a test may give: the trial comes from elsewhere, `worth` belongs to every check."""
    signature = inspect.signature(method)
    taken = [one for one in signature.parameters.values() if one.name not in ("self", "trial")]
    if "trial" in signature.parameters:
        worth = inspect.Parameter("worth", inspect.Parameter.KEYWORD_ONLY, default=None)
        last = taken.pop() if taken[-1].kind is inspect.Parameter.VAR_KEYWORD else None
        taken += [worth, last] if last else [worth]
    return signature.replace(parameters=taken)


def _wrong_values(name: str, arguments: dict[str, Any], known: Known | None) -> Iterator[str]:
    """What is wrong with arguments that are written out where the call stands."""
    extra = [key for value in arguments.values() if isinstance(value, dict) for key in value]
    for parameter, node in arguments.items():
        value = literal(node) if isinstance(node, ast.AST) else None
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


def _wrong_code(text: str, known: Known | None, extra: list[str]) -> Iterator[str]:
    try:
        tree = ast.parse(text, mode="eval")
    except SyntaxError as error:
        yield f"{text!r} is not an expression ({error.msg})"
        return
    if known is not None:
        yield from (told for _, told in _unknown(tree, known.everywhere.union(extra), set()))


def _dictionaries(node: ast.AST) -> Iterator[dict[Any, Any]]:
    """The dictionaries written out in an expression, one for each way it may go."""
    for part in ast.walk(node):
        if isinstance(part, ast.Dict):
            value = literal(part)
            if isinstance(value, dict):
                yield value
