"""How well the handed-in weights, or predictions, do on images whose labels only the judge has."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from skipgrade import lab
from skipgrade.judging.checks.asking import NoAnswer, ask_student
from skipgrade.judging.holdout import PACK
from skipgrade.judging.parties import presentable
from skipgrade.judging.session import Session
from skipgrade.judging.verdict import message
from skipgrade.lab.predicted import parse_predictions

BATCH = 200
SECONDS = 60.0  # for one batch
NORMALISED_AS = {PACK: "cifar10"}  # the final test shows CIFAR-10 images
SAMPLE = 2_000  # held-out images on which predictions are compared with their weights
SLACK = 0.03  # how much better than their weights predictions count: averaged over flips, say
DOUBT = 1e-6  # the largest chance that the images not looked at would have changed a verdict


@dataclass
class Score:
    """The share of the points earned, why not all, and what was measured."""

    share: float
    reason: str = ""
    note: str = ""


def tiers_from(at_least: float | None, tiers: Mapping[float, float] | None) -> dict[float, float]:
    """`at_least` is one tier that earns everything."""
    if (at_least is None) == (tiers is None):
        raise TypeError("give either at_least or tiers")
    return {at_least: 1.0} if at_least is not None else dict(tiers or {})


def earned(correct: int, total: int, tiers: Mapping[float, float]) -> float:
    """The share the best tier reached by `correct` of `total` earns."""
    reached = [share for accuracy, share in tiers.items() if correct >= accuracy * total - 1e-9]
    return max(reached, default=0.0)


def outlook(correct: int, seen: int, total: int) -> tuple[int, int]:
    """The fewest and the most right answers there can be among all images, beyond `DOUBT`.

    The images come in an order drawn at random, so the part seen tells of the rest (Serfling's
    inequality, for every look taken on the way together).
    """
    fewest, most = correct, correct + total - seen
    if 0 < seen < total:
        looks = math.ceil(total / BATCH)
        spread = math.log(2 * looks / DOUBT) * (1 - (seen - 1) / total) / (2 * seen)
        share, error = correct / seen, math.sqrt(spread)
        fewest = max(fewest, math.floor((share - error) * total))
        most = min(most, math.ceil((share + error) * total))
    return fewest, most


def by_weights(
    session: Session,
    expression: str,
    weights: str,
    data: str,
    tiers: Mapping[float, float],
    prepare: str | None,
    hint: str,
) -> Score:
    """Load the weights into the student's model, in the student's kernel, and mark its scores."""
    best = max(tiers)
    expected = (
        f"an accuracy of at least {best:.0%} on held-out images from {weights}-best.safetensors"
    )
    try:
        _open(session, expected, hint, expression, weights, prepare)
        return _mark(session, data, tiers, expected, hint)
    except NoAnswer as error:
        return Score(0.0, str(error))


def _open(
    session: Session, expected: str, hint: str, expression: str, weights: str, prepare: str | None
) -> None:
    """Have the student's kernel load the weights into the model; `NoAnswer` where they do not."""
    opened = ask_student(
        session, expected, hint, "open model", expression=expression, weights=weights,
        prepare=prepare,
    )  # fmt: skip
    problem = opened.get("problem", "") if isinstance(opened, dict) else "no answer"
    if problem is not None:
        hint = hint or "train with lab.fit and hand in the files it writes."
        raise NoAnswer(message(expected, presentable(problem), hint))


def _correct_by_batch(
    session: Session, data: str, images: Tensor, labels: Tensor, expected: str, hint: str
) -> Iterator[tuple[int, int]]:
    """Of one batch of raw images after the other: how many the open model has right, of how many.

    An image with a score that is no number counts as wrong.
    """
    mean, std = (list(part) for part in lab.normalisation(NORMALISED_AS.get(data, data)))
    for batch, answers in zip(images.split(BATCH), labels.split(BATCH), strict=True):
        scores = ask_student(
            session, expected, hint, "scores", images=batch, mean=mean, std=std, seconds=SECONDS
        )
        if not isinstance(scores, Tensor) or scores.ndim != 2 or len(scores) != len(batch):
            raise NoAnswer(message(expected, "no score for every image and class", hint))
        sound = torch.isfinite(scores).all(dim=1)
        yield int(((scores.argmax(dim=1) == answers) & sound).sum()), len(batch)


def _mark(
    session: Session, data: str, tiers: Mapping[float, float], expected: str, hint: str
) -> Score:
    images, labels = session.holdout(data)
    total, seen, correct = len(labels), 0, 0
    fewest, most = 0, total
    batches = _correct_by_batch(session, data, images, labels, expected, hint)
    while earned(fewest, total, tiers) != earned(most, total, tiers):
        right, count = next(batches)
        correct, seen = correct + right, seen + count
        fewest, most = outlook(correct, seen, total)
    note = f"{correct} of {seen} held-out images right ({correct / max(seen, 1):.1%})"
    if seen < total:
        note += f"; the other {total - seen} would not change the verdict"
    share = earned(fewest, total, tiers)
    if share == 1.0:
        return Score(1.0, note=note)
    return Score(share, message(expected, note, hint or "more epochs, or a better schedule."), note)


def by_predictions(
    session: Session,
    file: str,
    data: str,
    tiers: Mapping[float, float],
    hint: str,
    model: str | None = None,
    weights: str | None = None,
) -> Score:
    """Mark a table in the form of `lab.write_predictions`, a row for each held-out image."""
    images, labels = session.holdout(data)
    expected = f"an accuracy of at least {max(tiers):.0%} from the predictions in {file}"
    wanted = f"{len(labels)} rows 'id,label' in {file}"
    try:
        text = ask_student(
            session, expected, hint, "value", arrays={},
            expression=f"__import__('pathlib').Path({file!r}).read_text()",
        )  # fmt: skip
        predicted = parse_predictions(str(text), file, classes=int(labels.max()) + 1)
    except NoAnswer as error:
        return Score(0.0, str(error))
    except lab.LabError as error:
        return Score(0.0, message(wanted, presentable(str(error), limit=600), hint))
    if len(predicted) != len(labels):
        return Score(0.0, message(wanted, f"{len(predicted)} rows", hint))
    correct = int((predicted == labels).sum())
    note = f"{correct} of {len(labels)} predictions right ({correct / len(labels):.1%})"
    if earned(correct, len(labels), tiers) > 0 and model is not None and weights is not None:
        wanted = f"weights in {weights}-best.safetensors that give what is in {file}"
        some, truth = images[:SAMPLE], labels[:SAMPLE]
        try:
            _open(session, wanted, hint, model, weights, None)
            batches = _correct_by_batch(session, data, some, truth, expected, hint)
            counted = sum(right for right, _ in batches)
        except NoAnswer as error:
            return Score(0.0, str(error), note)
        claimed = int((predicted[:SAMPLE] == truth).sum())
        if (excess := (claimed - counted) / len(truth) - SLACK) > 0:
            correct = max(0, int(correct - excess * len(labels)))
            note += (
                f"; of the first {len(truth)} the weights have {counted / len(truth):.1%} right, "
                f"the file {claimed / len(truth):.1%}: counted as {correct / len(labels):.1%}"
            )
            hint = "write the file with the network and weights you hand in."
    share = earned(correct, len(labels), tiers)
    return Score(share, "" if share == 1 else message(expected, note, hint), note)
