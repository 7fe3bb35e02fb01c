"""[judge's kernel] The files that were handed in, as they were before the notebook ran.

They lie where the student's kernel cannot reach them, so what is read here is evidence of what
was handed in, whatever the notebook does to its own copies.
"""

from __future__ import annotations

import ast
import hashlib
import json
import math
import operator
import os
import stat
from collections.abc import Callable
from io import BufferedReader
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load
from torch import Tensor

from skipgrade import lab
from skipgrade.judging.judge.entries import Formulas, entries, is_number
from skipgrade.judging.printable import presentable
from skipgrade.judging.verdict import NoAnswerError, message
from skipgrade.judging.watermark import SUFFIX, watermarked
from skipgrade.lab.history import History
from skipgrade.lab.predicted import parse_predictions

MEBIBYTE = 2**20
WEIGHTS_LIMIT = 1024 * MEBIBYTE
TEXT_LIMIT = 16 * MEBIBYTE
TRAIN = "train with lab.fit, and hand in the files it writes next to the notebook."


class HandedIn:
    """One submission's folder, and its notebook there; no notebook outside grading."""

    def __init__(self, folder: Path, notebook: str | None = None, mark: str = "") -> None:
        self._folder = folder
        self._notebook = notebook
        self._mark = mark  # what the histories shown to the notebook are moved by
        self._code_of: tuple[tuple[int, ...], list[str]] | None = None
        self._statements_of: dict[str, list[ast.stmt]] = {}

    def has(self, file: str) -> bool:
        """Whether there is an ordinary file of that name."""
        try:
            return stat.S_ISREG(self._path(file).lstat().st_mode)
        except OSError:
            return False

    def history(self, name: str) -> History:
        """What the history file of the run `name` claims, number for number what the notebook
        read in its copy of it."""
        file = f"{name}{SUFFIX}"
        expected = f"the history of a run named {name!r} in {file}"
        try:
            return History.parse(self._shown(file, expected), Path(file))
        except lab.LabError as error:
            raise NoAnswerError(message(expected, presentable(str(error)), TRAIN)) from error

    def _shown(self, file: str, expected: str) -> bytes:
        content = self._read(file, TEXT_LIMIT, expected)
        if self._mark and file.endswith(SUFFIX):
            content = watermarked(content, f"{self._mark}\n{file}")
        return content

    def weights(self, name: str) -> dict[str, Tensor]:
        """The best weights of the run `name`, all of them finite."""
        file = f"{name}-best.safetensors"
        expected = f"the weights of a run named {name!r} in {file}"
        content = self._read(file, WEIGHTS_LIMIT, expected)
        try:
            tensors = load(content)
        except (SafetensorError, ValueError, KeyError, TypeError) as error:
            raise NoAnswerError(
                message(expected, "a file that is damaged or of another kind", TRAIN)
            ) from error
        for key, tensor in tensors.items():
            if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
                got = f"{presentable(key)} holds NaN or infinity"
                raise NoAnswerError(
                    message(expected, got, "a training that diverged? A lower rate helps.")
                )
        return tensors

    def predictions(
        self, file: str, *, rows: int | None = None, classes: int | None = None
    ) -> Tensor:
        """The labels in a table of predictions, every row of it checked."""
        expected = f"a row 'id,label' for each image in {file}"
        text = self._read(file, TEXT_LIMIT, expected).decode("utf-8", "replace")
        try:
            return parse_predictions(text, file, rows=rows, classes=classes)
        except lab.LabError as error:
            raise NoAnswerError(
                message(expected, presentable(str(error), limit=600), "")
            ) from error

    def table(self, file: str) -> Any:
        """What a JSON file holds."""
        expected = f"a JSON file {file}"
        try:
            return json.loads(self._shown(file, expected))
        except (ValueError, RecursionError) as error:
            raise NoAnswerError(message(expected, "a file that is not JSON", "")) from error

    def written(self, name: str, otherwise: Callable[[], Any]) -> Any:
        """What the notebook writes down for `name`, as in `answer_1 = True`: its last assignment
        of a value that needs no running. `otherwise` is asked where there is no notebook."""
        if self._notebook is None:
            return otherwise()
        expected = f"{name} = and a value, written out"
        for code in reversed([code for code in self._code() if name in code]):
            for statement in reversed(self._statements(code)):
                found = _assigned(statement, name)
                if found is not None:
                    try:
                        return _value(found)
                    except (ValueError, TypeError, ArithmeticError, RecursionError) as error:
                        got = f"{name} = {presentable(ast.unparse(found), limit=60)}"
                        raise NoAnswerError(
                            message(expected, got, "a value itself, no call.")
                        ) from error
        raise NoAnswerError(
            message(expected, f"no cell that sets {name}", "is the answer filled in?")
        )

    def entries(
        self, name: str, otherwise: Callable[[], Any], formulas: Formulas | None = None
    ) -> dict[str, float]:
        """The numbers that the notebook writes down in the dict `name`, one by one or together;
        what calls of `formulas` stand for included. `otherwise` as in `written`."""
        if self._notebook is None:
            told = otherwise()
            return told if isinstance(told, dict) else {}
        statements = [statement for code in self._code() for statement in _statements(code)]
        return entries(statements, name, _value, formulas or {})

    def columns(self, file: str, *names: str) -> dict[str, list[float]]:
        """Columns of a table that is kept in JSON as a list of rows; all of it finite numbers."""
        rows = self.table(file)
        expected = f"rows with {' and '.join(names)} in {file}"
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise NoAnswerError(message(expected, "something else", TRAIN))
        for row in rows:
            for name in names:
                if not is_number(row.get(name)) or not math.isfinite(row[name]):
                    raise NoAnswerError(
                        message(expected, f"a row without a number for {name}", TRAIN)
                    )
        return {name: [float(row[name]) for row in rows] for name in names}

    def fingerprint(self) -> str:
        """Another one for every version of the notebook's code."""
        return hashlib.sha256(json.dumps(self._code()).encode()).hexdigest()

    def _code(self) -> list[str]:
        """The notebook's code cells, read again only when the file is another one."""
        file, expected = f"{self._notebook}.ipynb", "a notebook"
        with self._opened(file, expected) as opened:
            about = os.fstat(opened.fileno())
            stamp = (about.st_dev, about.st_ino, about.st_size, about.st_mtime_ns)
            if self._code_of is None or self._code_of[0] != stamp:
                content = _limited(opened, file, WEIGHTS_LIMIT, expected)
                self._code_of = stamp, _code_cells(content)
            return self._code_of[1]

    def _statements(self, code: str) -> list[ast.stmt]:
        """Parsed once, for those who change nothing in them."""
        if code not in self._statements_of:
            self._statements_of[code] = _statements(code)
        return self._statements_of[code]

    def _path(self, file: str) -> Path:
        if Path(file).name != file:
            raise ValueError(f"{file!r} is not a file next to the notebook")
        return self._folder / file

    def _read(self, file: str, limit: int, expected: str) -> bytes:
        with self._opened(file, expected) as opened:
            return _limited(opened, file, limit, expected)

    def _opened(self, file: str, expected: str) -> BufferedReader:
        try:
            handle = os.open(self._path(file), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError as error:
            raise NoAnswerError(
                message(expected, f"{file} is not among the files handed in", TRAIN)
            ) from error
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            os.close(handle)
            raise NoAnswerError(message(expected, f"{file} is not an ordinary file", ""))
        return os.fdopen(handle, "rb")


def _limited(opened: BufferedReader, file: str, limit: int, expected: str) -> bytes:
    content = opened.read(limit + 1)
    if len(content) > limit:
        raise NoAnswerError(message(expected, f"more than {limit // MEBIBYTE} MiB in {file}", ""))
    return content


def _code_cells(content: bytes) -> list[str]:
    try:
        cells = [cell for cell in json.loads(content)["cells"] if cell["cell_type"] == "code"]
        return ["".join(cell["source"]) for cell in cells]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise NoAnswerError(message("a notebook", "a file that is none", "")) from error


def _statements(code: str) -> list[ast.stmt]:
    try:
        return ast.parse(code).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []


def _assigned(statement: ast.stmt, name: str) -> ast.expr | None:
    """The expression that `statement` gives to `name`, if it does."""
    if isinstance(statement, ast.AnnAssign) and _is(statement.target, name):
        return statement.value
    if not isinstance(statement, ast.Assign):
        return None
    for target in statement.targets:
        if _is(target, name):
            return statement.value
        if isinstance(target, (ast.Tuple, ast.List)) and isinstance(
            statement.value, (ast.Tuple, ast.List)
        ):
            for part, value in zip(target.elts, statement.value.elts, strict=False):
                if _is(part, name):
                    return value
    return None


def _is(target: ast.expr, name: str) -> bool:
    return isinstance(target, ast.Name) and target.id == name


OPERATORS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul,
    ast.Div: operator.truediv, ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod,
    ast.Not: operator.not_, ast.USub: operator.neg, ast.UAdd: operator.pos,
    ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt, ast.Gt: operator.gt,
    ast.LtE: operator.le, ast.GtE: operator.ge,
}  # fmt: skip


def _value(node: ast.expr) -> Any:
    """A value that is written out, arithmetic included; ValueError for anything that runs."""
    if isinstance(node, ast.Constant) and isinstance(
        node.value, (bool, int, float, str, type(None))
    ):
        return node.value
    if isinstance(node, (ast.List, ast.Tuple)):
        items = [_value(item) for item in node.elts]
        return items if isinstance(node, ast.List) else tuple(items)
    if isinstance(node, ast.Dict):
        keys = [_value(key) for key in node.keys if key is not None]
        return dict(zip(keys, map(_value, node.values), strict=True))
    if isinstance(node, ast.UnaryOp) and type(node.op) in OPERATORS:
        return OPERATORS[type(node.op)](_value(node.operand))
    if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
        sides = _value(node.left), _value(node.right)
        if not all(isinstance(side, (int, float)) for side in sides):
            raise ValueError("arithmetic with something else than numbers")
        return _small(OPERATORS[type(node.op)](*sides))
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in OPERATORS:
        return OPERATORS[type(node.ops[0])](_value(node.left), _value(node.comparators[0]))
    if isinstance(node, ast.BoolOp):
        values = [_value(part) for part in node.values]
        return all(values) if isinstance(node.op, ast.And) else any(values)
    if (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in ("bool", "int", "float", "str", "dict", "list", "tuple")
        and not node.keywords
        and len(node.args) <= 1
    ):
        return {"bool": bool, "int": int, "float": float, "str": str, "dict": dict, "list": list,
                "tuple": tuple}[node.func.id](*map(_value, node.args))  # fmt: skip
    raise ValueError("something that has to be run")


def _small(value: Any) -> Any:
    if math.isfinite(value) and abs(value) < 1e18:
        return value
    raise ValueError("a number that is too large")
