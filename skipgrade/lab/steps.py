"""What happens in one training step, whoever wrote it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from skipgrade.lab import layout
from skipgrade.lab.errors import LabError
from skipgrade.lab.evaluating import LossFunction
from skipgrade.lab.machine import device, short_floats
from skipgrade.lab.optimizers import quicken
from skipgrade.lab.recording import Passed, Recorder


class LabStep:
    """The lab's own step: mixed precision where the hardware has it, else plain float32.

    Networks of convolutions get their numbers in the order the hardware likes, the optimizer its
    fused kernel, and on a GPU both passes are recorded and replayed where the network allows it.
    `exact` asks for float32, and for no recording.
    """

    def __init__(self, *, exact: bool = False) -> None:
        self.exact = exact
        self.short = None if exact else short_floats()
        self.scaler = torch.amp.GradScaler(device().type, enabled=self.short is torch.float16)
        self.answers: torch.Tensor | None = None
        self._recorder: Recorder | None = None
        self._layout: torch.memory_format | None = None

    def __call__(
        self,
        model: nn.Module,
        images: torch.Tensor,
        labels: torch.Tensor,
        loss_fn: LossFunction,
        optimizer: Optimizer,
    ) -> torch.Tensor:
        if self._layout is None:
            self._prepare(model, images, loss_fn, optimizer)
        images = images.contiguous(memory_format=self._layout or torch.contiguous_format)

        def passes(images: torch.Tensor, labels: torch.Tensor) -> Passed:
            return self._passes(model, images, labels, loss_fn)

        if self._recorder is not None:
            loss, self.answers = self._recorder(passes, images, labels, optimizer)
        else:
            optimizer.zero_grad(set_to_none=True)
            loss, self.answers = passes(images, labels)
        self.scaler.step(optimizer)
        self.scaler.update()
        return loss

    def _prepare(
        self, model: nn.Module, images: torch.Tensor, loss_fn: LossFunction, optimizer: Optimizer
    ) -> None:
        self._layout = layout.best(model, images)
        layout.arrange(model, self._layout)
        quicken(optimizer)
        if images.is_cuda and not self.exact:
            self._recorder = Recorder(model, loss_fn)

    def _passes(
        self, model: nn.Module, images: torch.Tensor, labels: torch.Tensor, loss_fn: LossFunction
    ) -> Passed:
        with torch.autocast(device().type, dtype=self.short, enabled=self.short is not None):
            scores = model(images)
        loss = loss_fn(scores.float(), labels)
        self.scaler.scale(loss).backward()
        return loss.detach(), scores.detach().argmax(1)


class TrainAccuracy:
    """Counts right answers among the scores each step computed, so that no second pass is needed.

    Of several forward passes in one step, the first in training mode counts.
    """

    def __init__(self, model: nn.Module) -> None:
        self._model = model
        self._labels: torch.Tensor | None = None
        self._answers: torch.Tensor | None = None
        self._right: Any = 0
        self.seen = 0

    @contextmanager
    def watching(self) -> Iterator[None]:
        handle = self._model.register_forward_hook(self._note)
        try:
            yield
        finally:
            handle.remove()

    def expect(self, labels: torch.Tensor) -> None:
        self._labels, self._answers = labels, None

    def answered(self, answers: torch.Tensor | None) -> None:
        """By a step that tells its answers itself."""
        self._answers = answers

    def settle(self) -> None:
        if self._answers is None or self._labels is None:
            raise LabError(
                "The training step computed no scores for its batch: it must call "
                "model(images) (not model.forward) on the images it is given."
            )
        self._right = self._right + (self._answers == self._labels).sum()
        self.seen += len(self._labels)

    def share(self) -> float:
        return int(self._right) / self.seen

    def _note(self, model: nn.Module, inputs: Any, scores: Any) -> None:
        fits = (
            isinstance(scores, torch.Tensor)
            and scores.ndim == 2
            and self._labels is not None
            and len(scores) == len(self._labels)
        )
        if fits and model.training and self._answers is None:
            self._answers = scores.detach().argmax(1)


def checked_loss(value: Any) -> torch.Tensor | float:
    """The step's loss as a number that is not a part of a graph."""
    if isinstance(value, torch.Tensor) and value.numel() == 1:
        return value.detach().reshape(())
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    raise LabError(
        f"The training step must return its loss as a number, but returned {value!r:.80}."
    )
