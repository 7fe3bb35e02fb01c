"""[judge's kernel] Are two plain values the same? Strict about kinds, tolerant about rounding."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from skipgrade.judging.checks.asking import brief

ENTRY = " (entry "
Difference = tuple[str, str]  # what is expected, in words that do not give it away, and what came


def difference(expected: Any, got: Any, tolerance: float) -> Difference | None:
    """Where `got` differs; None when it does not."""
    if isinstance(expected, Tensor) or isinstance(got, Tensor):
        return _tensors(expected, got, tolerance)
    if _number(expected) and _number(got):
        return None if _close(expected, got, tolerance) else ("the reference's number", brief(got))
    if isinstance(expected, (list, tuple)) and isinstance(got, (list, tuple)):
        return _sequences(expected, got, tolerance)
    if isinstance(expected, dict) and isinstance(got, dict):
        return _dicts(expected, got, tolerance)
    if type(expected) is not type(got):
        return _kind(expected), brief(got)
    return None if expected == got else ("the reference's value", brief(got))


def _tensors(expected: Any, got: Any, tolerance: float) -> Difference | None:
    if isinstance(expected, Tensor) and expected.ndim == 0 and _number(got):
        got = torch.tensor(float(got))
    if isinstance(got, Tensor) and got.ndim == 0 and _number(expected):
        expected = torch.tensor(float(expected))
    if not (isinstance(expected, Tensor) and isinstance(got, Tensor)):
        return _kind(expected), brief(got)
    if expected.shape != got.shape:
        return f"a tensor of shape {tuple(expected.shape)}", brief(got)
    gap = largest_gap(expected, got)
    scale = float(expected.double().abs().max()) if expected.numel() else 0.0
    if gap <= tolerance * (1 + scale):
        return None
    return f"the reference's values (within {tolerance:g})", f"values off by up to {gap:.3g}"


def largest_gap(expected: Tensor, got: Tensor) -> float:
    """The largest difference; infinite where one is not a number and the other is."""
    if not expected.numel():
        return 0.0
    one, other = expected.double(), got.double()
    same = (one == other) | (one.isnan() & other.isnan())
    gaps = torch.where(same, torch.zeros_like(one), (one - other).abs())
    return float(torch.where(gaps.isnan(), torch.full_like(gaps, math.inf), gaps).max())


def _sequences(expected: Any, got: Any, tolerance: float) -> Difference | None:
    if len(expected) != len(got):
        return f"{len(expected)} entries", f"{len(got)} entries"
    for index, pair in enumerate(zip(expected, got, strict=True)):
        if found := difference(*pair, tolerance):
            what, _, within = found[0].partition(ENTRY)
            place = f"{index + 1} of {len(expected)}{', there ' + within if within else ''}"
            return f"{what}{ENTRY}{place.removesuffix(')')})", found[1]
    return None


def _dicts(expected: dict[Any, Any], got: dict[Any, Any], tolerance: float) -> Difference | None:
    if missing := [key for key in expected if key not in got]:
        return f"an entry for {missing[0]!r}", "no such entry"
    if extra := [key for key in got if key not in expected]:
        return f"{len(expected)} entries", f"one more, for {brief(extra[0])}"
    for key, value in expected.items():
        if found := difference(value, got[key], tolerance):
            return f"{found[0]} for {key!r}", found[1]
    return None


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _close(expected: float, got: float, tolerance: float) -> bool:
    if math.isnan(expected) or math.isnan(got):
        return math.isnan(expected) and math.isnan(got)
    if math.isinf(expected) or math.isinf(got):
        return expected == got
    return abs(expected - got) <= tolerance * (1 + abs(expected))


def _kind(value: Any) -> str:
    names = {
        "bool": "True or False", "int": "a number", "float": "a number", "str": "text",
        "NoneType": "None", "list": "a list", "tuple": "a tuple", "dict": "a dict",
        "Tensor": "a tensor",
    }  # fmt: skip
    return names.get(type(value).__name__, type(value).__name__)
