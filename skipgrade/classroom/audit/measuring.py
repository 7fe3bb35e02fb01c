"""What weights do on the validation images, computed here: by the network as its notebook tells
it, never by the notebook itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load
from torch import Tensor
from torch.nn import functional as F

from skipgrade import lab
from skipgrade.judging.checks.accuracy import right_answers
from skipgrade.judging.checks.network import Network, NoProgramError, read_network
from skipgrade.judging.checks.preparing import Preparation, fitted
from skipgrade.judging.intake.plain_files import NotPlainFileError, open_plain
from skipgrade.judging.judge.answerers import (
    Answerer,
    KernelLostError,
    NotebookCodeError,
    QuestionTimeoutError,
)
from skipgrade.judging.printable import presentable
from skipgrade.judging.programs.program import BadProgramError
from skipgrade.judging.wire.messages import BadMessageError

LARGEST = 2**30  # bytes of a file of weights
SHOWN = 64  # images whose preparation is looked at
DATA_SETS = ("cifar10", "cifar100")
TRAINED = "__import__('skipgrade.lab.retraining', fromlist=['trained']).trained({!r})"
NO_ANSWER = (
    BadMessageError, BadProgramError, KernelLostError, NoProgramError, NotebookCodeError,
    QuestionTimeoutError,
)  # fmt: skip
Weights = dict[str, Tensor]


class UnmeasuredError(Exception):
    """Nobody can tell what the weights do; the text says why."""


@dataclass(frozen=True)
class Measured:
    accuracy: float
    loss: float  # cross entropy


@dataclass
class Bench:
    """A run's network, and the validation images as it gets them."""

    network: Network
    images: Tensor
    labels: Tensor

    def misfit(self, weights: Weights) -> str:
        """Why these weights do not fit the network; empty when they do."""
        try:
            self.network.loaded(weights)
        except ValueError as error:
            return presentable(str(error))
        return ""

    def measure(self, weights: Weights) -> Measured:
        try:
            scores = self.network.scores(weights, self.images)
        except (ValueError, BadProgramError) as error:
            raise UnmeasuredError(presentable(str(error))) from error
        accuracy = right_answers(scores, self.labels) / len(self.labels)
        return Measured(accuracy, float(F.cross_entropy(scores.nan_to_num(), self.labels)))


def bench(notebook: Answerer, run: str) -> Bench:
    """For a run that the kernel has just trained; what it tells is believed in nothing but how the
    network is made, how images are prepared, and which number each class has.
    """
    expression = TRAINED.format(run)
    try:
        images = notebook.eval(f"{expression}.images({SHOWN})")
        labels = notebook.eval(f"{expression}.labels()")
        if not isinstance(images, Tensor) or images.ndim != 4 or not isinstance(labels, Tensor):
            raise UnmeasuredError("its loader does not give images and labels")
        network = read_network(notebook, f"{expression}.model", [images[:2]], None)
    except NO_ANSWER as error:
        raise UnmeasuredError(f"its network cannot be asked ({presentable(str(error))})") from error
    for name in DATA_SETS:
        held_out = lab.dataset(name, "val")
        pixels = torch.tensor(held_out.data).permute(0, 3, 1, 2)
        true = torch.tensor(held_out.targets)
        prepared, numbers = fitted(pixels[: len(images)], images), renumbered(true, labels)
        if isinstance(prepared, Preparation) and numbers is not None:
            return Bench(network, prepared(pixels), numbers)
    raise UnmeasuredError("its validation images are other ones, or not prepared by a scale and "
                          "a shift")  # fmt: skip


def renumbered(true: Tensor, told: Tensor) -> Tensor | None:
    """The true labels in the numbers that `told` has for the classes; None if it is not that."""
    if told.shape != true.shape or told.is_floating_point():
        return None
    numbers: dict[int, int] = {}
    for label, number in zip(true.tolist(), told.tolist(), strict=True):
        if numbers.setdefault(label, number) != number:
            return None
    return told.long() if len(set(numbers.values())) == len(numbers) else None


def read_weights(path: Path) -> Weights:
    """A file of weights; `UnmeasuredError` says what is wrong with it."""
    try:
        with open_plain(path) as file:
            content = file.read(LARGEST + 1)
        if len(content) > LARGEST:
            raise UnmeasuredError(f"{path.name} is larger than {LARGEST >> 20} MiB")
        return dict(load(content))
    except NotPlainFileError as error:
        raise UnmeasuredError(f"{path.name} {error}") from error
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise UnmeasuredError(f"{path.name} does not hold weights") from error


def equal(some: Weights, others: Weights) -> bool:
    """Whether two files hold the same numbers, to the last bit."""
    return some.keys() == others.keys() and all(
        torch.equal(tensor, others[name]) for name, tensor in some.items()
    )
