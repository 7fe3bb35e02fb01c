"""[judge's kernel] A run that was handed in: its history is a claim, its weights are evidence."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from skipgrade import lab
from skipgrade.judging.checks.accuracy import (
    Scorer,
    drawn_instead,
    right_answers,
    scorer,
    trained_on_drawn,
)
from skipgrade.judging.judge.holdout import PACK
from skipgrade.judging.judge.trial import Trial
from skipgrade.judging.verdict import message
from skipgrade.lab.data import CourseImages

VALIDATION_IMAGES = 500  # validation images
SLACK = 0.08  # what chance and half precision may take from a claim on so many of them


def check(
    trial: Trial,
    name: str,
    model: str,
    data: str,
    prepare: str | None,
    val: int,
    images: int | None,
    hint: str,
) -> str | None:
    """Whether the weights of the run are about as often right as its history says, on so many of
    the `val` images that were held out from it."""
    claim = trial.handed_in.history(name)
    expected = f"weights of the run {name!r} that do what its history says"
    if not claim.epochs:
        return message(expected, f"no epoch in {name}-history.json", hint)
    best = claim.best["val_accuracy"]
    count = images or VALIDATION_IMAGES
    asked = (name, model, data, prepare, val, count)
    if asked not in trial.measured:  # several cells may be about one run
        scores = scorer(trial, model, name, data, prepare, expected)
        trial.measured[asked] = _measured(trial, name, scores, data, val, count)
    measured = trial.measured[asked]
    if best - measured <= SLACK * math.sqrt(VALIDATION_IMAGES / count):
        return None
    if trained_on_drawn(trial, name):
        return drawn_instead(expected, name)
    got = f"{best:.1%} of the validation images by the history, {measured:.1%} by the weights"
    hint = hint or "weights and history of one run: was it trained again after one was written?"
    return message(expected, got, hint)


def _measured(trial: Trial, name: str, scores: Scorer, data: str, val: int, count: int) -> float:
    """The share of so many drawn validation images that the weights have right."""
    held_out, labels = _held_out(data, val)
    chosen = torch.randperm(len(held_out), generator=trial.generator(f"run {name}"))[:count]
    pixels = torch.from_numpy(held_out.data[chosen.numpy()]).permute(0, 3, 1, 2)
    return right_answers(scores(pixels), labels[chosen]) / len(chosen)


def _held_out(data: str, val: int) -> tuple[CourseImages, Tensor]:
    """The validation images, and their labels: for "pack" the numbers its classes have there."""
    if data != PACK:
        held_out = lab.dataset(data, "val", val=val)
        return held_out, torch.tensor(held_out.targets)
    pack = lab.open_pack()
    held_out = lab.dataset(pack.name, "val", val=val)
    return held_out, pack.new_numbers()[torch.tensor(held_out.targets)]
