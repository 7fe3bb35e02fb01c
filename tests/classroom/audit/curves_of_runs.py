"""Histories as runs leave them, for tests that compare."""

import math
import random
from typing import Any

from skipgrade.lab.history import History

SETTINGS = {"images": "builtin", "data": "cifar10 (builtin)", "seed": 0}


def history(
    seed: int = 0,
    *,
    epochs: int = 10,
    top: float = 0.6,
    rate: float = 0.05,
    lr: float = 0.05,
    **settings: Any,
) -> History:
    """A run that rises to `top`, a little different for each seed as honest ones are."""
    draw = random.Random(seed)
    rows = []
    for epoch in range(1, epochs + 1):
        share = top * (1 - math.exp(-epoch / 3))
        rows.append(
            {
                "epoch": epoch,
                "train_loss": 2.3 * (1 - share) + draw.gauss(0, 0.01),
                "train_accuracy": share + draw.gauss(0, 0.004),
                "val_loss": 2.35 * (1 - share) + draw.gauss(0, 0.02),
                "val_accuracy": share + draw.gauss(0, 0.01),
                "learning_rate": rate,
                "seconds": 1.0,
            }
        )
    return History("net", rows, {**SETTINGS, "optimizer lr": lr, **settings})
