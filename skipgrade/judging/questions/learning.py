"""[judge's kernel, student's kernel] A training step and an evaluation, tried on problems that
come with the question.

A problem says everything: weights, batches, loss, optimizer. What goes back are the numbers that
come out. The judge, which drew the problem, uses the same code with a step of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from skipgrade.judging.questions.values import evaluate

Problem = dict[str, Any]
LOSSES = {"cross entropy": nn.CrossEntropyLoss, "multi margin": nn.MultiMarginLoss}
OPTIMIZERS = {"SGD": torch.optim.SGD, "AdamW": torch.optim.AdamW}


class Probe(nn.Module):
    """A small classifier with given weights, smooth everywhere, whose batch norm counts passes."""

    def __init__(self, state: dict[str, Tensor], dropout: float = 0.0) -> None:
        super().__init__()
        hidden, features = state["first.weight"].shape
        self.first = nn.Linear(features, hidden, bias=False)
        self.norm = nn.BatchNorm1d(hidden)
        self.drop = nn.Dropout(dropout)
        self.last = nn.Linear(hidden, len(state["last.bias"]))
        self.to(state["first.weight"])
        self.load_state_dict(state)
        self.recorded = False

    def forward(self, x: Tensor) -> Tensor:
        self.recorded |= torch.is_grad_enabled()
        return self.last(self.drop(torch.tanh(self.norm(self.first(x.flatten(1))))))

    def state(self) -> dict[str, Tensor]:
        return {name: tensor.detach().clone() for name, tensor in self.state_dict().items()}


class Scaled(nn.Module):
    """A loss times a number."""

    def __init__(self, kind: str, scale: float, **settings: Any) -> None:
        super().__init__()
        self.loss, self.scale = LOSSES[kind](**settings), scale

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return self.scale * self.loss(input, target)


class Elsewhere(nn.Module):
    """A classifier on some device, which notes where the images it is given lie."""

    def __init__(self, home: str, features: int, classes: int) -> None:
        super().__init__()
        self.layer = nn.Linear(features, classes, device=home)
        self.images: list[str] = []
        self.sent_away = False

    def forward(self, x: Tensor) -> Tensor:
        self.images.append(x.device.type)
        return self.layer(x.flatten(1).to(self.layer.weight))

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Elsewhere:
        home = self.layer.weight.device
        try:
            super()._apply(fn, recurse)
        except (NotImplementedError, RuntimeError):  # from "meta" no numbers can be had
            self.sent_away = True
        self.sent_away |= self.layer.weight.device != home
        return self


class Meeting(nn.Module):
    """A loss that notes on which devices scores and labels come together."""

    def __init__(self) -> None:
        super().__init__()
        self.pairs: list[list[str]] = []

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        self.pairs.append([input.device.type, target.device.type])
        return torch.zeros((), requires_grad=True)


def training_step(
    namespace: dict[str, Any], step: str, problems: list[Problem]
) -> list[dict[str, Any]]:
    """What the notebook's step returned and left in the model, step by step."""
    train_step = _function(namespace, step)
    return _in_either_precision(lambda problem: take_steps(train_step, problem), problems)


def evaluation(
    namespace: dict[str, Any], evaluate_name: str, problems: list[Problem]
) -> list[dict[str, Any]]:
    """What the notebook's evaluation returned and left in the model."""
    function = _function(namespace, evaluate_name)
    return _in_either_precision(lambda problem: _evaluate(function, problem), problems)


def devices(
    namespace: dict[str, Any], function: str, evaluates: bool, homes: list[str], images: Tensor,
    labels: Tensor,
) -> list[list[Any]]:  # fmt: skip
    """Where a batch goes when the model is on each of `homes`; "meta" has no numbers, so what
    comes of it afterwards, if only an exception, is not looked at."""
    call = _function(namespace, function)
    found = []
    for home in homes:
        model = Elsewhere(home, images[0].numel(), 1 + int(labels.max()))
        loss_fn = Meeting()
        with suppress(Exception), torch.enable_grad():
            if evaluates:
                loader = DataLoader(TensorDataset(images, labels), batch_size=len(labels) // 2)
                call(model, loader, loss_fn)
            else:
                optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
                call(model, images, labels, loss_fn, optimizer)
        found.append([model.images, loss_fn.pairs, model.sent_away])
    return found


def take_steps(train_step: Callable[..., Any], problem: Problem) -> dict[str, Any]:
    model = Probe(problem["state"])
    optimizer = OPTIMIZERS[problem["optimizer"]](model.parameters(), **problem["settings"])
    loss_fn = Scaled(**problem["loss"])
    losses, kinds, states = [], [], []
    for images, labels in problem["batches"]:
        model.train(problem["training"])
        loss = train_step(model, images, labels, loss_fn, optimizer)
        losses.append(_as_number(loss))
        kinds.append(type(loss).__name__)
        states.append(model.state())
    return {"losses": losses, "kinds": kinds, "states": states}


def _evaluate(function: Callable[..., Any], problem: Problem) -> dict[str, Any]:
    model = Probe(problem["state"], problem["dropout"])
    images, labels = problem["images"].cpu(), problem["labels"].cpu()
    loader = DataLoader(TensorDataset(images, labels), batch_size=problem["batch size"])
    with torch.enable_grad():  # and afterwards as it was, whatever the function does to it
        result = function(model, loader, Scaled(**problem["loss"]))
        switched_off = not torch.is_grad_enabled()
    numbers = [_as_number(part) for part in result] if isinstance(result, (tuple, list)) else None
    return {
        "result": numbers, "state": model.state(), "recorded": model.recorded,
        "switched off": switched_off,
    }  # fmt: skip


def _function(namespace: dict[str, Any], expression: str) -> Callable[..., Any]:
    function = evaluate(namespace, expression, {})
    if not callable(function):
        raise TypeError(f"{expression} is a {type(function).__name__}, not a function")
    return function


def _in_either_precision(
    attempt: Callable[[Problem], dict[str, Any]], problems: list[Problem]
) -> list[dict[str, Any]]:
    """In float64, where neither autocast nor a processor's shortcuts change a number; in float32
    where the notebook's code insists on it."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        return [attempt(_copied(problem, device, torch.float64)) for problem in problems]
    except RuntimeError:
        return [attempt(_copied(problem, device, torch.float32)) for problem in problems]


def _copied(value: Any, device: torch.device, dtype: torch.dtype) -> Any:
    if isinstance(value, Tensor):
        return value.to(device, dtype if value.is_floating_point() else value.dtype, copy=True)
    if isinstance(value, dict):
        return {key: _copied(item, device, dtype) for key, item in value.items()}
    if isinstance(value, list):
        return [_copied(item, device, dtype) for item in value]
    return value


def _as_number(value: Any) -> float | None:
    if isinstance(value, Tensor) and value.numel() == 1:
        return float(value.detach())
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None
