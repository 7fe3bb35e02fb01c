"""[judge's kernel] Check.learns(evaluate=...): are loss and accuracy those of all images, in
evaluation mode?
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from skipgrade.judging.checks.asking import ask_student
from skipgrade.judging.checks.learning import (
    CLASSES,
    FEATURES,
    TOLERANCE,
    Draw,
    Fault,
    State,
    first_fit,
    gap,
    has_form,
    tolerance,
)
from skipgrade.judging.judge.trial import Trial
from skipgrade.judging.questions.learning import Probe, Problem, Scaled
from skipgrade.judging.verdict import message

Answer = dict[str, Any]
EXACT = TOLERANCE[torch.float64]
EXPECTED = "(loss, accuracy) over all images of the loader"


def check_evaluation(trial: Trial, evaluate: str, hint: str) -> list[Fault]:
    problems = draw_problems(Draw(trial.generator(f"evaluation {evaluate}")))
    got = ask_student(
        trial, EXPECTED, hint, "evaluation", evaluate_name=evaluate, problems=problems
    )
    like = [
        {"result": None, "state": p["state"], "recorded": True, "switched off": True}
        for p in problems
    ]
    if not has_form(got, like):
        return [Fault(message(EXPECTED, "a malformed answer", hint), 1.0)]
    if not all(_two_numbers(answer["result"]) for answer in got):
        return [Fault(message(EXPECTED, "something that is not two numbers", hint), 1.0)]
    training, faults = _left_behind(got, problems)
    known = 1 if training else 2  # dropout's numbers are nobody's to know
    passes = [measure(problem, training) for problem in problems[:known]]
    faults += _numbers(got[:known], passes, hint)
    if any(answer["recorded"] is not False for answer in got):
        faults.append(Fault(_recorded_message(), 0.25))
    if any(answer["switched off"] is not False for answer in got):
        faults.append(Fault(_switched_off_message(), 0.25))
    return faults


def draw_problems(draw: Draw) -> list[Problem]:
    """One problem without dropout, one with. Some images are labelled wrong, and those of the last
    batch, which is smaller, all are: that batch's own loss and accuracy are far from the mean."""
    first, second = draw.losses()
    return [_draw_problem(draw, first, dropout=0.0), _draw_problem(draw, second, dropout=0.5)]


def _draw_problem(draw: Draw, loss: dict[str, Any], dropout: float) -> Problem:
    size, full, rest = draw.count(6, 9), draw.count(3, 4), draw.count(2, 3)
    count = size * full + rest
    state = draw.state()
    images = _clear_cut(state, draw.normal(4 * count, *FEATURES), count)
    labels = _scores(state, images).argmax(1)
    wrong = [*range(draw.count(1, size)), *range(size * full, count)]
    labels[wrong] = (labels[wrong] + draw.count(1, CLASSES - 1)) % CLASSES
    return {
        "state": state, "dropout": dropout, "images": images, "labels": labels,
        "batch size": size, "loss": {**loss, "scale": draw.between(0.2, 5)},
    }  # fmt: skip


def _clear_cut(state: State, images: Tensor, count: int) -> Tensor:
    """The images whose best class is furthest ahead, so that no rounding makes another the best."""
    first, second = _scores(state, images).topk(2).values.unbind(1)
    return images[(first - second).topk(count).indices.flip(0)]


def _scores(state: State, images: Tensor) -> Tensor:
    with torch.no_grad():
        return Probe(state).eval()(images)


class Passes(NamedTuple):
    """What the batches of one pass gave, one number a batch, and what the pass left behind."""

    loss: Tensor
    cross_entropy: Tensor
    right: Tensor
    sizes: Tensor
    state: State


def measure(problem: Problem, training: bool) -> Passes:
    model, loss_fn = Probe(problem["state"]).train(training), Scaled(**problem["loss"])
    batches = [part.split(problem["batch size"]) for part in (problem["images"], problem["labels"])]
    rows = []
    with torch.no_grad():
        for images, labels in zip(*batches, strict=True):
            scores = model(images)
            right = (scores.argmax(1) == labels).sum()
            losses = loss_fn(scores, labels), F.cross_entropy(scores, labels)
            rows.append((*map(float, losses), float(right), float(len(labels))))
    columns = torch.tensor(rows, dtype=torch.float64).unbind(1)
    return Passes(columns[0], columns[1], columns[2], columns[3], model.state())


Number = Callable[[Passes], Tensor]
OTHER_NUMBER = "the other of the two numbers"
LOSS: dict[str, Number] = {
    "": lambda p: (p.loss * p.sizes).sum() / p.sizes.sum(),
    "the mean over batches": lambda p: p.loss.mean(),
    "the sum over images": lambda p: (p.loss * p.sizes).sum(),
    "the sum of the batches' means": lambda p: p.loss.sum(),
    "the batches' means, divided by the number of images": lambda p: p.loss.sum() / p.sizes.sum(),
    "the value of the last batch alone": lambda p: p.loss[-1],
    "the value of the first batch alone": lambda p: p.loss[0],
    "the value without the last batch": lambda p: p.loss[:-1].mean(),
    "the cross entropy, whatever loss_fn is":
        lambda p: (p.cross_entropy * p.sizes).sum() / p.sizes.sum(),
    OTHER_NUMBER: lambda p: p.right.sum() / p.sizes.sum(),
}  # fmt: skip
ACCURACY: dict[str, Number] = {
    "": lambda p: p.right.sum() / p.sizes.sum(),
    "a percentage": lambda p: 100 * p.right.sum() / p.sizes.sum(),
    "the mean over batches": lambda p: (p.right / p.sizes).mean(),
    "the number of right answers": lambda p: p.right.sum(),
    "the right answers, divided by the number of batches": lambda p: p.right.mean(),
    "the share of wrong answers": lambda p: 1 - p.right.sum() / p.sizes.sum(),
    "the value of the last batch alone": lambda p: p.right[-1] / p.sizes[-1],
    "the value of the first batch alone": lambda p: p.right[0] / p.sizes[0],
    "the value without the last batch": lambda p: p.right[:-1].sum() / p.sizes[:-1].sum(),
    OTHER_NUMBER: lambda p: (p.loss * p.sizes).sum() / p.sizes.sum(),
}
HINTS = {
    "the mean over batches": "the last batch is smaller: weigh each by its number of images.",
    "the batches' means, divided by the number of images":
        "a batch's mean, times its number of images, is a sum one may add up.",
    "a percentage": "a fraction from 0 to 1.",
    "the cross entropy, whatever loss_fn is": "loss_fn is an argument: use it.",
    OTHER_NUMBER: "first the loss, then the accuracy.",
}  # fmt: skip


def _left_behind(got: list[Answer], problems: list[Problem]) -> tuple[bool, list[Fault]]:
    """Whether the passes were made in train mode, and what is wrong with the models afterwards."""
    befores = [problem["state"] for problem in problems]
    if all(_same(answer["state"], one) for answer, one in zip(got, befores, strict=True)):
        return False, []
    state, before = got[0]["state"], befores[0]
    moved = measure(problems[0], training=True).state
    if gap(state, moved, before, list(before)) <= tolerance(state):
        told = "the model in eval mode while it is evaluated", "a forward pass in train mode"
        hint = "model.eval(): without it dropout drops and batch norm learns from test images."
        return True, [Fault(message(*told, hint), 0.75)]
    told = "a model that evaluation does not change", "changed weights or running statistics"
    return False, [Fault(message(*told, "an evaluation only looks."), 0.5)]


def _same(state: State, before: State) -> bool:
    return all(torch.equal(state[name], before[name].to(state[name])) for name in before)


def _recorded_message() -> str:
    return message(
        "no gradients recorded while evaluating", "a forward pass that records them",
        "torch.no_grad() around the loop: without it memory fills with graphs nobody uses.",
    )  # fmt: skip


def _switched_off_message() -> str:
    return message(
        "gradients recorded again after an evaluation", "gradients switched off for good",
        "`with torch.no_grad():` switches them on again at its end; a training step needs them.",
    )  # fmt: skip


def _two_numbers(result: Any) -> bool:
    return (
        isinstance(result, (list, tuple))
        and len(result) == 2
        and all(type(number) is float for number in result)
    )


def _numbers(got: list[Answer], passes: list[Passes], hint: str) -> list[Fault]:
    """What is wrong with the two numbers; both wrong in the same way is one fault."""
    losses, accuracies = zip(*(answer["result"] for answer in got), strict=True)
    within = max(tolerance(answer["state"]) for answer in got)
    said = {
        "the mean loss over all images": _said(losses, LOSS, passes, within),
        "the share of images classified right": _said(accuracies, ACCURACY, passes, EXACT),
    }
    if len({*said.values()}) == 1:
        said = {EXPECTED: said.popitem()[1]}
    return [
        Fault(message(wanted, name, hint or HINTS.get(name, "what is added up and divided.")), 0.5)
        for wanted, name in said.items()
        if name
    ]


def _said(
    got: Sequence[float], table: dict[str, Number], passes: list[Passes], within: float
) -> str:
    """What was returned, in words; nothing when it is right."""
    due = {name: [float(number(p)) for p in passes] for name, number in table.items()}
    fit = first_fit(got, due, within)
    return f"{got[0]:.4f} instead of {due[''][0]:.4f}" if fit is None else fit
