"""[judge's kernel] Check.learns(step=...): is it one step of the given optimizer, on the given
loss, every time?

The judge takes the same steps itself. Where the weights that came back are others, it tries the
usual mistakes, and names the one that gives the same.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from functools import partial
from typing import Any

import torch
from torch import Tensor

from skipgrade.judging.checks.asking import ask_student
from skipgrade.judging.checks.learning import (
    FEATURES,
    Draw,
    Fault,
    first_fit,
    gap,
    has_form,
    near,
    tolerance,
)
from skipgrade.judging.checks.mistakes import (
    MISTAKES,
    RETURNED,
    gradient_length,
    reference_step,
)
from skipgrade.judging.judge.trial import Trial
from skipgrade.judging.printable import presentable
from skipgrade.judging.questions.learning import Problem, take_steps
from skipgrade.judging.verdict import message

Answer = dict[str, Any]
ALLOWED = {"clipping"}
LIMIT = 0.1  # clipping, where it is allowed, is allowed from here on
WEIGHTS = ["first.weight", "norm.weight", "norm.bias", "last.weight", "last.bias"]
BUFFERS = ["norm.running_mean", "norm.running_var", "norm.num_batches_tracked"]
ONE_STEP = "one step of the given optimizer on the loss of the batch, from cleared gradients"


def check_step(
    trial: Trial,
    step: str,
    allow: Collection[str],
    sets_mode: bool,
    as_float: bool,
    hint: str,
) -> list[Fault]:
    """`allow` may hold "clipping": the gradients are then just too small for the least `LIMIT`.
    `sets_mode`: a model in eval mode is to be trained in train mode all the same."""
    if unknown := set(allow) - ALLOWED:
        raise ValueError(f"allow={sorted(unknown)}: only {sorted(ALLOWED)} can be allowed")
    draw = Draw(trial.generator(f"training step {step}"))
    problems = draw_problems(draw, "clipping" in allow, sets_mode)
    got = ask_student(trial, ONE_STEP, hint, "training step", step=step, problems=problems)
    due = take(problems)
    if not has_form(got, due):
        return [Fault(message(ONE_STEP, "a malformed answer", hint), 1.0)]
    faults = []
    if sets_mode and not _fit(got, due, problems, WEIGHTS):
        left_alone = take(problems, training=None)
        if _fit(got, left_alone, problems, WEIGHTS):
            due = left_alone
            faults.append(Fault(_mode_message(), 0.25))
    if not _fit(got, due, problems, WEIGHTS):
        modes = (True, None) if sets_mode else (True,)
        return [Fault(_wrong_weights(got, due, problems, modes, hint), 1.0)]
    if not _fit(got, due, problems, BUFFERS):
        passes = "a batch norm whose statistics are not those of one forward pass in train mode"
        wanted = "one forward pass of the model in each step"
        faults.append(Fault(message(wanted, passes, "model(images), once."), 0.5))
    return faults + _returned(got, due, problems, as_float, hint)


def draw_problems(draw: Draw, small: bool, sets_mode: bool) -> list[Problem]:
    """Two problems of two steps. The gradients of the first are far beyond any usual limit for
    clipping, or, if `small`, just below the least that is allowed; those of the second are so
    small that any decay of its own shows."""
    scales = [draw.between(200, 800)]
    scales.append(draw.between(2e-4, 8e-4))
    optimizers = [
        ("SGD", {
            "lr": draw.between(0.1, 0.3) / scales[0],
            "momentum": draw.between(0.5, 0.95),
            "weight_decay": draw.between(0.01, 0.05) * scales[0],
        }),
        ("AdamW", {
            "lr": draw.between(0.05, 0.15),
            "betas": (draw.between(0.5, 0.9), draw.between(0.9, 0.99)),
            "eps": draw.between(0.05, 0.2) * scales[1],
            "weight_decay": draw.between(0.05, 0.3),
        }),
    ]  # fmt: skip
    problems: list[Problem] = [
        {
            "state": draw.state(),
            "loss": {**loss, "scale": scale},
            "optimizer": optimizer,
            "settings": settings,
            "batches": [_draw_batch(draw, draw.count(6, 16)) for _ in range(2)],
            "training": not (sets_mode and optimizer == "AdamW"),
        }
        for loss, scale, (optimizer, settings) in zip(
            draw.losses(), scales, optimizers, strict=True
        )
    ]
    return [_below(LIMIT, problems[0]), problems[1]] if small else problems


def _below(limit: float, problem: Problem) -> Problem:
    """The same steps, from gradients that clipping at `limit` leaves as they are."""
    lengths: list[Tensor] = []
    noting = partial(reference_step, change=lambda model: lengths.append(gradient_length(model)))
    take_steps(noting, problem)
    factor = 0.9 * limit / max(map(float, lengths))
    loss, settings = problem["loss"], problem["settings"]
    return problem | {
        "loss": loss | {"scale": loss["scale"] * factor},
        "settings": settings
        | {"lr": settings["lr"] / factor, "weight_decay": settings["weight_decay"] * factor},
    }


def _draw_batch(draw: Draw, count: int) -> list[Tensor]:
    return [draw.normal(count, *FEATURES), draw.labels(count)]


def take(problems: list[Problem], **otherwise: Any) -> list[Answer]:
    return [take_steps(partial(reference_step, **otherwise), problem) for problem in problems]


def _fit(got: list[Answer], due: list[Answer], problems: list[Problem], names: list[str]) -> bool:
    return all(
        worst_gap(answer, right, problem, names) <= tolerance(answer["states"][0])
        for answer, right, problem in zip(got, due, problems, strict=True)
    )


def worst_gap(got: Answer, due: Answer, problem: Problem, names: list[str]) -> float:
    """The larger gap of the two steps; NaN if either is."""
    first, second = due["states"]
    gaps = [
        gap(got["states"][0], first, problem["state"], names),
        gap(got["states"][1], second, first, names),
    ]
    return float(torch.tensor(gaps).max())


def _wrong_weights(
    got: list[Answer],
    due: list[Answer],
    problems: list[Problem],
    modes: Collection[bool | None],
    hint: str,
) -> str:
    for said, look, otherwise in MISTAKES:
        for mode in modes:
            mistaken = take(problems, **{"training": mode, **otherwise})
            if _fit(got, mistaken, problems, WEIGHTS):
                return message(ONE_STEP, f"weights that moved as if {said}", hint or look)
    return message(ONE_STEP, _where_first(got, due, problems), hint or "the five moves, in order.")


def _where_first(got: list[Answer], due: list[Answer], problems: list[Problem]) -> str:
    for answer, right, problem in zip(got, due, problems, strict=True):
        away = gap(answer["states"][0], right["states"][0], problem["state"], WEIGHTS)
        if not math.isfinite(away):
            return "weights that are no longer numbers"
        if away > tolerance(answer["states"][0]):
            shown = f"by {away:.0%} of the step's length" if away < 100 else "by far"
            return f"weights that moved differently: {shown} in the very first step"
    return "weights that moved as they should in a first step, and differently in the second"


def _mode_message() -> str:
    return message(
        "a model that was in evaluation mode to be trained in training mode",
        "a step in evaluation mode", "train_step itself sets the mode.",
    )  # fmt: skip


def _returned(
    got: list[Answer], due: list[Answer], problems: list[Problem], as_float: bool, hint: str
) -> list[Fault]:
    told = _told(got)
    within = max(tolerance(answer["states"][0]) for answer in got)
    wanted = "the loss of the batch, as it was before the step, returned by every call"
    if not all(near(*pair, within) for pair in zip(told, _told(due), strict=True)):
        candidates = {name: _told(take(problems, report=f)) for name, f in RETURNED.items()}
        said = first_fit(told, candidates, within) or "another value"
        if not all(loss is not None and math.isfinite(loss) for loss in told):
            said = "something that is not a number"
        look = hint or "what the function returns: loss.item()?"
        return [Fault(message(wanted, said, look), 0.5)]
    kinds = {kind for answer in got for kind in answer["kinds"]}
    if as_float and not kinds <= {"float", "float64"}:
        kinds_told = presentable(" and a ".join(sorted(map(str, kinds))), 60)
        kept = "a tensor that keeps its graph alive keeps the memory of the whole step."
        return [Fault(message("the loss as a Python float", f"a {kinds_told}", kept), 0.25)]
    return []


def _told(answers: list[Answer]) -> list[Any]:
    return [loss for answer in answers for loss in answer["losses"]]
