"""[judge's kernel] The shapes that the commonest operations make, told without asking torch.

For a tensor that has a shape alone torch takes most steps in Python, which lasts longer than
computing what is in it. All other operations are torch's to answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from skipgrade.judging.programs.operations import changes
from skipgrade.judging.programs.program import Node, Ref

ACTIVATIONS = frozenset([
    "relu", "relu6", "leaky_relu", "elu", "selu", "celu", "gelu", "silu", "mish", "hardtanh",
    "hardswish", "hardsigmoid", "softplus", "sigmoid", "tanh", "log_sigmoid",
])  # fmt: skip
SUMS = frozenset(["add", "sub", "mul", "div"])
NORMS = {
    "native_batch_norm": 3,
    "_native_batch_norm_legit": 3,
    "_native_batch_norm_legit_no_training": 3,
    "_batch_norm_with_update": 4,
    "_batch_norm_no_update": 4,
}  # and how many tensors come out


def made_by(node: Node, values: Mapping[int, Any]) -> list[Tensor] | None:
    """What comes out; None where torch has to be asked."""
    if not node.args or not isinstance(node.args[0], Ref):
        return None
    x = values[node.args[0].number]
    if not x.is_floating_point():
        return None
    if node.name in NORMS:
        return _of_norm(node, x, values)
    if node.name == "addmm":
        return _of_addmm(node, x, values)
    if node.name in ACTIVATIONS or (node.name in SUMS and _is_alike(node, x, values)):
        return [x if changes(node.op) else torch.empty_like(x)]
    return None


def _is_alike(node: Node, x: Tensor, values: Mapping[int, Any]) -> bool:
    """Whether the second of two is a tensor like the first."""
    if len(node.args) < 2 or not isinstance(node.args[1], Ref):
        return False
    other = values[node.args[1].number]
    return bool(other.shape == x.shape and other.dtype == x.dtype)


def _of_norm(node: Node, x: Tensor, values: Mapping[int, Any]) -> list[Tensor] | None:
    """The maps, and a mean and a spread for each channel."""
    channels = x.shape[1:2]
    given = [values[one.number] for one in node.args[1:] if isinstance(one, Ref)]
    if x.ndim < 2 or any(one.shape != channels for one in given):
        return None
    return [torch.empty_like(x), *(x.new_empty(channels) for _ in range(NORMS[node.name] - 1))]


def _of_addmm(node: Node, bias: Tensor, values: Mapping[int, Any]) -> list[Tensor] | None:
    """A fully connected layer."""
    if len(node.args) != 3 or not all(isinstance(one, Ref) for one in node.args):
        return None
    x, weight = (values[one.number] for one in node.args[1:])
    fits = x.ndim == weight.ndim == 2 and x.shape[1:] == weight.shape[:1]
    if not fits or bias.shape != weight.shape[1:] or not bias.dtype == x.dtype == weight.dtype:
        return None
    return [x.new_empty(len(x), weight.shape[1])]
