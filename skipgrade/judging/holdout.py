"""Images whose labels only the judge has."""

from __future__ import annotations

import functools
import hashlib
import os

import torch
from torch import Tensor

from skipgrade import lab
from skipgrade.lab import builtin

COUNT = 2_000


@functools.cache
def held_out(name: str, secret: str) -> tuple[Tensor, Tensor]:
    """Raw images and labels of data set `name`, in an order (and, where they are drawn, with
    images) that follow from the course's secret and nothing else."""
    seed = int.from_bytes(hashlib.sha256(secret.encode()).digest()[:4], "big")
    if os.environ.get("SKIPGRADE_DATASET") == "builtin":
        images, labels = builtin.draw(100 if name == "cifar100" else 10, COUNT, seed)
    else:
        images, labels = lab.raw(name, "test")
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(seed))
    return images[order], labels[order]


def open_images(name: str) -> tuple[Tensor, Tensor]:
    """The ordinary test split, for a notebook that tries its own hidden tests."""
    return lab.raw(name, "test")
