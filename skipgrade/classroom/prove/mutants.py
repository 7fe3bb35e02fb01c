"""Mutants: the solution with one constant, operator, layer, argument, name or line changed.

mutmut, cosmic-ray and mutatest were looked at: their operators know no layers, arguments or lines,
and each brings twenty packages. Python's own `ast` is all that this takes.
"""

from __future__ import annotations

import ast
import copy
import re
from collections.abc import Callable, Iterator

from skipgrade.classroom.prove.cells import (
    SolutionCell,
    Variant,
    ancestors,
    distinct,
    parents,
    same_code,
)
from skipgrade.classroom.prove.meanings import Names, is_default, places

# What a cell may use instead: as likely as not a student's slip.
OTHER_NAMES = {
    "ReLU": ("Sigmoid", "Identity"), "relu": ("sigmoid",), "sigmoid": ("tanh",),
    "MaxPool2d": ("AvgPool2d",), "AvgPool2d": ("MaxPool2d",), "max_pool2d": ("avg_pool2d",),
    "avg_pool2d": ("max_pool2d",), "AdaptiveAvgPool2d": ("AdaptiveMaxPool2d",),
    "adaptive_avg_pool2d": ("adaptive_max_pool2d",), "BatchNorm2d": ("InstanceNorm2d",),
    "BatchNorm1d": ("Identity",), "Dropout": ("Identity", "Dropout2d"), "Identity": ("ReLU",),
    "train": ("eval",), "eval": ("train",), "mean": ("sum",), "sum": ("mean",), "min": ("max",),
    "max": ("min",), "argmax": ("argmin",), "rand": ("randn",), "zeros": ("ones",),
    "ones": ("zeros",), "zeros_": ("ones_",), "round": ("int",), "all": ("any",), "any": ("all",),
    "kaiming_normal_": ("kaiming_uniform_", "xavier_normal_"), "SGD": ("Adam",),
    "CrossEntropyLoss": ("NLLLoss",), "no_grad": ("enable_grad",), "height": ("width",),
    "RandomHorizontalFlip": ("RandomVerticalFlip",), "RandomCrop": ("CenterCrop",),
    "MultiStepLR": ("StepLR",), "parameters": ("buffers",), "numel": ("dim",), "log": ("exp",),
}  # fmt: skip
OTHER_OPERATORS: dict[type[ast.AST], tuple[type[ast.AST], ...]] = {
    ast.Add: (ast.Sub, ast.Mult), ast.Sub: (ast.Add,), ast.Mult: (ast.Add, ast.Div),
    ast.Div: (ast.Mult,), ast.FloorDiv: (ast.Mult, ast.Mod), ast.Mod: (ast.FloorDiv,),
    ast.Pow: (ast.Mult,), ast.Lt: (ast.LtE, ast.Gt), ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.Lt), ast.GtE: (ast.Gt, ast.Lt), ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,), ast.Is: (ast.IsNot,), ast.IsNot: (ast.Is,), ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,), ast.And: (ast.Or,), ast.Or: (ast.And,),
}  # fmt: skip
# What only changes how a figure looks, or what is printed.
LOOKS = {
    "figsize", "layout", "alpha", "markersize", "marker", "title", "suptitle", "label", "color",
    "colour", "fontsize", "cmap", "linewidth", "linestyle", "xlabel", "ylabel", "style",
    "width_ratios", "dpi", "rotation", "zorder", "loc", "lw", "ls",
}  # fmt: skip
ALIKE = {*LOOKS, "strict"}  # `zip(..., strict=True)` differs where something is wrong already
SHOWS = {"print", "grid", "set", "set_title", "suptitle", "close", "set_params", "legend", "text"}
TOLD = ast.Raise | ast.JoinedStr | ast.Assert

Operator = Callable[[ast.AST, "Around"], Iterator[ast.AST]]


class Around:
    """What a mutation may look up about a cell."""

    def __init__(self, cell: SolutionCell, names: Names) -> None:
        self.meanings = names
        self.holders = parents(cell.tree)
        self.nodes = list(ast.walk(cell.tree))
        keys = (_key(node) for node in self.nodes)
        self.keys = list(dict.fromkeys(key for key in keys if key is not None))

    def names(self, node: ast.AST) -> list[str]:
        """The local names of the function that holds the node."""
        for one in ancestors(node, self.holders):
            if isinstance(one, ast.FunctionDef):
                inner = list(ast.walk(one))
                given = [arg.arg for arg in inner if isinstance(arg, ast.arg) and arg.arg != "self"]
                made = [
                    name.id
                    for name in inner
                    if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)
                ]
                return list(dict.fromkeys([*given, *made]))
        return []

    def attributes(self) -> list[str]:
        """What the cell's classes keep in `self`."""
        kept = [
            node.attr
            for node in self.nodes
            if isinstance(node, ast.Attribute) and _of_self(node, ast.Store)
        ]
        return list(dict.fromkeys(kept))


def mutants(cell: SolutionCell, names: Names | None = None) -> Iterator[Variant]:
    """Every mutant of the cell that Python does not take for the solution itself."""
    yield from distinct(_all(cell, names or {}), lambda code: same_code(code, cell.code))


def _all(cell: SolutionCell, names: Names) -> Iterator[Variant]:
    around = Around(cell, names)
    for index, node in enumerate(around.nodes):
        if cell.owns(node) and not _only_shows(node, around.holders):
            for how, operator in OPERATORS.items():
                for new in operator(node, around):
                    yield cell.changed(how, index, new)
        for new in _two_lines_exchanged(cell, node):
            yield cell.changed("order", index, new)


def _two_lines_exchanged(cell: SolutionCell, node: ast.AST) -> Iterator[ast.AST]:
    body = getattr(node, "body", [])
    body = body if isinstance(body, list) else []  # of a lambda it is an expression
    for place in range(1, len(body)):
        pair = body[place - 1 : place + 1]
        if all(cell.owns(one) and _acts(one) for one in pair) and _connected(*pair):
            new = copy.copy(node)
            new.body = [*body[: place - 1], *pair[::-1], *body[place + 1 :]]  # type: ignore[attr-defined]
            yield new


def _acts(one: ast.stmt) -> bool:
    """Neither a definition nor a text for readers."""
    text = isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant)
    return not text and not isinstance(one, ast.FunctionDef | ast.ClassDef)


def _connected(one: ast.stmt, other: ast.stmt) -> bool:
    """Whether their order can matter: one takes what the other sets, or does more than set."""
    if any(isinstance(line, ast.Expr) and _draws(line.value) for line in (one, other)):
        return False
    for line, following in ((one, other), (other, one)):
        if not isinstance(line, ast.Assign | ast.AugAssign):
            return True
        targets = line.targets if isinstance(line, ast.Assign) else [line.target]
        names = [part for target in targets for part in _parts(target)]
        told = ast.unparse(following)
        if any(re.search(rf"(?<![\w.]){re.escape(name)}\b", told) for name in names):
            return True
    return False


def _draws(value: ast.expr) -> bool:
    return isinstance(value, ast.Call) and _called(value) in SHOWS | {"plot"}


def _parts(target: ast.expr) -> list[str]:
    if isinstance(target, ast.Tuple | ast.List):
        return [part for one in target.elts for part in _parts(one)]
    return [ast.unparse(target)]


def _only_shows(node: ast.AST, holders: dict[ast.AST, ast.AST]) -> bool:
    """Whether it decides only what is printed, how a figure looks, or what an error says."""
    for one in ancestors(node, holders):
        if isinstance(one, TOLD):
            return not isinstance(one, ast.Raise) or one is not node
        if isinstance(one, ast.keyword) and one.arg in ALIKE:
            return True
        if isinstance(one, ast.Call) and _called(one) in SHOWS and node is not one:
            return True
        if isinstance(one, ast.stmt) and not isinstance(one, ast.Expr):
            return False
        if isinstance(one, ast.Expr):
            return isinstance(one.value, ast.Call) and _called(one.value) in SHOWS - {"legend"}
    return False


def _called(call: ast.Call) -> str:
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""


def _of_self(node: ast.AST, context: type[ast.expr_context]) -> bool:
    return (
        isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "self"
        and isinstance(node.ctx, context)
    )


def _key(node: ast.AST) -> str | None:
    """A text that is looked up: `history["epoch"]`."""
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        return node.slice.value if isinstance(node.slice.value, str) else None
    return None


def constant(node: ast.AST, around: Around) -> Iterator[ast.AST]:
    if not isinstance(node, ast.Constant):
        return
    value = node.value
    if isinstance(value, bool):
        yield ast.Constant(not value)
    elif isinstance(value, int):
        yield ast.Constant(value + 1)
        if value > 0:
            yield ast.Constant(value - 1)
    elif isinstance(value, float):
        yield from map(ast.Constant, (value * 2, value / 2) if value else (1.0,))


def key(node: ast.AST, around: Around) -> Iterator[ast.AST]:
    own = _key(node)
    if own is None or not isinstance(node, ast.Subscript):
        return
    others = [one for one in around.keys if one != own]
    for other in others[:2]:
        yield ast.Subscript(node.value, ast.Constant(other), node.ctx)


def operator(node: ast.AST, around: Around) -> Iterator[ast.AST]:
    if isinstance(node, ast.BinOp | ast.AugAssign | ast.BoolOp):
        for other in OTHER_OPERATORS.get(type(node.op), ()):
            new = copy.deepcopy(node)
            new.op = other()  # type: ignore[assignment]
            yield new
    if isinstance(node, ast.Compare):
        for other in OTHER_OPERATORS.get(type(node.ops[0]), ()):
            yield ast.Compare(node.left, [other(), *node.ops[1:]], node.comparators)  # type: ignore[list-item]
    if isinstance(node, ast.BinOp):
        yield node.left
        yield node.right
    if isinstance(node, ast.BoolOp):
        yield from node.values
    if isinstance(node, ast.UnaryOp):
        yield node.operand


def branch(node: ast.AST, around: Around) -> Iterator[ast.AST]:
    if isinstance(node, ast.IfExp):
        yield ast.IfExp(node.test, node.orelse, node.body)
        yield node.body
        yield node.orelse
    elif isinstance(node, ast.If):
        for test in (ast.UnaryOp(ast.Not(), node.test), ast.Constant(True), ast.Constant(False)):
            yield ast.If(test, node.body, node.orelse)
    elif isinstance(node, ast.comprehension) and node.ifs:
        yield ast.comprehension(node.target, node.iter, node.ifs[1:], node.is_async)


def layer(node: ast.AST, around: Around) -> Iterator[ast.AST]:
    """Another layer or function in the place of one."""
    if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
        for other in OTHER_NAMES.get(node.attr, ()):
            yield ast.Attribute(node.value, other, ast.Load())
    elif isinstance(node, ast.Name) and isinstance(around.holders.get(node), ast.Call):
        yield from (ast.Name(other, ast.Load()) for other in OTHER_NAMES.get(node.id, ()))


def call(node: ast.AST, around: Around) -> Iterator[ast.AST]:
    """A call left out: `f(x)` and `x.f()` become `x`."""
    if not isinstance(node, ast.Call):
        return
    if node.args and not isinstance(node.args[0], ast.Constant | ast.Starred | ast.GeneratorExp):
        yield node.args[0]
    if isinstance(node.func, ast.Attribute) and not isinstance(node.func.value, ast.Name):
        yield node.func.value


def argument(node: ast.AST, around: Around) -> Iterator[ast.AST]:
    """An argument left out, or exchanged with its neighbour."""
    if not isinstance(node, ast.Call):
        return
    for place, one in enumerate(node.keywords):
        if one.arg not in ALIKE and not is_default(node, one.arg, one.value, around.meanings):
            rest = [*node.keywords[:place], *node.keywords[place + 1 :]]
            yield ast.Call(node.func, node.args, rest)
    there = places(node, around.meanings)
    for changed in _shorter_and_exchanged(node.args):
        last = len(changed)
        without_last = last < len(node.args) and changed == node.args[:last]
        if without_last and is_default(node, there.get(last), node.args[last], around.meanings):
            continue
        yield ast.Call(node.func, changed, node.keywords)


def element(node: ast.AST, around: Around) -> Iterator[ast.AST]:
    """An element of a list left out, or exchanged with its neighbour."""
    if isinstance(node, ast.List | ast.Tuple) and isinstance(node.ctx, ast.Load):
        for changed in _shorter_and_exchanged(node.elts):
            yield type(node)(changed, node.ctx)


def _shorter_and_exchanged(items: list[ast.expr]) -> Iterator[list[ast.expr]]:
    for place in range(len(items)):
        yield [*items[:place], *items[place + 1 :]]
        if place and ast.dump(items[place]) != ast.dump(items[place - 1]):
            pair = [items[place], items[place - 1]]
            yield [*items[: place - 1], *pair, *items[place + 1 :]]


def name(node: ast.AST, around: Around) -> Iterator[ast.AST]:
    """Another name of the same function, or another attribute of the same class."""
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
        names = around.names(node)
        if node.id in names and len(names) > 1:
            yield ast.Name(names[(names.index(node.id) + 1) % len(names)], ast.Load())
    elif isinstance(node, ast.Attribute) and _of_self(node, ast.Load):
        kept = around.attributes()
        if node.attr in kept and len(kept) > 1:
            other = kept[(kept.index(node.attr) + 1) % len(kept)]
            yield ast.Attribute(node.value, other, ast.Load())


def line(node: ast.AST, around: Around) -> Iterator[ast.AST]:
    """A line left out; a value that is not returned."""
    if isinstance(node, ast.Return) and node.value is not None:
        yield ast.Return(None)
    elif isinstance(node, ast.stmt) and _acts(node) and not isinstance(node, ast.Pass):
        yield ast.Pass()


OPERATORS: dict[str, Operator] = {
    "constant": constant,
    "key": key,
    "operator": operator,
    "branch": branch,
    "layer": layer,
    "call": call,
    "argument": argument,
    "element": element,
    "name": name,
    "line": line,
}
