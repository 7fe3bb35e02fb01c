"""Learning-rate schedules, stepped after every batch."""

import math
from collections.abc import Callable
from functools import partial

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR, LRScheduler

Schedule = Callable[[Optimizer, int], LRScheduler]


def cosine(optimizer: Optimizer, total_steps: int) -> LRScheduler:
    """From the optimizer's learning rate down to zero along half a cosine."""

    def share(step: int) -> float:
        return 0.5 * (1 + math.cos(math.pi * min(step, total_steps) / total_steps))

    return LambdaLR(optimizer, share)


def one_cycle(max_lr: float, *, warm: float = 0.3) -> Schedule:
    """Linearly up to `max_lr` in the first `warm` share of the steps, then linearly to zero."""
    return partial(_one_cycle, max_lr=max_lr, warm=warm)


def _one_cycle(
    optimizer: Optimizer, total_steps: int, *, max_lr: float, warm: float
) -> LRScheduler:
    for group in optimizer.param_groups:
        group["lr"] = group["initial_lr"] = max_lr
    peak = max(1.0, warm * total_steps)

    def share(step: int) -> float:
        rising = (step + 1) / peak
        falling = (total_steps - step) / max(1.0, total_steps - peak)
        return max(0.0, min(1.0, rising, falling))

    return LambdaLR(optimizer, share)
