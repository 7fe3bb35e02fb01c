"""[judge's kernel] Do the handed-in weights of a run do what its history says of them?"""

from __future__ import annotations

import math

import torch

from skipgrade import lab
from skipgrade.judging.checks.measuring import StudentsNetwork
from skipgrade.judging.session import Session
from skipgrade.judging.verdict import message

COUNT = 250  # validation images looked at: enough to tell a network from noise or from another's
SLACK = 0.02
SPREADS = 4  # how many standard deviations of a sample its accuracy may be away


def check(session: Session, expression: str, run: str, data: str, hint: str) -> str | None:
    """A run that broke down in its first epoch has no weights, and claims nothing."""
    history = session.handed_in.history(run)
    if not history.epochs:
        return None
    claimed = history.best["val_accuracy"]
    photos = lab.dataset(data, "val")
    generator = session.generator("validation images")
    chosen = torch.randperm(len(photos), generator=generator)[:COUNT]
    found = StudentsNetwork(session, expression).accuracy(
        torch.tensor(photos.data[chosen.numpy()]).permute(0, 3, 1, 2),
        torch.tensor(photos.targets)[chosen],
        weights=run,
        data=data,
    )
    if abs(found - claimed) <= _allowed(claimed, len(chosen), len(photos)):
        return None
    return message(
        f"in {run}-best.safetensors the weights that have {claimed:.1%} of the validation images "
        "right, as the history of the run says",
        f"{found:.1%} of {len(chosen)} such images",
        hint or "weights and history of one and the same run, both as lab.fit wrote them.",
    )


def _allowed(share: float, seen: int, total: int) -> float:
    variance = max(share * (1 - share), 0.01) * (1 / seen - 1 / total)
    return SLACK + SPREADS * math.sqrt(variance)
