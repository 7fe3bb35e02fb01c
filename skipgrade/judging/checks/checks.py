"""[judge's kernel] The checks themselves, one method a word."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Collection, Mapping
from functools import wraps
from typing import Any, Concatenate, ParamSpec

import torch
from torch import Tensor

from skipgrade.judging.checks import accuracy, arriving, evaluating, make, parts, runs, stepping
from skipgrade.judging.checks import figure as figures
from skipgrade.judging.checks import function as functions
from skipgrade.judging.checks.asking import NoAnswerError, ask_student, value_of
from skipgrade.judging.checks.compare import Difference, difference
from skipgrade.judging.checks.learning import Fault
from skipgrade.judging.checks.network import (
    IMAGES,
    Network,
    NoProgramError,
    output_shapes,
    solution_network,
    student_network,
)
from skipgrade.judging.judge.trial import Trial, current
from skipgrade.judging.programs.program import BadProgramError
from skipgrade.judging.verdict import HiddenTestError, message

P = ParamSpec("P")
SHARE_OF_AKIN = 1 / 6  # what a network loses whose mistake may have cost its points elsewhere


def _check(
    method: Callable[Concatenate[Checks, Trial, P], str | Fault | None],
) -> Callable[Concatenate[Checks, P], None]:
    """Turn a method that returns a reason (or None) into a check with `worth`."""

    form = inspect.signature(method)

    @wraps(method)
    def run(self: Checks, /, *args: Any, worth: float | None = None, **kwargs: Any) -> None:
        trial = current()
        try:
            form.bind(self, trial, *args, **kwargs)
        except TypeError as error:
            raise HiddenTestError(f"check.{method.__name__}: {error}") from error
        try:
            found = method(self, trial, *args, **kwargs)
        except NoAnswerError as error:
            found = error.args[0]
        if isinstance(found, Fault):
            worth = found.share * (1.0 if worth is None else worth)
            found = found.reason
        if found is not None:
            trial.faulty |= parts.names_called(str(args[0])) if args else set()
            trial.deduct(found, worth)

    return run  # type: ignore[return-value]


class Checks:
    """`check.<word>(...)`: see each word."""

    def __getattr__(self, word: str) -> Any:
        words = ", ".join(sorted(name for name in vars(Checks) if not name.startswith("_")))
        raise HiddenTestError(f"there is no check.{word}; there are: {words}")

    @_check
    def equal(
        self, trial: Trial, /, expression: str, *, hint: str = "", tolerance: float = 1e-6,
        made_of: Collection[str] = (), to: Any = None, **arrays: Any,
    ) -> str | None:  # fmt: skip
        """One value, the same in both kernels. A bool is not a number, a list may be a tuple.

        `made_of` as in `check.function`; `to` is the value where it is known beforehand.
        """
        expected = to
        if to is None:
            expected = trial.solution.ask("value", expression=expression, arrays=arrays)
        wanted = value_of(expression, arrays)
        got = ask_student(trial, wanted, hint, "value", expression=expression, arrays=arrays)
        found = difference(expected, got, tolerance)
        if found and (wrong := trial.faulty.intersection(made_of)):
            found = _value_as_if(trial, expression, arrays, got, tolerance, wrong, found)
        return message(*found, hint) if found else None

    @_check
    def written(
        self, trial: Trial, name: str, *, hint: str = "", tolerance: float = 1e-6
    ) -> str | None:
        """A value the notebook writes down, as in `answer = True`: read there, not asked for."""
        expected = trial.solution.ask("value", expression=name, arrays={})
        got = trial.handed_in.written(
            name,
            otherwise=lambda: ask_student(
                trial, f"a value for {name}", hint, "value", expression=name, arrays={}
            ),
        )
        found = difference(expected, got, tolerance)
        return message(*found, hint) if found else None

    @_check
    def shapes(
        self, trial: Trial, /, expression: str, *, hint: str = "", of: str | None = None,
        **inputs: Any,
    ) -> str | None:  # fmt: skip
        """The shapes of all that a network or function gives for these inputs."""
        given = list(inputs.values())
        ours = output_shapes(solution_network(trial, expression, given, of).eval, given)
        wanted = f"shape {_told(ours)}"
        try:
            theirs = student_network(trial, expression, wanted, hint, given, of)
            got = output_shapes(theirs.eval, given)
        except NoProgramError:
            reason = functions.check(trial, expression, inputs, False, math.inf, hint, of)
            return message(wanted, "another shape", hint) if reason else None
        except BadProgramError as error:
            return message(wanted, str(error), hint)
        hint = hint or "print the shape after each layer."
        return message(wanted, f"shape {_told(got)}", hint) if got != ours else None

    @_check
    def parameters(
        self, trial: Trial, expression: str, *, hint: str = "", x: Tensor | None = None,
        also: Collection[int] = (), made_of: Collection[str] = (),
    ) -> str | Fault | None:  # fmt: skip
        """The number of trainable parameters of a network, every one of them used.

        Counted in its forward pass for images like `x`: 3 colours, 32 by 32, if nothing is said.
        `also` are other numbers that are right, as where a bias may be left out; `made_of` as in
        `check.function`.
        """
        given = [IMAGES if x is None else x]
        ours = solution_network(trial, expression, given)
        expected = ours.size()
        wanted = f"{expected:,} trainable parameters"
        hint = hint or "the sizes of the layers, and whether each has a bias."
        try:
            theirs = student_network(trial, expression, wanted, hint, given)
        except NoProgramError:  # what it computes with weights of these sizes tells as much
            images = torch.randn(given[0].shape, generator=trial.generator(expression))
            return functions.check(trial, expression, {"x": images}, False, 1e-6, hint)
        idle = theirs.size() - theirs.size(used=True)
        right = theirs.size() in {expected, *also}
        if right and idle <= ours.size() - ours.size(used=True):
            return None
        wrong = trial.faulty.intersection(made_of)
        if (made := _made_of(trial, expression, given, None, wrong)) is not None:
            shift = made.size() - expected
            right = theirs.size() - shift in {expected, *also}
            if right and idle <= made.size() - made.size(used=True):
                parts.note(trial, wrong)
                return None
        unused = f", {idle:,} of them never used in forward" if idle else ""
        return message(wanted, f"{theirs.size():,}{unused}", hint)

    @_check
    def function(
        self, trial: Trial, /, expression: str, *, hint: str = "", train: bool = True,
        tolerance: float = functions.TOLERANCE, of: str | None = None,
        made_of: Collection[str] = (), akin: Collection[str] = (), **inputs: Any,
    ) -> str | Fault | None:  # fmt: skip
        """The same function of its inputs: same weights in, same outputs and gradients out.

        In eval mode, and with `train` in train mode too; in float64, where `tolerance` bounds the
        largest difference relative to 1 plus the largest value. With `of`, `expression` is a
        function of that model and the inputs, as in "lambda net, x: first_activations(net, x)".

        `made_of` are parts with checks of their own. Those that failed there have cost their
        points: the network is then compared with the solution's made of the student's parts.
        `akin` are networks with checks of their own that the same code may make. Where one failed
        there and all weights of this one are there, what is wrong here costs a small share.
        """
        asked = (trial, expression, inputs, train, tolerance, hint, of)
        reason = functions.check(*asked)
        wrong = trial.faulty.intersection(made_of) if reason is not None else set()
        made = _made_of(trial, expression, list(inputs.values()), of, wrong)
        if made is not None:
            reason = functions.check(*asked, made)
            if reason is None:
                parts.note(trial, wrong)
        told = trial.faulty.intersection(akin)
        if isinstance(reason, str) and told and parts.all_there(trial, expression, inputs):
            parts.note(trial, told)
            return Fault(reason, SHARE_OF_AKIN)
        return reason

    def learns(
        self, step: str | None = None, evaluate: str | None = None, *,
        allow: Collection[str] = (), sets_mode: bool = False, as_float: bool = False,
        moves: bool = False, hint: str = "", worth: float | None = None,
    ) -> None:  # fmt: skip
        """A training step takes one step of the given optimizer; an evaluation loop evaluates.

        Each fault costs its own share. `allow` names what the text permits in addition to the step
        ("clipping"); `sets_mode`, `as_float`, `moves` are asked where the text asks for it: the
        step sets train mode itself, the loss is a Python float, the batch goes to the device of
        the model's parameters.
        """
        faults = []
        try:
            if step is not None:
                faults += stepping.check_step(current(), step, allow, sets_mode, as_float, hint)
            if evaluate is not None:
                faults += evaluating.check_evaluation(current(), evaluate, hint)
            if moves and all(share < 1.0 for _, share in faults):
                for name, evaluates in ((step, False), (evaluate, True)):
                    if name is not None:
                        faults += arriving.check_devices(current(), name, evaluates, hint)
        except NoAnswerError as error:
            faults.append(Fault(error.args[0], 1.0))
        for reason, share in faults:
            whole = share == 1.0 and worth is None
            current().deduct(reason, None if whole else share * (1.0 if worth is None else worth))

    @_check
    def figure(
        self, trial: Trial, expression: str, *, hint: str = "",
        curves: int | Mapping[str, Any] | None = None, xlabel: bool = True, ylabel: bool = True,
        legend: bool = True, length: int | str | None = None, percent: bool = False,
    ) -> str | None:  # fmt: skip
        """What a figure shows: curves (how many, or {label: its values}), labels, lengths.

        With `percent`, a curve of fractions may be drawn in percent.
        """
        asked = figures.Asked(curves, xlabel, ylabel, legend, length, percent)
        return figures.check(trial, expression, asked, hint)

    @_check
    def same_make(self, trial: Trial, expression: str, like: str, *, hint: str = "") -> str | None:
        """Two networks of the student's differ in their sizes alone: what other tests saw of
        `like` holds for `expression` as well."""
        return make.check(trial, expression, like, hint)

    @_check
    def run(
        self, trial: Trial, name: str, model: str, *, data: str = "cifar10",
        prepare: str | None = None, val: int = 5000, images: int | None = None, hint: str = "",
    ) -> str | None:  # fmt: skip
        """The weights of the run `name` do about what its history says, in this model, on so many
        of the `val` images that `lab.load` held out."""
        return runs.check(trial, name, model, data, prepare, val, images, hint)

    @_check
    def that(
        self, trial: Trial, condition: bool, *, expected: str, got: str, hint: str = "",
        part: str = "", as_if: bool = False, made_of: Collection[str] = (),
    ) -> str | None:  # fmt: skip
        """A condition in the judge's own words, for what the other checks do not cover.

        `part` is the name of what fails with it. Where a part that this is `made_of` has failed in
        a check of its own, it is enough that `as_if` holds.
        """
        if bool(condition):
            return None
        if bool(as_if) and (wrong := trial.faulty.intersection(made_of)):
            parts.note(trial, wrong)
            return None
        trial.faulty |= {part} - {""}
        return message(expected, str(got), hint)

    def accuracy(
        self, expression: str, *, weights: str, data: str = "cifar10",
        at_least: float | None = None, tiers: Mapping[float, float] | None = None,
        prepare: str | None = None, hint: str = "", worth: float | None = None,
    ) -> None:  # fmt: skip
        """The accuracy of the handed-in weights in the student's model, on held-out images.

        `at_least` is all or nothing; `tiers` maps an accuracy to the share of the points earned
        from it on. Stops as soon as the verdict on the whole set is certain
        except with a chance of one in a million.
        """
        steps = accuracy.tiers_from(at_least, tiers)
        score = accuracy.by_weights(current(), expression, weights, data, steps, prepare, hint)
        _settle(current(), score, worth)

    def predictions(
        self, file: str, *, data: str = "cifar10", at_least: float | None = None,
        tiers: Mapping[float, float] | None = None, model: str | None = None,
        weights: str | None = None, hint: str = "", worth: float | None = None,
    ) -> None:  # fmt: skip
        """The accuracy of a handed-in table of predictions, row by row validated.

        `model` and `weights` (as `expr` and `weights` of `accuracy`) have the judge try the
        handed-in weights too: predictions that are far better than those did not come from them.
        """
        steps = accuracy.tiers_from(at_least, tiers)
        score = accuracy.by_predictions(current(), file, data, steps, hint, model, weights)
        _settle(current(), score, worth)


def _made_of(
    trial: Trial, expression: str, inputs: list[Tensor], of: str | None, wrong: set[str]
) -> Network | None:
    """The solution's network with the student's wrong parts; None where there is none such."""
    if not wrong:
        return None
    try:
        return parts.network_of_parts(trial, expression, inputs, of, wrong)
    except parts.NoSuchNetworkError:
        return None


def _value_as_if(
    trial: Trial, expression: str, arrays: dict[str, Any], got: Any, tolerance: float,
    wrong: set[str], found: Difference,
) -> Difference | None:  # fmt: skip
    """What is still different when the wrong parts are the student's on both sides."""
    try:
        due = parts.value_of_parts(trial, expression, arrays, wrong)
    except parts.NoSuchNetworkError:
        return found
    found_as_if = difference(due, got, tolerance)
    if found_as_if is None:
        parts.note(trial, wrong)
    return found_as_if


def _told(shapes: list[tuple[int, ...]]) -> str:
    return str(shapes[0]) if len(shapes) == 1 else str(shapes)


def _settle(trial: Trial, score: accuracy.Score, worth: float | None) -> None:
    if score.note:
        trial.notes.append(score.note)
    if score.measured is not None:
        trial.accuracies.append({"accuracy": score.measured, "bars": score.bars})
    if score.share == 0:
        trial.deduct(score.reason, worth)
    elif score.share < 1:
        trial.deduct(score.reason, (1 - score.share) * (1.0 if worth is None else worth))
