"""[student's kernel, judge's kernel] A model or function as a program: its steps, not results."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from skipgrade.judging.programs.recording import NotRecordableError, record, twin
from skipgrade.judging.questions.values import evaluate
from skipgrade.lab.lazy import settle

SIZES = (3, 5)  # what changes from one to the other goes with the batch size

Form = list[Any]  # [shape, dtype] of an input
Fresh = Callable[[], tuple[Callable[..., Any], nn.Module | None]]


def program(
    namespace: dict[str, Any], expression: str, forms: list[Form], of: str | None = None
) -> dict[str, Any]:
    """Recordings of what `expression` gives, in eval and in train mode, for inputs like `forms`.

    Two of each, of different batch sizes; where that does not work, of the size in `forms`, which
    "one size" then says. With `of`, `expression` is a function of that model and the inputs.
    """
    fresh = _target(namespace, expression, forms, of)
    with torch.random.fork_rng(devices=[]):
        try:
            return _both_modes(fresh, [_inputs(forms, size) for size in SIZES])
        except NotRecordableError as error:
            return {"unrecordable": str(error)}
        except Exception:  # batches of these sizes may be what it cannot do
            return one_size(namespace, expression, forms, of)


def one_size(
    namespace: dict[str, Any], expression: str, forms: list[Form], of: str | None = None
) -> dict[str, Any]:
    """The same for the batch size of `forms` alone."""
    fresh = _target(namespace, expression, forms, of)
    with torch.random.fork_rng(devices=[]):
        try:
            found = _both_modes(fresh, [_inputs(forms, None) for _ in SIZES])
        except NotRecordableError as error:
            return {"unrecordable": str(error)}
    return {**found, "one size": True}


def _target(namespace: dict[str, Any], expression: str, forms: list[Form], of: str | None) -> Fresh:
    """What to call, and the model whose weights it uses: one that nobody has looked into yet, as
    a function may leave a hook in it, which would take its own steps in the next call."""
    target = evaluate(namespace, expression, {})
    if not callable(target):
        raise TypeError(f"this is a {type(target).__name__}, which cannot be called")
    if of is not None:
        return functools.partial(_bound, target, _module(namespace, of))
    if isinstance(target, nn.Module):
        settle(target, _inputs(forms, None))
        own = twin(target)
        return lambda: (own, own)
    return lambda: (target, None)


def _bound(
    function: Callable[..., Any], model: nn.Module
) -> tuple[Callable[..., Any], nn.Module | None]:
    own = twin(model)
    return functools.partial(function, own), own


def _both_modes(fresh: Fresh, inputs: list[list[Tensor]]) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for mode in ("eval", "train"):
        calls = [(*fresh(), given) for given in inputs]
        if mode == "eval" or calls[0][1] is not None:
            told[mode] = [
                record(target, given, train=mode == "train", owner=owner)
                for target, owner, given in calls
            ]
    return told


def _inputs(forms: Sequence[Form], size: int | None) -> list[Tensor]:
    batch = forms[0][0][0] if forms and forms[0][0] else None
    inputs = []
    for shape, dtype in forms:
        sides = list(shape)
        if size is not None and sides and sides[0] == batch:
            sides[0] = size
        kind = getattr(torch, dtype)
        inputs.append(
            torch.randn(sides).to(kind)
            if kind.is_floating_point
            else torch.zeros(sides, dtype=kind)
        )
    return inputs


def _module(namespace: dict[str, Any], expression: str) -> nn.Module:
    found = evaluate(namespace, expression, {})
    if not isinstance(found, nn.Module):
        raise TypeError(f"this is a {type(found).__name__}, not an nn.Module")
    return found
