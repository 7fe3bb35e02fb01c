"""Whether two networks' weights come from one training, however they were disguised since.

Tensors have other names, channels another order, numbers another precision; a few steps were
trained on top. What stays is told in two steps. A `sketch` of each tensor's filters, which the
order of their inputs does not change, finds pairs worth a closer look; `likeness` then puts one
network's channels in the other's order and compares number by number.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load
from torch import Tensor

LARGEST = 2**30  # bytes of a file
FEWEST = 64  # numbers of a tensor that tells anything
QUANTILES = torch.linspace(0, 1, 17)
BALANCING = 8  # rounds; what is left of a factor two is then below a thousandth
TINY = 1e-12
ROUNDS = 3  # of putting outputs and inputs in order in turn
CLOSER_LOOK = 0.6  # how far a filter's partner may be, as a share of how far filters are apart
Shape = tuple[int, ...]


@dataclass(frozen=True)
class Sketch:
    """What is kept of a file of weights: for each shape, the filters of all tensors of it."""

    filters: dict[Shape, Tensor]  # [tensors, filters, features]

    def shapes(self) -> tuple[tuple[Shape, int], ...]:
        return tuple(sorted((shape, len(one)) for shape, one in self.filters.items()))


def matrices(path: Path) -> dict[Shape, list[Tensor]]:
    """The tensors of a file that have filters, by shape: [outputs, inputs, places]."""
    if path.stat().st_size > LARGEST:
        return {}
    try:
        tensors = load(path.read_bytes())
    except (SafetensorError, ValueError, RuntimeError):
        return {}
    found: dict[Shape, list[Tensor]] = defaultdict(list)
    for _, tensor in sorted(tensors.items()):
        if tensor.ndim >= 2 and tensor.numel() >= FEWEST and tensor.is_floating_point():
            whole = torch.nan_to_num(tensor.float())
            found[tuple(tensor.shape)].append(whole.reshape(*tensor.shape[:2], -1))
    return found


def sketch(tensors: dict[Shape, list[Tensor]]) -> Sketch:
    """Features of each filter that do not depend on the order of its inputs."""
    return Sketch({shape: torch.stack([_features(one) for one in some])
                   for shape, some in tensors.items()})  # fmt: skip


def _features(tensor: Tensor) -> Tensor:
    rows = _unit(tensor)
    spread = torch.quantile(rows.flatten(1), QUANTILES, dim=1).T * rows[0].numel() ** 0.5
    sums = rows.sum(1) * rows.shape[2] ** 0.5
    return torch.cat([spread, sums, rows.norm(dim=1) * rows.shape[2] ** 0.5], dim=1)


def _unit(tensor: Tensor) -> Tensor:
    """Each filter of length one, each input as strong as any other.

    A channel may be scaled if the layer behind it undoes that, so scales tell nothing.
    """
    for _ in range(BALANCING):
        tensor = tensor / tensor.norm(dim=(0, 2), keepdim=True).clamp(min=TINY)
        tensor = tensor / tensor.norm(dim=(1, 2), keepdim=True).clamp(min=TINY)
    return tensor


def worth_a_look(one: Sketch, other: Sketch) -> bool:
    """Whether most filters of one network have near partners in the other."""
    if not one.filters or one.shapes() != other.shapes():
        return False
    near = [float(_apart(one.filters[shape], other.filters[shape])) for shape in one.filters]
    return sorted(near)[len(near) // 2] < CLOSER_LOOK


def _apart(some: Tensor, others: Tensor) -> Tensor:
    """How far the nearest partner is, in comparison with two filters of one network."""
    left, right = some.flatten(0, 1), others.flatten(0, 1)
    nearest = torch.cdist(left, right).min(1).values.mean()
    among = torch.cdist(left, left).fill_diagonal_(float("inf")).min(1).values.mean()
    return nearest / among.clamp(min=TINY)


def likeness(some: dict[Shape, list[Tensor]], others: dict[Shape, list[Tensor]]) -> float:
    """How alike two networks are with channels in one order: 1 for the same, near 0 for others.

    The median over all numbers, so that neither a new head nor a frozen stem decides.
    """
    found: list[tuple[float, int]] = []
    for shape, tensors in some.items():
        left = list(others.get(shape, []))
        for tensor in tensors:
            if not left:
                return 0.0
            alike = [_aligned(tensor, one) for one in left]
            best = max(range(len(left)), key=alike.__getitem__)
            found.append((alike[best], tensor.numel()))
            left.pop(best)
    return _median(found)


def _aligned(one: Tensor, other: Tensor) -> float:
    one, other = _unit(one), _unit(other)
    as_it_is = float((one * other).sum() / len(one))
    if as_it_is > 0.9:
        return as_it_is
    rows = torch.cdist(_features(one), _features(other)).argmin(1)
    best = as_it_is
    for _ in range(ROUNDS):
        matched = other[rows]
        columns = _inputs(one) @ _inputs(matched).T
        ordered = matched[:, columns.argmax(1)]
        best = max(best, float((one * ordered).sum() / len(one)))
        rows = (one.flatten(1) @ other[:, columns.argmax(1)].flatten(1).T).argmax(1)
    return best


def _inputs(tensor: Tensor) -> Tensor:
    columns = tensor.transpose(0, 1).flatten(1)
    return columns / columns.norm(dim=1, keepdim=True).clamp(min=TINY)


def _median(found: list[tuple[float, int]]) -> float:
    whole, seen = sum(size for _, size in found), 0
    for alike, size in sorted(found):
        seen += size
        if 2 * seen >= whole:
            return alike
    return 0.0
