"""[judge's kernel] What the checks of training steps and of evaluations share: problems drawn,
answers compared.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Generator, Tensor

State = dict[str, Tensor]
FEATURES, HIDDEN, CLASSES = (3, 4, 4), 8, 5
# Of the value due. In float32 it leaves room for autocast and TF32; no usual mistake is so small.
TOLERANCE = {torch.float64: 1e-5, torch.float32: 3e-2}


class Fault(NamedTuple):
    """One thing that is wrong, and the share of the check's worth it costs."""

    reason: str
    share: float


class Draw:
    """The numbers of a problem, from the trial's generator."""

    def __init__(self, generator: Generator) -> None:
        self.generator = generator

    def between(self, low: float, high: float) -> float:
        return low + (high - low) * float(torch.rand((), generator=self.generator))

    def count(self, low: int, high: int) -> int:
        return int(torch.randint(low, high + 1, (), generator=self.generator))

    def normal(self, *shape: int) -> Tensor:
        return torch.randn(shape, generator=self.generator, dtype=torch.float64)

    def labels(self, count: int) -> Tensor:
        return torch.randint(CLASSES, (count,), generator=self.generator)

    def state(self) -> State:
        """Weights and statistics for a `Probe`."""
        return {
            "first.weight": 0.3 * self.normal(HIDDEN, math.prod(FEATURES)),
            "norm.weight": 1 + 0.2 * self.normal(HIDDEN),
            "norm.bias": 0.5 * self.normal(HIDDEN),
            "norm.running_mean": self.normal(HIDDEN),
            "norm.running_var": 1 + self.normal(HIDDEN) ** 2,
            "norm.num_batches_tracked": torch.tensor(self.count(1, 1000)),
            "last.weight": self.normal(CLASSES, HIDDEN),
            "last.bias": 0.5 * self.normal(CLASSES),
        }

    def losses(self) -> list[dict[str, Any]]:
        """Two losses whose mean over a batch is the mean over its images, in a drawn order."""
        pair: list[dict[str, Any]] = [
            {"kind": "cross entropy", "label_smoothing": self.between(0.05, 0.2)},
            {"kind": "multi margin", "p": 2, "margin": self.between(0.5, 2.0)},
        ]
        return pair if self.count(0, 1) else pair[::-1]


def has_form(got: Any, like: Any) -> bool:
    """Whether an answer is built like the one due: the same keys, lengths and shapes."""
    if isinstance(like, Tensor):
        return (
            isinstance(got, Tensor)
            and got.shape == like.shape
            and (got.dtype == like.dtype or {got.dtype, like.dtype} == set(TOLERANCE))
        )
    if isinstance(like, dict):
        return (
            isinstance(got, dict)
            and got.keys() == like.keys()
            and all(has_form(got[key], like[key]) for key in like)
        )
    if isinstance(like, list):
        return (
            isinstance(got, list)
            and len(got) == len(like)
            and all(has_form(*pair) for pair in zip(got, like, strict=True))
        )
    return like is None or got is None or isinstance(got, type(like))


def tolerance(state: State) -> float:
    return TOLERANCE[state["first.weight"].dtype]


def gap(got: State, due: State, before: State, names: list[str]) -> float:
    """How far from `due` it ended, as a share of the way from `before` (or of 0.001, where
    nothing had to move); NaN stays NaN."""
    away = torch.cat([(got[name].double() - due[name]).flatten() for name in names]).norm()
    way = torch.cat([(due[name] - before[name]).double().flatten() for name in names]).norm()
    return float(away / way.clamp(min=1e-3))


def near(got: float | None, due: float, within: float) -> bool:
    """Never true of what is not a number."""
    return got is not None and abs(got - due) <= within * abs(due)


def first_fit(
    got: Sequence[float | None], candidates: Mapping[str, list[float]], within: float
) -> str | None:
    """The name of the first candidate that all of `got` fit."""
    for name, due in candidates.items():
        if all(near(*pair, within) for pair in zip(got, due, strict=True)):
            return name
    return None
