"""Measuring a model without changing it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.utils.data import DataLoader

from skipgrade.lab.errors import LabError
from skipgrade.lab.feeding import batches
from skipgrade.lab.machine import device

LossFunction = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


@torch.no_grad()
def evaluate(
    model: nn.Module, loader: DataLoader[Any], loss: LossFunction | None = None
) -> tuple[float, float]:
    """Mean loss and accuracy (a fraction) over all images of the loader."""
    loss = loss or nn.functional.cross_entropy
    total: Any = 0.0
    right: Any = 0
    seen = 0
    with _in_eval_mode(model):
        for images, labels in batches(loader):
            scores = model(images)
            total = total + loss(scores, labels).double() * len(labels)
            right = right + (scores.argmax(1) == labels).sum()
            seen += len(labels)
    if seen == 0:
        raise LabError("There is no image to evaluate on: the loader is empty (val=0?).")
    return float(total) / seen, int(right) / seen


@torch.no_grad()
def predictions(model: nn.Module, loader: DataLoader[Any]) -> tuple[torch.Tensor, torch.Tensor]:
    """Scores [n, classes] and labels [n] for all images of the loader, in its order, on the CPU."""
    scores, labels = [], []
    with _in_eval_mode(model):
        for images, some in loader:
            scores.append(model(images.to(device())).float().cpu())
            labels.append(torch.as_tensor(some))
    if not scores:
        raise LabError("There is no image to predict: the loader is empty.")
    return torch.cat(scores), torch.cat(labels)


@contextmanager
def _in_eval_mode(model: nn.Module) -> Iterator[None]:
    was_training = model.training
    model.to(device()).eval()
    try:
        yield
    finally:
        model.train(was_training)
