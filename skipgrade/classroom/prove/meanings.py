"""What a name of the solution stands for, in the notebook that has been run."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Mapping
from typing import Any

Names = Mapping[str, Any]


def meant(node: ast.AST, names: Names) -> Any:
    """What a dotted name stands for in the notebook; None where it does not say."""
    if isinstance(node, ast.Name):
        return names.get(node.id)
    if isinstance(node, ast.Attribute):
        return getattr(meant(node.value, names), node.attr, None)
    return None


def from_torch(node: ast.Call, names: Names) -> bool:
    found = meant(node.func, names)
    module = getattr(found, "__module__", "") or ""
    return callable(found) and module.split(".")[0] in ("torch", "torchvision")


def parameters(node: ast.Call, names: Names) -> list[inspect.Parameter]:
    try:
        return list(inspect.signature(meant(node.func, names)).parameters.values())
    except (TypeError, ValueError):
        return []


def places(node: ast.Call, names: Names) -> dict[int, str]:
    both = inspect.Parameter.POSITIONAL_OR_KEYWORD
    told = enumerate(parameters(node, names))
    return {place: one.name for place, one in told if one.kind is both}


def is_default(node: ast.Call, name: str | None, value: ast.expr, names: Names) -> bool:
    """Whether the argument says what the function would take anyway."""
    if not isinstance(value, ast.Constant):
        return False
    given = {one.name: one.default for one in parameters(node, names)}
    return name in given and type(given[name]) is type(value.value) and given[name] == value.value
