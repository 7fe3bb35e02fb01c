"""[judge's kernel, student's kernel] Plain questions: the value of an expression, the shapes of
what it gives.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def evaluate(namespace: dict[str, Any], expression: str, arrays: dict[str, Any]) -> Any:
    """`expression` in the notebook's namespace, with `arrays` on top and left nowhere behind."""
    return eval(expression, {**namespace, **arrays})


def value(namespace: dict[str, Any], expression: str, arrays: dict[str, Tensor]) -> Any:
    return evaluate(namespace, expression, arrays)


def shapes(namespace: dict[str, Any], expression: str, arrays: dict[str, Tensor]) -> Any:
    with torch.no_grad():
        return _shapes(evaluate(namespace, expression, arrays))


def _shapes(value: Any) -> Any:
    if hasattr(value, "shape"):
        return tuple(int(size) for size in value.shape)
    if isinstance(value, dict):
        return {str(key): _shapes(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_shapes(item) for item in value]
    raise TypeError(f"a {type(value).__name__} has no shape")
