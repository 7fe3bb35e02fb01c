"""Equivalents: the solution as other people would write it, which means the same.

Each rule here changes one expression; those of whole lines and names are in `rewrites`. Where a
rule needs to know what a name stands for, it looks into the notebook that has been run.
"""

from __future__ import annotations

import ast
import random
from collections.abc import Callable, Iterator, Sequence

from skipgrade.classroom.prove.cells import (
    BEGIN,
    END,
    SolutionCell,
    Variant,
    distinct,
    runs_as_python,
)
from skipgrade.classroom.prove.meanings import Names, from_torch, meant, parameters, places
from skipgrade.classroom.prove.rewrites import rewrites

# How often two rules are tried together, where one alone gives too few.
TRIES = 20
TOGETHER = 4  # second rules for one first

Rule = Callable[[ast.AST, Names], Iterator[ast.AST]]

FLIPPED: dict[type[ast.AST], type[ast.cmpop]] = {
    ast.Lt: ast.Gt, ast.Gt: ast.Lt, ast.LtE: ast.GtE, ast.GtE: ast.LtE, ast.Eq: ast.Eq,
    ast.NotEq: ast.NotEq,
}  # fmt: skip
PAIRED = {"kernel_size", "stride", "padding"}  # of a layer for images: 3 is (3, 3)
FOR_IMAGES = {"Conv2d", "MaxPool2d", "AvgPool2d"}
OLD = {"size_average", "reduce", "verbose", "foreach", "fused", "capturable", "return_indices"}
# Methods of tensors that are functions of torch as well.
METHODS = {"flatten", "flip", "argmax", "abs", "softmax", "clamp", "diagonal", "sigmoid", "relu"}
SAME_FUNCTION = {  # of torch.nn.functional
    "relu": ("torch.relu({x})", "nn.ReLU()({x})", "torch.clamp({x}, min=0)", "({x}).relu()",
             "nn.functional.relu({x})"),
    "max_pool2d": ("nn.MaxPool2d({rest})({x})", "nn.functional.max_pool2d({x}, {rest})"),
    "avg_pool2d": ("nn.AvgPool2d({rest})({x})",),
}  # fmt: skip


def text(node: ast.AST) -> str:
    return ast.unparse(node)


def expression(code: str) -> ast.expr:
    return ast.parse(code, mode="eval").body


def compared(node: ast.AST, names: Names) -> Iterator[ast.AST]:
    """`a < b` is `b > a`, and `not a >= b` where these are numbers."""
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        flipped = FLIPPED.get(type(node.ops[0]))
        if flipped:
            yield ast.Compare(node.comparators[0], [flipped()], [node.left])


def calculated(node: ast.AST, names: Names) -> Iterator[ast.AST]:
    """Numbers worked out, products and sums with a number exchanged, a square as a product."""
    if not isinstance(node, ast.BinOp):
        return
    if all(isinstance(one, ast.BinOp | ast.Constant | ast.operator) for one in ast.walk(node)):
        value = eval(text(node))  # of the course's own notebook, and numbers alone
        if isinstance(value, int | float):
            yield ast.Constant(value)
    numbers = [_is_number(side) for side in (node.left, node.right)]
    if isinstance(node.op, ast.Mult) and any(numbers):
        yield ast.BinOp(node.right, ast.Mult(), node.left)
    if isinstance(node.op, ast.Add) and any(numbers):
        yield ast.BinOp(node.right, ast.Add(), node.left)
    if isinstance(node.op, ast.Pow) and text(node.right) == "2":
        yield ast.BinOp(node.left, ast.Mult(), node.left)
        yield expression(f"pow({text(node.left)}, 2)")
    if isinstance(node.op, ast.Sub) and _is_number(node.right):
        yield ast.BinOp(expression(f"-{text(node.right)}"), ast.Add(), node.left)


def written_out(node: ast.AST, names: Names) -> Iterator[ast.AST]:
    """`0.5` is `1 / 2`, `32` is `2 * 16`."""
    if isinstance(node, ast.Constant) and type(node.value) is float and 0 < node.value < 1:
        below = round(1 / node.value)
        if 1 / below == node.value:
            yield expression(f"1 / {below}")
        yield expression(f"float('{node.value}')")
    elif isinstance(node, ast.Constant) and type(node.value) is int and node.value >= 4:
        if node.value % 2 == 0:
            yield expression(f"2 * {node.value // 2}")
        yield expression(f"{node.value - 1} + 1")


def _is_number(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, int | float)


def chosen(node: ast.AST, names: Names) -> Iterator[ast.AST]:
    """`a if c else b` is `b if not c else a`."""
    if isinstance(node, ast.IfExp):
        yield ast.IfExp(ast.UnaryOp(ast.Not(), node.test), node.orelse, node.body)


def asked_singly(node: ast.AST, names: Names) -> Iterator[ast.AST]:
    """`isinstance(x, (A, B))` is `isinstance(x, A) or isinstance(x, B)`, or `A | B`."""
    if isinstance(node, ast.Call) and text(node.func) == "isinstance":
        thing, kinds = node.args
        if isinstance(kinds, ast.Tuple):
            each = [ast.Call(node.func, [thing, kind], []) for kind in kinds.elts]
            yield ast.BoolOp(ast.Or(), list(each))
            yield ast.Call(node.func, [thing, ast.Tuple(kinds.elts[::-1], ast.Load())], [])


def collected(node: ast.AST, names: Names) -> Iterator[ast.AST]:
    """`[f(x) for x in xs]` is `list(f(x) for x in xs)`; `sum(... for ...)` is `sum([...])`."""
    if isinstance(node, ast.ListComp):
        yield expression(f"list({text(node)[1:-1]})")
    if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.GeneratorExp):
        inner = node.args[0]
        yield ast.Call(node.func, [ast.ListComp(inner.elt, inner.generators)], node.keywords)
    if isinstance(node, ast.DictComp):
        pair = ast.Tuple([node.key, node.value], ast.Load())
        yield ast.Call(ast.Name("dict", ast.Load()), [ast.GeneratorExp(pair, node.generators)], [])


def named_arguments(node: ast.AST, names: Names) -> Iterator[ast.AST]:
    """Arguments by name, by place, in another order, or from a dictionary."""
    if not isinstance(node, ast.Call):
        return
    if len(node.keywords) > 1 and all(one.arg for one in node.keywords):
        yield ast.Call(node.func, node.args, node.keywords[::-1])
    if node.keywords and all(one.arg for one in node.keywords):
        told = ast.Call(ast.Name("dict", ast.Load()), [], node.keywords)
        yield ast.Call(node.func, node.args, [ast.keyword(None, told)])
    there = places(node, names)
    if any(isinstance(arg, ast.Starred) for arg in node.args) or not from_torch(node, names):
        return
    for count in range(len(node.args)):
        if all(name in there for name in range(count, len(node.args))):
            moved = [
                ast.keyword(there[place], node.args[place])
                for place in range(count, len(node.args))
            ]
            yield ast.Call(node.func, node.args[:count], [*moved, *node.keywords])
    following = there.get(len(node.args))
    for one in node.keywords:
        if one.arg == following:
            rest = [other for other in node.keywords if other is not one]
            yield ast.Call(node.func, [*node.args, one.value], rest)


def defaults(node: ast.AST, names: Names) -> Iterator[ast.AST]:
    """A default said openly: `nn.Conv2d(3, 6, 5, stride=1)`."""
    if not isinstance(node, ast.Call) or not from_torch(node, names):
        return
    if any(isinstance(arg, ast.Starred) for arg in node.args) or None in _said(node):
        return
    for place, one in enumerate(parameters(node, names)):
        free = place >= len(node.args) and one.name not in _said(node) and one.name not in OLD
        named = one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)
        if free and named and type(one.default) in (bool, int, float, str):
            said = ast.keyword(one.name, ast.Constant(one.default))
            yield ast.Call(node.func, node.args, [*node.keywords, said])


def _said(node: ast.Call) -> set[str | None]:
    return {one.arg for one in node.keywords}


def in_pairs(node: ast.AST, names: Names) -> Iterator[ast.AST]:
    """`nn.Conv2d(3, 6, 5)` is `nn.Conv2d(3, 6, (5, 5))`."""
    if not isinstance(node, ast.Call) or not from_torch(node, names):
        return
    if not isinstance(node.func, ast.Attribute) or node.func.attr not in FOR_IMAGES:
        return
    there = places(node, names)
    for place, arg in enumerate(node.args):
        if there.get(place) in PAIRED and _simple(arg):
            args = [*node.args[:place], ast.Tuple([arg, arg], ast.Load()), *node.args[place + 1 :]]
            yield ast.Call(node.func, args, node.keywords)
    for one in node.keywords:
        if one.arg in PAIRED and _simple(one.value):
            pair = ast.keyword(one.arg, ast.Tuple([one.value, one.value], ast.Load()))
            rest = [pair if other is one else other for other in node.keywords]
            yield ast.Call(node.func, node.args, rest)


def _simple(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, int)


def longer_names(node: ast.AST, names: Names) -> Iterator[ast.AST]:
    """`nn.ReLU` is `torch.nn.ReLU`, `F.relu` is `torch.nn.functional.relu`."""
    if not isinstance(node, ast.Attribute) or not isinstance(node.value, ast.Name):
        return
    module = getattr(names.get(node.value.id), "__name__", "")
    if module in ("torch.nn", "torch.nn.functional") and "torch" in names:
        yield expression(f"{module}.{node.attr}")


def functions(node: ast.AST, names: Names) -> Iterator[ast.AST]:
    """A function of torch as a layer, a method or another function that does the same."""
    if not isinstance(node, ast.Call) or not node.args:
        return
    x, rest = text(node.args[0]), ", ".join(map(text, [*node.args[1:], *node.keywords]))
    if isinstance(node.func, ast.Attribute) and text(node.func.value) == "F":
        for form in SAME_FUNCTION.get(node.func.attr, ()):
            yield expression(form.format(x=x, rest=rest))
    if text(node.func) == "torch.sigmoid":
        yield expression(f"({x}).sigmoid()")
        yield expression(f"nn.Sigmoid()({x})")
        yield expression(f"1 / (1 + torch.exp(-({x})))")


def methods(node: ast.AST, names: Names) -> Iterator[ast.AST]:
    """`x.flatten(1)` is `torch.flatten(x, 1)`, and what else students write for it."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return
    if meant(node.func.value, names) is not None or "torch" not in names:
        return
    receiver, method = node.func.value, node.func.attr
    if method in METHODS and not (method == "flatten" and text(node)[-3:] != "(1)"):
        args = node.args
        if method == "flip" and args and not isinstance(args[0], ast.List | ast.Tuple):
            args = [ast.List(args, ast.Load())]  # the function, unlike the method, takes no number
        yield ast.Call(expression(f"torch.{method}"), [receiver, *args], node.keywords)
    if text(node).endswith(".flatten(1)"):
        yield expression(f"nn.Flatten()({text(receiver)})")
        if isinstance(receiver, ast.Name):
            yield expression(f"{receiver.id}.reshape({receiver.id}.size(0), -1)")
            yield expression(f"{receiver.id}.view({receiver.id}.shape[0], -1)")
    if method == "item" and not node.args:
        yield expression(f"float({text(receiver)})")


def stacked(node: ast.AST, names: Names) -> Iterator[ast.AST]:
    """`nn.Sequential` from a list, of two halves, and with a layer that does nothing."""
    if not isinstance(node, ast.Call) or not text(node.func).endswith("nn.Sequential"):
        return
    if not node.args:
        return
    listed = ast.Starred(ast.List(node.args, ast.Load()), ast.Load())
    yield ast.Call(node.func, [listed], [])
    yield ast.Call(node.func, [*node.args, expression("nn.Identity()")], [])
    yield ast.Call(node.func, [ast.Call(node.func, node.args, [])], [])
    for cut in range(1, len(node.args)):
        halves = [ast.Call(node.func, part, []) for part in (node.args[:cut], node.args[cut:])]
        yield ast.Call(node.func, list(halves), [])
        inside = ast.Call(node.func, node.args[cut:], [])
        yield ast.Call(node.func, [*node.args[:cut], inside], [])


def in_place(node: ast.AST, names: Names) -> Iterator[ast.AST]:
    """Layers of a stack that overwrite what the layer before has made for them alone."""
    if isinstance(node, ast.Call) and text(node.func) == "nn.Sequential":
        for place, arg in enumerate(node.args):
            if place and text(arg) == "nn.ReLU()":
                args = [*node.args]
                args[place] = expression("nn.ReLU(inplace=True)")
                yield ast.Call(node.func, args, [])


RULES: dict[str, Rule] = {
    "comparison": compared,
    "arithmetic": calculated,
    "constant": written_out,
    "branch": chosen,
    "isinstance": asked_singly,
    "comprehension": collected,
    "arguments": named_arguments,
    "defaults": defaults,
    "pairs": in_pairs,
    "module": longer_names,
    "function": functions,
    "method": methods,
    "Sequential": stacked,
    "in place": in_place,
}


def equivalents(cell: SolutionCell, names: Names) -> Iterator[Variant]:
    """Every equivalent of the cell that one rule gives."""
    yield from distinct(_all(cell, names), lambda code: code == cell.code)


def _all(cell: SolutionCell, names: Names) -> Iterator[Variant]:
    for index, node in enumerate(ast.walk(cell.tree)):
        if cell.owns(node):
            for how, rule in RULES.items():
                for new in rule(node, names):
                    yield cell.changed(how, index, new)
    yield from rewrites(cell)


def combined(
    cells: Sequence[SolutionCell],
    single: Sequence[Variant],
    names: Names,
    wanted: int,
    rng: random.Random,
) -> list[Variant]:
    """So many more, where one rule gives too few: a second rule is applied to what one gave."""
    by_name = {cell.id: cell for cell in cells}
    found: dict[str, Variant] = {}
    for _ in range(TRIES * max(wanted, 0)):
        if len(found) >= wanted:
            break
        first = rng.choice(single)
        cell = by_name[first.cell]
        again = SolutionCell(cell.id, f"{BEGIN}\n{first.code}\n{END}", cell.trains, cell.elsewhere)
        second = list(_all(again, names))
        for one in rng.sample(second, min(len(second), TOGETHER)):
            if one.code != cell.code and runs_as_python(one.code):
                how = f"{first.how}, {one.how}"
                found.setdefault(one.code, Variant(cell.id, how, one.code, cell.code))
    return list(found.values())[: max(wanted, 0)]
