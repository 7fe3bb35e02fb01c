"""Does a training step train, an evaluation loop evaluate? Watched on a fixed small problem."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from skipgrade.judging.questions.values import evaluate

FEATURES, CLASSES, STEPS = 12, 3, 12


class Probe(nn.Module):
    """A small classifier with everything that behaves differently in train and in eval mode.

    It notes, at every forward pass, in which mode it ran and whether gradients were recorded.
    """

    def __init__(self, seed: int, dropout: float) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.first = nn.Linear(FEATURES, 16)
        self.norm = nn.BatchNorm1d(16)
        self.drop = nn.Dropout(dropout)
        self.last = nn.Linear(16, CLASSES)
        for parameter in self.parameters():
            with torch.no_grad():
                parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.3)
        self.seen: list[tuple[bool, bool]] = []

    def forward(self, x: Tensor) -> Tensor:
        self.seen.append((self.training, torch.is_grad_enabled()))
        return self.last(self.drop(F.relu(self.norm(self.first(x.flatten(1))))))


def _problem(seed: int, count: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    centres = torch.randn(CLASSES, FEATURES, generator=generator) * 2
    labels = torch.arange(count) % CLASSES
    images = centres[labels] + torch.randn(count, FEATURES, generator=generator)
    return images.view(count, 3, 2, 2), labels


def _device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def _stepper(
    model: nn.Module, step: Callable[..., Any], images: Tensor, labels: Tensor
) -> tuple[torch.optim.Optimizer, Callable[[], Any]]:
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)

    def take() -> Any:
        model.train()
        return step(model, images, labels, nn.CrossEntropyLoss(), optimizer)

    return optimizer, take


def training_step(namespace: dict[str, Any], step: str, seed: int) -> dict[str, Any]:
    """Take steps on the small problem and report the losses and what the second step depends on."""
    train_step = evaluate(namespace, step, {})
    if not callable(train_step):
        raise TypeError(f"{step} is a {type(train_step).__name__}, not a function")
    images, labels = (t.to(_device()) for t in _problem(seed, 48))
    model = Probe(seed, dropout=0.0).to(_device())
    before = _true_loss(model, images, labels)
    _, take = _stepper(model, train_step, images, labels)
    expected, reported = [], []
    for _ in range(STEPS):
        expected.append(_true_loss(model, images, labels))
        reported.append(_as_number(take()))
    return {
        "reported": reported,
        "expected": expected,
        "loss before": before,
        "loss after": _true_loss(model, images, labels),
        "stale gradients matter": _stale_gradients_matter(train_step, seed, images, labels),
        "trained in train mode": all(training for training, _ in model.seen),
    }


def _true_loss(model: Probe, images: Tensor, labels: Tensor) -> float:
    """The loss on the batch in train mode, taken without leaving a trace in the model."""
    twin = copy.deepcopy(model).train()
    with torch.no_grad():
        return float(F.cross_entropy(twin(images), labels))


def _as_number(loss: Any) -> float | None:
    if isinstance(loss, Tensor) and loss.numel() == 1:
        return float(loss.detach())
    return float(loss) if isinstance(loss, (int, float)) and not isinstance(loss, bool) else None


def _stale_gradients_matter(
    step: Callable[..., Any], seed: int, images: Tensor, labels: Tensor
) -> bool:
    """Whether the second step goes elsewhere when the gradients of the first are cleared for it."""
    weights = []
    for clear in (False, True):
        model = Probe(seed, dropout=0.0).to(_device())
        _, take = _stepper(model, step, images, labels)
        take()
        if clear:
            model.zero_grad(set_to_none=True)
        take()
        weights.append(torch.cat([p.detach().flatten() for p in model.parameters()]))
    return not torch.allclose(weights[0], weights[1], atol=1e-6)


def evaluation(namespace: dict[str, Any], evaluate_name: str, seed: int) -> dict[str, Any]:
    """Evaluate a fixed model on a loader whose last batch is smaller than the others."""
    function = evaluate(namespace, evaluate_name, {})
    if not callable(function):
        raise TypeError(f"{evaluate_name} is a {type(function).__name__}, not a function")
    images, labels = _problem(seed, 50)
    labels[::5] = (labels[::5] + 1) % CLASSES  # some are wrong, so that accuracy is not 1
    loader = DataLoader(TensorDataset(images, labels), batch_size=16)
    model = Probe(seed, dropout=0.5).to(_device())
    optimizer, take = _stepper(model, _plain_step, images.to(_device()), labels.to(_device()))
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        for _ in range(STEPS):
            take()
    optimizer.zero_grad()
    model.seen.clear()
    before = copy.deepcopy(model.state_dict())
    model.train()
    result = function(model, loader, nn.CrossEntropyLoss())
    after = model.state_dict()
    numbers = [_as_number(part) for part in result] if isinstance(result, (tuple, list)) else None
    return {
        "result": numbers,
        "passes": len(model.seen),
        "in eval mode": all(not training for training, _ in model.seen),
        "without gradients": all(not grad for _, grad in model.seen),
        "model unchanged": all(torch.equal(before[name], after[name]) for name in before),
    }


def _plain_step(
    model: nn.Module, images: Tensor, labels: Tensor, loss_fn: Any, optimizer: Any
) -> float:
    optimizer.zero_grad()
    loss = loss_fn(model(images), labels)
    loss.backward()
    optimizer.step()
    return float(loss.detach())
