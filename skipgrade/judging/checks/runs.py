"""[judge's kernel] A run that was handed in: its history is a claim, its weights are evidence."""

from __future__ import annotations

import math

import torch

from skipgrade import lab
from skipgrade.judging.checks.accuracy import right_answers, scorer
from skipgrade.judging.session import Session
from skipgrade.judging.verdict import message

LOOKED_AT = 500  # validation images
SLACK = 0.08  # what chance and half precision may take from a claim on so many of them


def check(
    session: Session,
    name: str,
    model: str,
    data: str,
    prepare: str | None,
    val: int,
    images: int,
    hint: str,
) -> str | None:
    """Whether the weights of the run are about as often right as its history says, on so many of
    the `val` images that were held out from it."""
    claim = session.handed_in.history(name)
    expected = f"weights of the run {name!r} that do what its history says"
    if not claim.epochs:
        return message(expected, f"no epoch in {name}-history.json", hint)
    best = claim.best["val_accuracy"]
    scores = scorer(session, model, name, data, prepare, expected, hint)
    held_out = lab.dataset(data, "val", val=val)
    chosen = torch.randperm(len(held_out), generator=session.generator(f"run {name}"))[:images]
    pixels = torch.from_numpy(held_out.data[chosen.numpy()]).permute(0, 3, 1, 2)
    labels = torch.tensor(held_out.targets)[chosen]
    measured = right_answers(scores(pixels), labels) / len(labels)
    if best - measured <= SLACK * math.sqrt(LOOKED_AT / images):
        return None
    got = f"{best:.1%} of the validation images by the history, {measured:.1%} by the weights"
    hint = hint or "weights and history of one run: was it trained again after one was written?"
    return message(expected, got, hint)
