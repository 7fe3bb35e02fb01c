"""[judge's kernel] What hidden tests may ask of a student's network, answered by its program."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from skipgrade.judging.checks.accuracy import Scorer, must_fit, right_answers, scorer, scores_of
from skipgrade.judging.checks.network import IMAGES, Network, NoProgramError, student_network
from skipgrade.judging.checks.structure import Layer, structure
from skipgrade.judging.judge.trial import Trial
from skipgrade.judging.programs.program import BadProgramError
from skipgrade.judging.programs.running import measure, run
from skipgrade.judging.verdict import NoAnswerError, message

EXPECTED = "a network for the images of the text"


@dataclass
class StudentsNetwork:
    """`network("ModelOne()")` in a hidden test; recorded when something is asked of it."""

    trial: Trial
    expression: str
    x: Tensor | None = None
    of: str | None = None  # the model that `expression` is a function of

    @property
    def recorded(self) -> Network:
        try:
            return student_network(
                self.trial, self.expression, EXPECTED, "", [self._images], self.of
            )
        except NoProgramError as error:
            raise NoAnswerError(
                message(EXPECTED, f"a forward pass that cannot be recorded: {error}", "")
            ) from error

    def size(self, *, trainable: bool = True, used: bool = False) -> int:
        """How many numbers its parameters have: those that learn, or all; used ones, or all."""
        return self.recorded.size(trainable=trainable, used=used)

    def matrices(self) -> list[tuple[int, ...]]:
        """The shapes of the used parameters with more than one dimension."""
        return self.recorded.matrices()

    def layers(self) -> list[str]:
        """Every use of weights in order, as in "conv with weights of shape (6, 3, 5, 5)"."""
        return self.recorded.layers()

    @property
    def _images(self) -> Tensor:
        return IMAGES if self.x is None else self.x

    def products(self) -> float:
        """The multiplications that one image takes, a number of an activation counted as one."""
        try:
            return measure(self.recorded.eval, [self._images])[1] / len(self._images)
        except BadProgramError as error:
            raise NoAnswerError(message(EXPECTED, str(error), "")) from error

    def weights(self, run: str, *, trainable: bool | None = None) -> list[Tensor]:
        """Its parameters as the run `run` left them, in the order they were registered in: all, or
        those that learn, or those that do not."""
        state = self._loaded(run)
        return [
            state[number]
            for number, entry in enumerate(self.recorded.state)
            if entry.parameter and trainable in (None, entry.trainable)
        ]

    def outputs(self, x: Tensor, *, weights: str) -> list[Tensor]:
        """What comes out for this input in eval mode, with the handed-in weights."""
        state = self._loaded(weights)
        try:
            measure(self.recorded.eval, [x])
            with torch.inference_mode():
                return run(self.recorded.eval, state, [x.clone()])
        except BadProgramError as error:
            raise NoAnswerError(message(EXPECTED, str(error), "")) from error

    def _loaded(self, weights: str) -> dict[int, Tensor]:
        tensors = self.trial.handed_in.weights(weights)
        must_fit(self.recorded, tensors, f"{weights}-best.safetensors", EXPECTED)
        return self.recorded.loaded(tensors)

    def structure(self) -> list[Layer]:
        """Its layers in order, as dicts: kind, shape that comes out, kernel, stride and so on."""
        network = self.recorded
        try:
            return structure(network.eval, self._images)
        except BadProgramError as error:
            raise NoAnswerError(message(EXPECTED, str(error), "")) from error

    def scores(
        self, images: Tensor, *, weights: str, data: str = "cifar10", prepare: str | None = None
    ) -> Tensor:
        """The scores of raw images (uint8) with the handed-in weights of the run `weights`."""
        return self._scorer(weights, data, prepare)(images)

    def accuracy(
        self,
        images: Tensor,
        labels: Tensor,
        *,
        weights: str,
        data: str = "cifar10",
        prepare: str | None = None,
    ) -> float:
        """The share of these raw images that the handed-in weights have right."""
        found = self._scorer(weights, data, prepare)(images)
        return right_answers(found, labels) / max(1, len(labels))

    def loss(
        self,
        images: Tensor,
        labels: Tensor,
        *,
        weights: str,
        data: str = "cifar10",
        prepare: str | None = None,
    ) -> float:
        """The mean cross entropy of these raw images with the handed-in weights."""
        found = self._scorer(weights, data, prepare)(images)
        return float(F.cross_entropy(found, labels))

    def prepared_scores(self, batch: Tensor, *, weights: str) -> Tensor:
        """The same for images that are prepared already."""
        tensors = self.trial.handed_in.weights(weights)
        must_fit(self.recorded, tensors, f"{weights}-best.safetensors", EXPECTED)
        return scores_of(self.recorded, tensors, batch, EXPECTED)

    def _scorer(self, weights: str, data: str, prepare: str | None) -> Scorer:
        expected = f"weights in {weights}-best.safetensors that fit the network"
        return scorer(self.trial, self.expression, weights, data, prepare, expected)
