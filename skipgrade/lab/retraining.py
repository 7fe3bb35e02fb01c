"""Runs trained again from nothing while `skipgrade audit` looks at a class: from other seeds, and
for no more epochs than it asks for.

It sets SKIPGRADE_RETRAIN to those two numbers, "SEEDS EPOCHS" (0: all), next to the variable that
says a notebook is being graded.
"""

import os
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from skipgrade.lab.errors import LabError

VARIABLE = "SKIPGRADE_RETRAIN"
APART = 1_000_003  # seeds of one retraining and of the next


@dataclass
class Trained:
    """What a run was made of, for whoever measures what it left."""

    model: nn.Module
    validation: DataLoader[Any]
    epochs: int  # that the notebook asks for

    def images(self, count: int) -> Tensor:
        """The first validation images, as the network gets them."""
        images, _ = next(iter(self.validation))
        return torch.as_tensor(images[:count]).float().cpu()

    def labels(self) -> Tensor:
        """Those of all validation images, in order."""
        return torch.cat([torch.as_tensor(labels).cpu() for _, labels in self.validation])


runs: dict[str, Trained] = {}


def trained(name: str) -> Trained:
    if name not in runs:
        raise LabError(f"No run {name!r} was trained in this notebook.")
    return runs[name]


def retraining() -> bool:
    """Whether this notebook is to train although it is being graded."""
    return VARIABLE in os.environ


def most_epochs(asked: int) -> int:
    """How many epochs to train of those a notebook asks for."""
    limit = _numbers()[1]
    return min(asked, limit) if limit else asked


def moved(seed: int) -> int:
    """The seed to take in the place of this one."""
    return seed + APART * _numbers()[0]


def _numbers() -> tuple[int, int]:
    if not retraining():
        return 0, 0
    seeds, epochs = os.environ[VARIABLE].split()
    return int(seeds), int(epochs)
