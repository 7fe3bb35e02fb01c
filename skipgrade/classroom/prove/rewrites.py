"""Equivalents of whole lines, functions and names: renamed, split, wrapped, put elsewhere."""

from __future__ import annotations

import ast
import builtins
import copy
import re
from collections.abc import Callable, Iterator

from skipgrade.classroom.prove.cells import SolutionCell, Variant, ancestors, parents

SIMPLE = ast.Assign | ast.AugAssign | ast.Return | ast.Expr
Lines = list[ast.stmt]


def renamed(cell: SolutionCell) -> Iterator[Variant]:
    """Local names, and attributes that no other cell names, are called something else."""
    for index, node in enumerate(ast.walk(cell.tree)):
        if isinstance(node, ast.FunctionDef):
            for name in _locals(node, cell):
                tree = ast.parse(cell.source)
                function = list(ast.walk(tree))[index]
                yield cell.variant("name", _renamed_in(tree, function, name, f"my_{name}"))
    for name in _attributes(cell):
        tree = ast.parse(cell.source)
        for one in ast.walk(tree):
            if isinstance(one, ast.Attribute) and one.attr == name and _is_self(one.value):
                one.attr = f"my_{name}"
        yield cell.variant("attribute", tree)


def _renamed_in(tree: ast.AST, function: ast.AST, old: str, new: str) -> ast.AST:
    for one in ast.walk(function):
        if isinstance(one, ast.Name) and one.id == old:
            one.id = new
    return tree


def _locals(function: ast.FunctionDef, cell: SolutionCell) -> list[str]:
    """Names that the function makes for itself, and no part inside takes as its own."""
    inner = list(ast.walk(function))
    shared = {n for one in inner if isinstance(one, ast.Global | ast.Nonlocal) for n in one.names}
    given = {one.arg for one in inner if isinstance(one, ast.arg)}
    defined = {one.name for one in inner if isinstance(one, ast.FunctionDef | ast.ClassDef)}
    made = [
        one.id
        for one in inner
        if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store) and cell.owns(one)
    ]
    return [name for name in dict.fromkeys(made) if name not in shared | given | defined]


def _attributes(cell: SolutionCell) -> list[str]:
    kept = [
        one.attr
        for one in ast.walk(cell.tree)
        if isinstance(one, ast.Attribute)
        and isinstance(one.ctx, ast.Store)
        and _is_self(one.value)
        and cell.owns(one)
    ]
    inherits = any(isinstance(one, ast.ClassDef) and _own_base(one) for one in ast.walk(cell.tree))
    free = [name for name in kept if not re.search(rf"\b{name}\b", cell.elsewhere)]
    return [] if inherits else list(dict.fromkeys(free))


def _own_base(node: ast.ClassDef) -> bool:
    return any(isinstance(base, ast.Name) for base in node.bases)


def _is_self(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and node.id == "self"


def value_first(one: ast.stmt) -> Iterator[Lines]:
    """`return f(g(x))` is `value = f(g(x)); return value`, or `value = g(x); return f(value)`."""
    if not isinstance(one, ast.Return | ast.Assign) or one.value is None:
        return
    if isinstance(one, ast.Return):
        yield [_assign("my_value", one.value), ast.Return(_name("my_value"))]
    outer = one.value
    if isinstance(outer, ast.Call) and outer.args and isinstance(outer.args[0], ast.Call):
        changed = copy.copy(one)
        changed.value = ast.Call(outer.func, [_name("my_value"), *outer.args[1:]], outer.keywords)
        yield [_assign("my_value", outer.args[0]), changed]
    elif isinstance(outer, ast.BinOp) and isinstance(outer.left, ast.Call | ast.BinOp):
        changed = copy.copy(one)
        changed.value = ast.BinOp(_name("my_value"), outer.op, outer.right)
        yield [_assign("my_value", outer.left), changed]


def branched(one: ast.stmt) -> Iterator[Lines]:
    """`return a if c else b` in four lines."""
    if isinstance(one, ast.Return | ast.Assign) and isinstance(one.value, ast.IfExp):
        sides = []
        for value in (one.value.body, one.value.orelse):
            side = copy.copy(one)
            side.value = value
            sides.append(side)
        yield [ast.If(one.value.test, [sides[0]], [sides[1]])]


def added_up(one: ast.stmt) -> Iterator[Lines]:
    """`x += y` is `x = x + y`."""
    if isinstance(one, ast.AugAssign) and isinstance(one.target, ast.Name):
        yield [_assign(one.target.id, ast.BinOp(_name(one.target.id), one.op, one.value))]


def one_by_one(one: ast.stmt) -> Iterator[Lines]:
    """`a, b = 1, 2` in two lines, where no value needs what the line sets."""
    if not isinstance(one, ast.Assign) or not isinstance(one.value, ast.Tuple):
        return
    target = one.targets[0]
    if isinstance(target, ast.Tuple) and all(isinstance(t, ast.Name) for t in target.elts):
        set_here = {t.id for t in target.elts if isinstance(t, ast.Name)}
        taken = {n.id for n in ast.walk(one.value) if isinstance(n, ast.Name)}
        if len(target.elts) == len(one.value.elts) and not set_here & taken:
            pairs = zip(target.elts, one.value.elts, strict=True)
            yield [ast.Assign([place], value) for place, value in pairs]


def looped(one: ast.stmt) -> Iterator[Lines]:
    """A list made in a loop: `xs = []`, then `xs.append(...)`."""
    if not isinstance(one, ast.Assign) or not isinstance(one.value, ast.ListComp):
        return
    target, made = one.targets[0], one.value
    if isinstance(target, ast.Name) and len(made.generators) == 1:
        (each,) = made.generators
        append = ast.Call(ast.Attribute(_name(target.id), "append", ast.Load()), [made.elt], [])
        body: Lines = [ast.Expr(append)]
        for test in reversed(each.ifs):
            body = [ast.If(test, body, [])]
        yield [
            _assign(target.id, ast.List([], ast.Load())),
            ast.For(each.target, each.iter, body, []),
        ]


def listed_first(one: ast.stmt) -> Iterator[Lines]:
    """`self.f = nn.Sequential(a, b)` from a list of layers."""
    if (
        isinstance(one, ast.Assign)
        and isinstance(one.value, ast.Call)
        and ast.unparse(one.value.func) == "nn.Sequential"
        and one.value.args
    ):
        starred = ast.Starred(_name("my_layers"), ast.Load())
        made = ast.Call(one.value.func, [starred], [])
        yield [
            _assign("my_layers", ast.List(one.value.args, ast.Load())),
            ast.Assign(one.targets, made),
        ]


def other_context(one: ast.stmt) -> Iterator[Lines]:
    """`torch.inference_mode()` for `torch.no_grad()`, and the switch by hand."""
    if isinstance(one, ast.With) and ast.unparse(one.items[0]) == "torch.no_grad()":
        for other in ("torch.inference_mode()", "torch.set_grad_enabled(False)"):
            context = ast.withitem(ast.parse(other, mode="eval").body, None)
            yield [ast.With([context], one.body)]


def harmless(one: ast.stmt) -> Iterator[Lines]:
    """Lines that do nothing for the answer stand before it."""
    if isinstance(one, SIMPLE):
        for extra in ("print('here')", "unused = None", "assert True"):
            yield [*ast.parse(extra).body, one]
        if one.col_offset:  # what is written down is looked for where no condition stands
            yield [ast.If(ast.Constant(True), [one], [])]


def typed(one: ast.stmt) -> Iterator[Lines]:
    """`x = 1` with its type."""
    if not isinstance(one, ast.Assign) or not isinstance(one.value, ast.Constant):
        return
    if len(one.targets) == 1 and isinstance(one.targets[0], ast.Name):
        kind = _name(type(one.value.value).__name__)
        yield [ast.AnnAssign(one.targets[0], kind, one.value, 1)]


REWRITES: dict[str, Callable[[ast.stmt], Iterator[Lines]]] = {
    "variable": value_first,
    "if": branched,
    "assignment": added_up,
    "unpacking": one_by_one,
    "loop": looped,
    "layers": listed_first,
    "context": other_context,
    "harmless": harmless,
    "type": typed,
}


def rewrites(cell: SolutionCell) -> Iterator[Variant]:
    """Every rewriting of lines, functions and names."""
    for every in (renamed, rewritten, helped, registered_otherwise):
        yield from every(cell)


def rewritten(cell: SolutionCell) -> Iterator[Variant]:
    """One statement of the students' as other statements."""
    for index, node in enumerate(ast.walk(cell.tree)):
        if isinstance(node, ast.stmt) and cell.owns(node):
            for how, rewrite in REWRITES.items():
                for new in rewrite(node):
                    yield cell.changed(how, index, _several(new))


def _several(lines: Lines) -> ast.AST:
    """Statements in the place of one: in a tree that is only written down, a module may stand."""
    return lines[0] if len(lines) == 1 else ast.Module(lines, [])


def helped(cell: SolutionCell) -> Iterator[Variant]:
    """What a function returns is worked out by another function, made for it."""
    holders = parents(cell.tree)
    for index, node in enumerate(ast.walk(cell.tree)):
        if not isinstance(node, ast.Return) or node.value is None or not cell.owns(node):
            continue
        function = holders[node]
        if not isinstance(function, ast.FunctionDef) or _nested(function, holders):
            continue
        arguments = _taken_of(node.value, function)
        told = ", ".join(arguments)
        tree = ast.parse(cell.source)
        old = list(ast.walk(tree))[index]
        assert isinstance(old, ast.Return)
        helper = ast.parse(f"def my_helper({told}):\n    return 0").body[0]
        assert isinstance(helper, ast.FunctionDef)
        helper.body = [ast.Return(old.value)]
        old.value = ast.parse(f"my_helper({told})", mode="eval").body
        place = next(n for n, one in enumerate(tree.body) if old in ast.walk(one))
        tree.body.insert(place, helper)
        yield cell.variant("helper", tree)


def _nested(function: ast.AST, holders: dict[ast.AST, ast.AST]) -> bool:
    return any(isinstance(one, ast.FunctionDef) for one in ancestors(holders[function], holders))


def _taken_of(value: ast.AST, function: ast.FunctionDef) -> list[str]:
    """The names of the function's own that an expression takes."""
    inner = list(ast.walk(function))
    own = {one.arg for one in inner if isinstance(one, ast.arg)}
    own |= {n.id for n in inner if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    own |= {one.name for one in inner if isinstance(one, ast.FunctionDef) and one is not function}
    within = {
        n.id for n in ast.walk(value) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
    }
    taken = [n.id for n in ast.walk(value) if isinstance(n, ast.Name) and n.id in own - within]
    return [name for name in dict.fromkeys(taken) if not hasattr(builtins, name)]


def registered_otherwise(cell: SolutionCell) -> Iterator[Variant]:
    """Layers registered in another order: two neighbours of `__init__` change places."""
    for index, node in enumerate(ast.walk(cell.tree)):
        if isinstance(node, ast.FunctionDef) and node.name == "__init__":
            for place in range(1, len(node.body)):
                pair = node.body[place - 1 : place + 1]
                if all(cell.owns(one) and _registers(one) for one in pair) and _apart(*pair):
                    new = copy.copy(node)
                    new.body = [*node.body[: place - 1], *pair[::-1], *node.body[place + 1 :]]
                    yield cell.changed("order", index, new)


def _registers(one: ast.stmt) -> bool:
    return (
        isinstance(one, ast.Assign)
        and len(one.targets) == 1
        and isinstance(one.targets[0], ast.Attribute)
        and _is_self(one.targets[0].value)
    )


def _apart(one: ast.stmt, other: ast.stmt) -> bool:
    """Neither names what the other sets."""
    texts = [(ast.unparse(s.targets[0]), ast.unparse(s)) for s in (one, other)]  # type: ignore[attr-defined]
    (first, told), (second, told_next) = texts
    return first not in told_next and second not in told


def _name(name: str) -> ast.Name:
    return ast.Name(name, ast.Load())


def _assign(name: str, value: ast.expr) -> ast.Assign:
    return ast.Assign([ast.Name(name, ast.Store())], value)
