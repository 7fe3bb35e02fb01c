"""[judge's kernel] A table that a notebook fills entry by entry, read from its code.

Nothing of the code is run. What is understood: numbers and arithmetic, names and entries that were
given a number before, `sum`, `dict`, and the formulas the judge brings along.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Mapping
from typing import Any

Formulas = Mapping[str, Callable[..., Any]]
Value = Callable[[ast.expr], Any]  # of an expression that needs no running; ValueError for others

NOT_WRITTEN = (ValueError, TypeError, ArithmeticError, LookupError, AttributeError, RecursionError)
LARGEST = 10**6  # number given to a formula, and exponent times base


def entries(
    statements: Iterable[ast.stmt], name: str, value: Value, formulas: Formulas
) -> dict[str, float]:
    """The numbers in the dict `name` after these statements; what cannot be read is left out."""
    table = _Table(name, value, formulas)
    for statement in statements:
        table.read(statement)
    return table.entries


class _Table(ast.NodeTransformer):
    """Puts numbers in the place of what stands for them, and keeps those that are assigned."""

    def __init__(self, name: str, value: Value, formulas: Formulas) -> None:
        self.entries: dict[str, float] = {}
        self._name = name
        self._value = value
        self._formulas = formulas
        self._known: dict[str, float] = {}

    def read(self, statement: ast.stmt) -> None:
        if isinstance(statement, ast.Assign):
            for target in statement.targets:
                self._assign(target, statement.value)
        elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
            self._assign(statement.target, statement.value)
        elif isinstance(statement, ast.AugAssign) and isinstance(statement.op, ast.BitOr):
            if self._is_table(statement.target):
                self._update(self._read(statement.value))
        elif isinstance(statement, ast.Expr):
            self._read_call(statement.value)

    def _read_call(self, call: ast.expr) -> None:
        """`table.update(...)`; any other call changes nothing."""
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
            return
        if call.func.attr == "update" and self._is_table(call.func.value):
            given = [ast.keyword(None, argument) for argument in call.args]
            self._update(self._read(_dict_of([*given, *call.keywords])))

    def _assign(self, target: ast.expr, expression: ast.expr) -> None:
        found = self._read(expression)
        if self._is_table(target):
            self.entries = {}
            self._update(found)
        elif isinstance(target, ast.Subscript) and self._is_table(target.value):
            key = self._read(target.slice)
            self._update({key: found} if isinstance(key, str) else None)
        elif isinstance(target, ast.Name):
            self._known.pop(target.id, None)
            if is_number(found):
                self._known[target.id] = found

    def _update(self, found: Any) -> None:
        for key, number in found.items() if isinstance(found, dict) else ():
            self.entries.pop(key, None)
            if isinstance(key, str) and is_number(number):
                self.entries[key] = number

    def _read(self, expression: ast.expr) -> Any:
        """Its value, None if it cannot be told. (The statement is put out of shape.)"""
        try:
            return self._value(self.visit(expression))
        except NOT_WRITTEN:
            return None

    def _is_table(self, node: ast.expr) -> bool:
        return isinstance(node, ast.Name) and node.id == self._name

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if self._is_table(node):
            return _dict_of([ast.keyword(k, ast.Constant(v)) for k, v in self.entries.items()])
        return ast.Constant(self._known[node.id]) if node.id in self._known else node

    def visit_Dict(self, node: ast.Dict) -> ast.expr:
        """Dicts within (`{**one, "b": 2}`) become part of it."""
        self.generic_visit(node)
        flat = ast.Dict([], [])
        for key, value in zip(node.keys, node.values, strict=True):
            if key is None and isinstance(value, ast.Dict):
                flat.keys += value.keys
                flat.values += value.values
            else:
                flat.keys.append(key)
                flat.values.append(value)
        return flat

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        if self._is_table(node.value):
            return ast.Constant(self.entries[self._value(node.slice)])
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        self.generic_visit(node)
        if isinstance(node.op, ast.BitOr):
            return self.visit_Dict(ast.Dict([None, None], [node.left, node.right]))
        if isinstance(node.op, ast.Pow):
            base, exponent = self._value(node.left), self._value(node.right)
            if not abs(base) * abs(exponent) <= LARGEST or abs(exponent) > 16:
                raise ValueError("a number that is too large")
            return ast.Constant(base**exponent)
        return node

    def visit_Call(self, node: ast.Call) -> ast.expr:
        called = node.func
        if isinstance(called, ast.Attribute) and self._is_table(called.value):
            if called.attr != "values":
                raise ValueError("a method that is not understood")
            return ast.List([ast.Constant(one) for one in self.entries.values()], ast.Load())
        self.generic_visit(node)
        if not isinstance(called, ast.Name):
            return node
        if called.id == "dict" and not node.args:
            return self.visit_Dict(_dict_of(node.keywords))
        if called.id == "sum" and len(node.args) == 1 and not node.keywords:
            return ast.Constant(sum(self._value(node.args[0])))
        if called.id in self._formulas:
            given = [self._value(one) for one in node.args]
            named = {one.arg or "": self._value(one.value) for one in node.keywords}
            _refuse_large([*given, *named.values()])
            return ast.Constant(self._formulas[called.id](*given, **named))
        return node


def _dict_of(keywords: list[ast.keyword]) -> ast.Dict:
    """`dict(a=1, **b)` as `{"a": 1, **b}`."""
    keys = [None if one.arg is None else ast.Constant(one.arg) for one in keywords]
    return ast.Dict([*keys], [one.value for one in keywords])


def is_number(value: Any) -> bool:
    """A float, or an int that can be one; no bool."""
    return type(value) is float or (type(value) is int and abs(value) < 2**63)


def _refuse_large(given: Any) -> None:
    """Nothing but small numbers, pairs of them included, goes into a formula."""
    for one in given:
        if isinstance(one, (list, tuple)):
            _refuse_large(one)
        elif not isinstance(one, (bool, int, float)) or not abs(one) <= LARGEST:
            raise ValueError("something else than a small number")
