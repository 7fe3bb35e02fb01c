"""[judge's kernel] How held-out images are prepared, without the student's kernel seeing them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from skipgrade import lab
from skipgrade.judging.checks.asking import NoAnswerError, ask_student
from skipgrade.judging.judge.trial import Trial

PROBES = 4
EXACT = 1e-3


@dataclass
class Preparation:
    """Pixels from 0 to 1, times `scale`, plus `shift`, colour by colour."""

    scale: Tensor
    shift: Tensor
    measured: bool = True  # else what is usual, in the place of something else

    @property
    def mean(self) -> Tensor:
        return -self.shift / self.scale

    @property
    def std(self) -> Tensor:
        return 1 / self.scale

    def told(self) -> str:
        """The two as `Normalize` takes them, rounded."""
        if not self.measured:
            return "more than one scale and one shift for each colour"
        mean, std = ([round(n, 4) for n in part.tolist()] for part in (self.mean, self.std))
        return f"mean {mean} and standard deviation {std}"

    def __call__(self, images: Tensor) -> Tensor:
        sides = (1, 3, 1, 1)
        return images.float().div(255) * self.scale.view(sides) + self.shift.view(sides)


def usual(data: str) -> Preparation:
    """Zero mean and a spread of one, by the data set's own numbers."""
    mean, std = (torch.tensor(part) for part in lab.normalisation(data))
    return Preparation(1 / std, -mean / std, measured=False)


def preparation(trial: Trial, expression: str | None, data: str) -> Preparation:
    """What the student's transform does to pixels, measured on noise; weights are trained for that.

    Any other mean and spread is as good. A transform that does anything else, or that fails, has
    a test of its own; here it is taken to be the usual one.
    """
    if expression is None:
        return usual(data)
    noise = torch.randint(256, (PROBES, 3, 32, 32), generator=trial.generator("preparation")).to(
        torch.uint8
    )
    try:
        out = ask_student(trial, "", "", "prepared", expression=expression, images=noise)
    except NoAnswerError:
        return usual(data)
    return fitted(noise, out) or usual(data)


def fitted(noise: Tensor, out: object) -> Preparation | None:
    """Scale and shift that make `out` of `noise`; None if there are none."""
    if not isinstance(out, Tensor) or out.shape != noise.shape or not out.is_floating_point():
        return None
    pixels = noise.double().div(255).transpose(0, 1).flatten(1)
    values = out.double().transpose(0, 1).flatten(1)
    if not bool(torch.isfinite(values).all()):
        return None
    centred = pixels - pixels.mean(1, keepdim=True)
    scale = (centred * values).sum(1) / (centred * centred).sum(1)
    if not float(scale.abs().min()) > EXACT:
        return None
    shift = values.mean(1) - scale * pixels.mean(1)
    gap = (values - scale[:, None] * pixels - shift[:, None]).abs().amax()
    if not float(gap) <= EXACT * (1 + float(values.abs().amax())):
        return None
    return Preparation(scale.float(), shift.float())
