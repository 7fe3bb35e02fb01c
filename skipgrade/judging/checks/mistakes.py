"""[judge's kernel] The judge's own training step, and the usual mistakes: each changes one thing
in it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Loss = Callable[[Tensor, Tensor], Tensor]
Report = Callable[[Tensor, Tensor, Tensor, Callable[[], Tensor]], Tensor]


def reference_step(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    loss_fn: Loss,
    optimizer: torch.optim.Optimizer,
    *,
    training: bool | None = True,
    rounds: int = 1,
    steps: int = 1,
    clear: bool = True,
    images_used: slice = slice(None),
    bend: Loss = lambda loss, labels: loss,
    change: Callable[[nn.Module], object] = lambda model: None,
    loss_instead: Loss | None = None,
    report: Report = lambda loss, scores, labels, again: loss,
) -> float:
    """The right step, and what it becomes when one thing is otherwise."""
    if training is not None:
        model.train(training)
    images, labels = images[images_used], labels[images_used]
    loss_fn = loss_instead or loss_fn
    for _ in range(rounds):
        if clear:
            optimizer.zero_grad()
        scores = model(images)
        loss = bend(loss_fn(scores, labels), labels)
        loss.backward()
        change(model)
        for _ in range(steps):
            optimizer.step()
    with torch.no_grad():
        return float(report(loss, scores, labels, lambda: loss_fn(model(images), labels)))


def _forget_first(model: nn.Module) -> None:
    for name, parameter in model.named_parameters():
        if not name.startswith("last"):
            parameter.grad = None


def gradient_length(model: nn.Module) -> Tensor:
    return torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None]).norm()


def _normalise(model: nn.Module) -> None:
    length = gradient_length(model)
    for parameter in model.parameters():
        parameter.grad = None if parameter.grad is None else parameter.grad / length


def _clip(model: nn.Module) -> None:
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)


MISTAKES: list[tuple[str, str, dict[str, Any]]] = [
    ("no step had been taken", "backward, then optimizer.step; a zero_grad between the two clears "
     "what the step needs.", {"steps": 0}),
    ("the gradients had been cleared just before the step", "zero_grad comes before backward.",
     {"change": lambda model: model.zero_grad(set_to_none=False)}),
    ("the gradients of the step before were still there",
     "zero_grad: is it called in every step, before backward?", {"clear": False}),
    ("optimizer.step had been called twice", "one optimizer.step a call.", {"steps": 2}),
    ("the whole step had been taken twice", "the batch is used once.", {"rounds": 2}),
    ("the whole step had been taken three times", "the batch is used once.", {"rounds": 3}),
    ("the model had been in eval mode", "model.train().", {"training": False}),
    ("the loss had been cross entropy, not loss_fn", "loss_fn is an argument: use it.",
     {"loss_instead": F.cross_entropy}),
    ("the loss had been summed over the batch", "loss_fn gives the mean already.",
     {"bend": lambda loss, labels: loss * len(labels)}),
    ("the loss had been divided by the size of the batch", "loss_fn gives the mean already.",
     {"bend": lambda loss, labels: loss / len(labels)}),
    ("the loss had been halved", "loss.backward().", {"bend": lambda loss, labels: loss / 2}),
    ("the loss had been doubled", "is backward called twice?",
     {"bend": lambda loss, labels: loss * 2}),
    ("the loss had been made to grow", "the sign of the loss.",
     {"bend": lambda loss, labels: -loss}),
    ("only the last layer had been trained", "are other gradients lost?",
     {"change": _forget_first}),
    ("the gradients had been brought to length 1", "the step takes gradients as they are.",
     {"change": _normalise}),
    ("the gradients had been clipped", "the step takes gradients as they are.", {"change": _clip}),
    ("the last image of the batch had been left out", "all images of the batch count.",
     {"images_used": slice(-1)}),
]  # fmt: skip
RETURNED: dict[str, Report] = {
    "the loss after the step": lambda loss, scores, labels, again: again(),
    "the sum over the batch": lambda loss, scores, labels, again: loss * len(labels),
    "the mean divided once more": lambda loss, scores, labels, again: loss / len(labels),
    "cross entropy, not loss_fn": lambda loss, scores, labels, again:
        F.cross_entropy(scores, labels),
}  # fmt: skip
