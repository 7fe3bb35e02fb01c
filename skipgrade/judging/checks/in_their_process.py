"""[judge's kernel] `check.function` for a forward pass that cannot be told as a program.

The student's process takes it, with inputs and weights it could not know beforehand, and says
what came out. The verdict, and every page that shows it, says that it was measured there.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from skipgrade.judging.checks.asking import NoAnswerError, ask_student
from skipgrade.judging.checks.compare import largest_gap
from skipgrade.judging.judge.trial import Trial
from skipgrade.judging.programs.naming import SCHEMES
from skipgrade.judging.verdict import message

RECORD = "torch's operations on the whole batch, with torch's own gradients."
TOLERANCE_FLOAT32 = 1e-3
NETWORK_TIMEOUT_S = 120.0
FIELDS = {"precision", "keys", "layers", "outputs", "gradients", "input gradients"}


def check(
    trial: Trial,
    expression: str,
    inputs: dict[str, Any],
    train: bool,
    tolerance: float,
    hint: str,
    why: str,
) -> str | None:
    if not trial.accept_unrecorded:
        return message("a forward pass that the judge can run itself", why, RECORD)
    trial.notes.append(f"measured in the student's process: {why}")
    seed = int(torch.randint(2**62, (), generator=trial.generator(f"in process {expression}")))
    arrays = {"arrays": inputs, "seed": seed}
    for scheme in SCHEMES:
        theirs = _ask(trial, expression, hint, scheme=scheme, without=[], train=False, **arrays)
        ours = _solution(
            trial, expression, theirs, scheme=scheme, without=[], train=False, **arrays
        )
        without = _odd_biases(ours["keys"], theirs["keys"])
        if without is not None:
            break
    else:
        return _structure(ours["layers"], theirs["layers"], hint)
    for mode in (False, True) if train else (False,):
        request = {**arrays, "scheme": scheme, "without": without, "train": mode}
        if without or mode:
            theirs = _ask(trial, expression, hint, **request)
            ours = _solution(trial, expression, theirs, **request)
        if reason := _compare(ours, theirs, "train" if mode else "eval", tolerance, hint):
            return reason
    return None


def _ask(trial: Trial, expression: str, hint: str, **request: Any) -> dict[str, Any]:
    expected = "something callable with the inputs the text describes"
    theirs = ask_student(
        trial,
        expected,
        hint,
        "function",
        expression=expression,
        seconds=NETWORK_TIMEOUT_S,
        **request,
    )
    if not isinstance(theirs, dict) or set(theirs) != FIELDS:
        raise NoAnswerError(message(expected, "a malformed answer", hint))
    return theirs


def _solution(
    trial: Trial, expression: str, theirs: dict[str, Any], **request: Any
) -> dict[str, Any]:
    precision = "float32" if theirs["precision"] == "float32" else None
    return trial.solution.ask("function", expression=expression, precision=precision, **request)


def _odd_biases(ours: dict[str, str], theirs: dict[str, str]) -> list[str] | None:
    """The biases only one side has; None when anything else is on one side only.

    A bias set to zero changes no function, so having one or not makes no difference.
    """
    odd = {**ours, **theirs}.keys() - (ours.keys() & theirs.keys())
    roles = {**ours, **theirs}
    return sorted(odd) if all(roles[key] == "optional bias" for key in odd) else None


def _structure(ours: list[str], theirs: list[str], hint: str) -> str:
    hint = hint or "the layers in the order in which forward uses them."
    for index, (expected, got) in enumerate(zip(ours, theirs, strict=False)):
        if expected != got:
            where = f"layer {index + 1} in order of use"
            return message(f"{where}: {expected}", str(got)[:120], hint)
    if len(ours) == len(theirs):
        return message(
            "the layers connected as the text says", "the same layers, connected differently", hint
        )
    return message(f"{len(ours)} layers with weights", f"{len(theirs)}", hint)


def _compare(
    ours: dict[str, Any], theirs: dict[str, Any], mode: str, tolerance: float, hint: str
) -> str | None:
    if theirs["precision"] == "float32":
        tolerance = max(tolerance, TOLERANCE_FLOAT32)
    where = "with the same weights and inputs" if ours["keys"] else "for the same inputs"
    pairs = [
        ("outputs", ours["outputs"], theirs["outputs"]),
        ("input gradients", ours["input gradients"], theirs["input gradients"]),
        ("gradients of the weights", *_shared(ours["gradients"], theirs["gradients"])),
    ]
    for what, expected, got in pairs:
        if found := _differ(expected, got, tolerance):
            wanted = f"the reference's {what} {where} (in {mode} mode, within {tolerance:g})"
            return message(wanted, found, hint or "the order of layers and activations in forward.")
    return None


def _shared(ours: Any, theirs: Any) -> tuple[list[Any], list[Any]]:
    keys = [key for key in ours if isinstance(theirs, dict) and key in theirs]
    return [ours[key] for key in keys], [theirs[key] for key in keys]


def _differ(expected: list[Tensor], got: Any, tolerance: float) -> str | None:
    if not isinstance(got, list) or len(got) != len(expected):
        return "a different number of results"
    for one, other in zip(expected, got, strict=True):
        if not isinstance(other, Tensor) or other.shape != one.shape:
            return f"shape {tuple(getattr(other, 'shape', ()))} instead of {tuple(one.shape)}"
        gap = largest_gap(one, other)
        scale = 1 + (float(one.double().abs().max()) if one.numel() else 0.0)
        if not gap <= tolerance * scale:
            return f"values that differ by up to {gap:.3g}"
    return None
