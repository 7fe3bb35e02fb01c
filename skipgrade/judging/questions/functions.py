"""[judge's kernel, student's kernel] What a model or a function computes when it carries agreed
weights: outputs and gradients.
"""

from __future__ import annotations

import contextlib
import copy
import functools
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from skipgrade.judging.questions.tracing import fill, named_slots, record
from skipgrade.judging.questions.values import evaluate
from skipgrade.lab.lazy import settle

DOUBLE = torch.float64


def function(
    namespace: dict[str, Any],
    expression: str,
    arrays: dict[str, Tensor],
    *,
    seed: int,
    scheme: str,
    without: list[str],
    train: bool,
    precision: str | None = None,
) -> dict[str, Any]:
    """Build what `expression` names, give it the seed's weights, and call it with `arrays`.

    Computes in float64. Where that raises (a model may insist on float32, in words that are
    torch's own affair) it computes in float32 and says so, or raises what comes then.
    """
    torch.manual_seed(seed)
    target = evaluate(namespace, expression, {})
    if not callable(target):
        raise TypeError(f"this is a {type(target).__name__}, which cannot be called")
    respond = functools.partial(_respond, target, arrays, seed, scheme, set(without), train)
    if precision != "float32":
        with contextlib.suppress(RuntimeError):
            return respond(DOUBLE)
    return respond(torch.float32)


def _respond(
    target: Callable[..., Any],
    arrays: dict[str, Tensor],
    seed: int,
    scheme: str,
    without: set[str],
    train: bool,
    dtype: torch.dtype,
) -> dict[str, Any]:
    inputs = [x.to(dtype) if x.is_floating_point() else x for x in arrays.values()]
    slots = []
    layers: list[str] = []
    if isinstance(target, nn.Module):
        settle(target, list(arrays.values()))
        target = copy.deepcopy(target).to("cpu", dtype)
        for parameter in target.parameters():
            parameter.requires_grad_(True)
        uses = record(target, inputs)
        slots = named_slots(uses, scheme)
        layers = [use.describe() for use in uses]
        fill(slots, seed, without)
        target.train(train)
    torch.manual_seed(seed)
    inputs = [x.clone().requires_grad_(x.is_floating_point()) for x in inputs]
    # Non-leaf copies, so that a function working in place on its input does not trip autograd.
    result = target(*[x.clone() if x.is_floating_point() else x for x in inputs])
    outputs = _floating(result)
    wanted = {s.key: s.tensor for s in slots if s.tensor.requires_grad}
    gradients = _gradients(
        outputs, [*wanted.values(), *(x for x in inputs if x.requires_grad)], seed
    )
    return {
        "precision": "float64" if dtype is DOUBLE else "float32",
        "keys": {slot.key: slot.role for slot in slots},
        "layers": layers,
        "outputs": outputs,
        "gradients": dict(zip(wanted, gradients, strict=False)),
        "input gradients": gradients[len(wanted) :],
    }


def _floating(result: Any) -> list[Tensor]:
    if isinstance(result, Tensor):
        return [result]
    if isinstance(result, (list, tuple)):
        return [tensor for item in result for tensor in _floating(item)]
    if isinstance(result, dict):
        return [tensor for item in result.values() for tensor in _floating(item)]
    raise TypeError(f"calling it gives a {type(result).__name__}, not a tensor")


def _gradients(outputs: list[Tensor], wanted: list[Tensor], seed: int) -> list[Tensor]:
    """Gradients of a seeded weighted sum of the outputs; zeros where nothing flows."""
    generator = torch.Generator().manual_seed(seed)
    total = torch.zeros((), dtype=DOUBLE)
    for output in outputs:
        pattern = torch.randn(output.shape, generator=generator, dtype=DOUBLE)
        if output.is_floating_point() and output.requires_grad:
            total = total + (output * pattern).sum()
    if not wanted or not total.requires_grad:
        return [torch.zeros_like(tensor) for tensor in wanted]
    found = torch.autograd.grad(total, wanted, allow_unused=True)
    return [
        torch.zeros_like(tensor) if gradient is None else gradient
        for tensor, gradient in zip(wanted, found, strict=True)
    ]
