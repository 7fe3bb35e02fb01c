"""[judge's kernel] How well the handed-in weights, or predictions, do on images whose labels only
the judge has. It runs the student's network as a program; the images never leave this process."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from skipgrade.judging.checks.asking import NoAnswerError
from skipgrade.judging.checks.network import RECORD, Network, NoProgramError, student_network
from skipgrade.judging.checks.preparing import preparation
from skipgrade.judging.checks.tiers import check_tiers
from skipgrade.judging.judge.holdout import PACK
from skipgrade.judging.judge.trial import Trial
from skipgrade.judging.printable import presentable
from skipgrade.judging.programs.program import BadProgramError
from skipgrade.judging.verdict import HiddenTestError, message
from skipgrade.lab.data import source
from skipgrade.lab.settings import on_drawn_images

BATCH = 200  # images between two looks at whether the verdict is certain
NORMALISED_AS = {PACK: "cifar10"}  # the final test shows CIFAR-10 images
SAMPLE = 2_000  # held-out images on which predictions are compared with their weights
SLACK = 0.01  # how much better than its weights' own answers a table may be, by rounding say
DOUBT = 1e-6  # the largest chance that the images not looked at would have changed a verdict
DIVERGED = "the network with its weights: has the training diverged? A lower rate helps."
TRAIN = "train with lab.fit and hand in the files it writes."

Scorer = Callable[[Tensor], Tensor]


@dataclass
class Score:
    """The share of the points earned, why not all, and what was measured."""

    share: float
    reason: str = ""
    note: str = ""
    measured: float | None = None  # an accuracy on held-out images
    bars: list[float] = field(default_factory=list)  # from which on it earns something


def tiers_from(at_least: float | None, tiers: Mapping[float, float] | None) -> dict[float, float]:
    """`at_least` is one tier that earns everything."""
    if (at_least is None) == (tiers is None):
        raise HiddenTestError("give either at_least or tiers")
    found = {at_least: 1.0} if at_least is not None else dict(tiers or {})
    try:
        check_tiers(found)
    except ValueError as error:
        raise HiddenTestError(str(error)) from error
    return found


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


def scorer(
    trial: Trial,
    expression: str,
    weights: str,
    data: str,
    prepare: str | None,
    expected: str,
) -> Scorer:
    """What gives the scores of raw images, by the student's network with the handed-in weights."""
    tensors = trial.handed_in.weights(weights)
    try:
        network = student_network(trial, expression, expected, "")
    except NoProgramError as error:
        raise NoAnswerError(
            message(expected, f"a forward pass that cannot be recorded: {error}", RECORD)
        ) from error
    must_fit(network, tensors, f"{weights}-best.safetensors", expected)
    prepared = preparation(trial, prepare, NORMALISED_AS.get(data, data))

    return lambda images: scores_of(network, tensors, prepared(images), expected)


def scores_of(network: Network, tensors: dict[str, Tensor], batch: Tensor, expected: str) -> Tensor:
    """The scores of prepared images; `NoAnswerError` for a network that gives none."""
    try:
        return network.scores(tensors, batch)
    except BadProgramError as error:
        raise NoAnswerError(message(expected, presentable(str(error)), "")) from error


def must_fit(network: Network, tensors: dict[str, Tensor], file: str, expected: str) -> None:
    try:
        network.loaded(tensors)
    except ValueError as error:
        got = f"{file} does not fit the network: {presentable(str(error))}"
        hint = "was it trained with the network that is now in the notebook?"
        raise NoAnswerError(message(expected, got, hint)) from error


def right_answers(scores: Tensor, labels: Tensor) -> int:
    """How many rows have their largest score at the label; one with a NaN has none."""
    sound = torch.isfinite(scores).all(dim=1)
    return int(((scores.argmax(dim=1) == labels) & sound).sum())


def by_weights(
    trial: Trial,
    expression: str,
    weights: str,
    data: str,
    tiers: Mapping[float, float],
    prepare: str | None,
    hint: str,
) -> Score:
    """Run the student's network with the handed-in weights, and mark its scores."""
    best = max(tiers)
    expected = (
        f"an accuracy of at least {percent(best)} on held-out images from "
        f"{weights}-best.safetensors"
    )
    try:
        scores = scorer(trial, expression, weights, data, prepare, expected)
        score = _mark(trial, data, tiers, scores, expected, hint)
    except NoAnswerError as error:
        return Score(0.0, error.args[0])
    if score.share < 1 and trained_on_drawn(trial, weights):
        score.reason = drawn_instead(expected, weights)
    return score


def trained_on_drawn(trial: Trial, run: str) -> bool:
    """Whether official images are asked for, and the run's history tells of the drawn ones.

    A claim: it decides what the student reads, not what is earned.
    """
    if source() == "builtin":
        return False
    try:
        return on_drawn_images(trial.handed_in.history(run).settings)
    except NoAnswerError:
        return False


def drawn_instead(expected: str, run: str) -> str:
    got = f"weights that were trained on the drawn images, as {run}-history.json says"
    return message(
        expected,
        got,
        f"you are graded on the official images: unset SKIPGRADE_DATASET, lab.forget({run!r}), and "
        "train again.",
    )


def percent(share: float) -> str:
    """As exact as it has to be: 63%, 1.5%."""
    return f"{100 * share:.4g}%"


def _correct_by_look(
    scores: Scorer, images: Tensor, labels: Tensor, expected: str
) -> Iterator[tuple[int, int]]:
    for batch, answers in zip(images.split(BATCH), labels.split(BATCH), strict=True):
        given = scores(batch)
        if not bool(torch.isfinite(given).any()):
            raise NoAnswerError(message(expected, "scores that are all NaN or infinite", DIVERGED))
        yield right_answers(given, answers), len(batch)


def _mark(
    trial: Trial,
    data: str,
    tiers: Mapping[float, float],
    scores: Scorer,
    expected: str,
    hint: str,
) -> Score:
    images, labels = trial.holdout(data)
    total, seen, correct = len(labels), 0, 0
    fewest, most = 0, total
    looks = _correct_by_look(scores, images, labels, expected)
    while earned(fewest, total, tiers) != earned(most, total, tiers):
        right, count = next(looks)
        correct, seen = correct + right, seen + count
        fewest, most = outlook(correct, seen, total)
    note = f"{correct} of {seen} held-out images right ({correct / max(seen, 1):.1%})"
    if seen < total:
        note += f"; the other {total - seen} would not change the verdict"
    share = earned(fewest, total, tiers)
    hint = hint or "more epochs, or a better schedule."
    reason = "" if share == 1.0 else message(expected, note, hint)
    return Score(share, reason, note, correct / seen if seen else None, sorted(tiers))


def by_predictions(
    trial: Trial,
    file: str,
    data: str,
    tiers: Mapping[float, float],
    hint: str,
    model: str | None = None,
    weights: str | None = None,
) -> Score:
    """Mark a table in the form of `lab.write_predictions`, a row for each held-out image."""
    images, labels = trial.holdout(data)
    expected = f"an accuracy of at least {percent(max(tiers))} from the predictions in {file}"
    try:
        predicted = trial.handed_in.predictions(
            file, rows=len(labels), classes=int(labels.max()) + 1
        )
    except NoAnswerError as error:
        return Score(0.0, error.args[0])
    correct = int((predicted == labels).sum())
    note = f"{correct} of {len(labels)} predictions right ({correct / len(labels):.1%})"
    if earned(correct, len(labels), tiers) > 0 and model is not None and weights is not None:
        wanted = f"weights in {weights}-best.safetensors that give what is in {file}"
        some, truth = images[:SAMPLE], labels[:SAMPLE]
        try:
            scores = scorer(trial, model, weights, data, None, wanted)
            counted = int(((predicted[:SAMPLE] == truth) & _given(scores, some, truth)).sum())
        except NoAnswerError as error:
            return Score(0.0, error.args[0], note)
        claimed = int((predicted[:SAMPLE] == truth).sum())
        if (excess := (claimed - counted) / len(truth) - SLACK) > 0:
            correct = max(0, int(correct - excess * len(labels)))
            note += (
                f"; of the first {len(truth)} the file has {claimed / len(truth):.1%} right, the "
                f"weights give {counted / len(truth):.1%}: counted as {correct / len(labels):.1%}"
            )
            hint = "write the file with the network and weights you hand in."
    share = earned(correct, len(labels), tiers)
    reason = "" if share == 1 else message(expected, note, hint)
    return Score(share, reason, note, correct / len(labels), sorted(tiers))


def _given(scores: Scorer, images: Tensor, labels: Tensor) -> Tensor:
    """Where the network itself says the label: of the image, its mirror image, or both together."""
    plain, mirrored = scores(images), scores(images.flip(3))
    answers = [part.argmax(1) for part in (plain, mirrored, plain.softmax(1) + mirrored.softmax(1))]
    sound = torch.isfinite(plain).all(1) & torch.isfinite(mirrored).all(1)
    return sound & torch.stack([answer == labels for answer in answers]).any(0)
