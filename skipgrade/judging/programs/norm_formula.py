"""[judge's kernel] Is this a batch norm, and which of its vectors is which?

Found by trying it out: numbers went in, numbers came out, and a batch norm with these vectors in
some order gives them or does not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations

import torch
from torch import Tensor

NEAR = 0.03  # for a first look: another eps, or n - 1 for n
SAME = 1e-9
EPS = (1e-5, 0.0, 1e-12, 1e-10, 1e-8, 1e-7, 1e-6, 1e-4, 1e-3, 1e-2, 0.1)
OUTSIDE = "with eps outside the root"
UNBIASED = "normalised by the variance over n - 1"
EXCHANGED = "with {} and {} exchanged"
NAMES = {
    "weight": {"weight", "gamma", "w", "scale"},
    "bias": {"bias", "beta", "b", "shift"},
    "running_mean": {"running_mean", "mean", "mu"},
    "running_var": {"running_var", "running_variance", "var", "variance"},
}


@dataclass
class Norm:
    roles: dict[str, int]  # weight, bias, running_mean, running_var: the state's number
    averages: bool  # whether it takes the batch's own statistics
    eps: float
    note: str = ""
    exchanged: bool = False


def norm_formula(
    x: Tensor,
    y: Tensor,
    vectors: Mapping[int, Tensor],
    names: Mapping[int, Sequence[str]],
    *,
    averages: bool,
) -> Norm | None:
    """The batch norm that made `y` of `x`, with a number for each channel in every vector."""
    if y.shape != x.shape or not bool(torch.isfinite(y).all()):
        return None
    dims = [dim for dim in range(x.ndim) if dim != 1]
    corner = (slice(None), slice(None), *[slice(0, 2)] * (x.ndim - 2))
    trial = _Trial(
        x[corner].transpose(1, -1),
        y[corner].transpose(1, -1),
        dict(vectors),
        x.mean(dims) if averages else None,
        {"": x.var(dims, correction=0), UNBIASED: x.var(dims, correction=1)} if averages else {},
    )
    nearest = min(trial.roles(averages), key=trial.gap, default=None)
    if nearest is None or trial.gap(nearest) > NEAR:
        return None
    for eps in EPS:
        for note in ("", OUTSIDE, *([UNBIASED] if averages else [])):
            if trial.gap(nearest, eps, note) <= SAME:
                wrong = _exchanged(nearest, names)
                return Norm(nearest, averages, eps, note or wrong, bool(wrong))
    return None


@dataclass
class _Trial:
    x: Tensor  # channels last
    y: Tensor
    vectors: dict[int, Tensor]
    mean: Tensor | None
    variances: dict[str, Tensor]

    def roles(self, averages: bool) -> Iterator[dict[str, int]]:
        """Every way to give the vectors their parts."""
        for order in permutations(self.vectors):
            first = [] if averages else ["running_mean", "running_var"]
            for parts in (["weight", "bias"], ["weight"], ["bias"], []):
                if len(order) == len(first) + len(parts):
                    yield dict(zip((*first, *parts), order, strict=True))

    def gap(self, roles: dict[str, int], eps: float = EPS[0], note: str = "") -> float:
        mean, variance = self._statistics(roles, note)
        spread = variance.sqrt() + eps if note == OUTSIDE else (variance + eps).sqrt()
        made = (self.x - mean) / spread
        if "weight" in roles:
            made = made * self.vectors[roles["weight"]]
        if "bias" in roles:
            made = made + self.vectors[roles["bias"]]
        return float((made - self.y).abs().max()) / (1 + float(self.y.abs().max()))

    def _statistics(self, roles: dict[str, int], note: str) -> tuple[Tensor, Tensor]:
        if self.mean is not None:
            return self.mean, self.variances[UNBIASED if note == UNBIASED else ""]
        return self.vectors[roles["running_mean"]], self.vectors[roles["running_var"]]


def _exchanged(roles: dict[str, int], names: Mapping[int, Sequence[str]]) -> str:
    """What is wrong where two vectors have each other's names."""
    for one, other in (("weight", "bias"), ("running_mean", "running_var")):
        if one in roles and other in roles:
            last = [{name.split(".")[-1] for name in names[roles[role]]} for role in (one, other)]
            if last[0] <= NAMES[other] and last[1] <= NAMES[one]:
                return EXCHANGED.format(one.replace("_", " "), other.replace("_", " "))
    return ""
