"""[judge's kernel, student's kernel] Plain data to JSON and tensors, and back. Nothing else
crosses between two kernels.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

DEPTH = 20
PLAIN = frozenset([bool, int, str, type(None)])
ENTRIES = 2_000  # of a dict: keys can be made to collide, and then cost their number squared


class NotPlainDataError(Exception):
    """A value that is not made of numbers, text, tensors, lists and dicts."""


def encode(value: Any) -> tuple[Any, dict[str, Tensor]]:
    """`value` as a JSON tree and the tensors the tree refers to by name."""
    tensors: dict[str, Tensor] = {}
    return _encode(value, tensors, DEPTH), tensors


def _encode(value: Any, tensors: dict[str, Tensor], depth: int) -> Any:
    if depth == 0:
        raise NotPlainDataError(f"nested more than {DEPTH} deep")
    kind = type(value)
    if kind in PLAIN:
        return value
    if kind is float:
        return value if math.isfinite(value) else {"float": repr(value)}
    if kind in (list, tuple, torch.Size):
        items = [_encode(item, tensors, depth - 1) for item in value]
        return {"list" if kind is list else "tuple": items}
    if isinstance(value, dict):
        if len(value) > ENTRIES:
            raise NotPlainDataError(f"a dict of more than {ENTRIES:,} entries")
        pairs = [[_encode(part, tensors, depth - 1) for part in pair] for pair in value.items()]
        return {"dict": pairs}
    if isinstance(value, np.generic):
        return _encode(value.item(), tensors, depth)
    if isinstance(value, np.ndarray):
        value = _tensor_from(value)
    if isinstance(value, Tensor):
        name = f"t{len(tensors)}"
        tensors[name] = value.detach().cpu().clone(memory_format=torch.contiguous_format)
        return {"tensor": name}
    if isinstance(value, (torch.dtype, torch.device)):
        return str(value)
    raise NotPlainDataError(f"a {kind.__name__} is not plain data")


def _tensor_from(array: np.ndarray) -> Tensor:
    try:
        return torch.from_numpy(np.ascontiguousarray(array))
    except TypeError as error:
        raise NotPlainDataError(f"an array of {array.dtype} is not plain data") from error


def decode(tree: Any, tensors: dict[str, Tensor], depth: int = DEPTH) -> Any:
    """The value behind a tree that `encode` wrote; `NotPlainDataError` for any other tree."""
    if depth == 0:
        raise NotPlainDataError(f"nested more than {DEPTH} deep")
    if tree is None or type(tree) in (bool, int, float, str):
        return tree
    if type(tree) is not dict or len(tree) != 1:
        raise NotPlainDataError("a malformed answer")
    ((kind, content),) = tree.items()
    if kind == "float" and content in ("nan", "inf", "-inf"):
        return float(content)
    if kind == "tensor" and type(content) is str and content in tensors:
        return tensors[content]
    if kind in ("list", "tuple") and type(content) is list:
        items = [decode(item, tensors, depth - 1) for item in content]
        return items if kind == "list" else tuple(items)
    if kind == "dict" and type(content) is list:
        return _decode_pairs(content, tensors, depth)
    raise NotPlainDataError("a malformed answer")


def _decode_pairs(pairs: list[Any], tensors: dict[str, Tensor], depth: int) -> dict[Any, Any]:
    if len(pairs) > ENTRIES:
        raise NotPlainDataError(f"a dict of more than {ENTRIES:,} entries")
    out = {}
    for pair in pairs:
        if type(pair) is not list or len(pair) != 2:
            raise NotPlainDataError("a malformed answer")
        key, value = (decode(part, tensors, depth - 1) for part in pair)
        if not isinstance(key, (bool, int, float, str, tuple, type(None))):
            raise NotPlainDataError("a key that is neither a number nor text")
        try:
            out[key] = value
        except TypeError as error:
            raise NotPlainDataError("a key that is neither a number nor text") from error
    return out
