"""[judge's kernel] Two networks are the same function when, with the same weights, they give the
same scores and gradients. The judge runs both, the student's and the solution's, as programs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

import torch
from torch import Tensor

from skipgrade.judging.checks import in_their_process
from skipgrade.judging.checks.compare import largest_gap
from skipgrade.judging.checks.learning import Fault
from skipgrade.judging.checks.network import (
    RECORD,
    Network,
    NoProgramError,
    solution_network,
    student_network,
)
from skipgrade.judging.checks.unlike import first_difference
from skipgrade.judging.judge.trial import Trial
from skipgrade.judging.programs.carrying import Slot, Values, drawn_state, layers, named_slots
from skipgrade.judging.programs.formulas import Formula, told
from skipgrade.judging.programs.naming import SCHEMES
from skipgrade.judging.programs.program import BadProgramError, Program, Ref
from skipgrade.judging.programs.running import measure, run, shapes_in
from skipgrade.judging.programs.steps import steps
from skipgrade.judging.verdict import message

TOLERANCE = 1e-6
LARGE = 10.0  # of the inputs: beyond where ReLU6 and the like bend
EXPECTED = "something callable with the inputs the text describes"
DOUBLE = torch.float64
SHARE_LEFT_BEHIND = 0.25
TRAINABLE = "a forward pass with gradients"
IN_PLACE = (
    "x += ..., x[...] = ... and inplace=True change what a layer before still needs: x = x + ..."
)


class NoGradientsError(Exception):
    """PyTorch cannot go back through a program's steps."""


@dataclass
class Compared:
    """What is asked: on which inputs, how close, and what to look at where it differs."""

    inputs: Sequence[Tensor]
    tolerance: float
    hint: str
    values: Values  # of the weights both are given
    made: bool = False  # whether the one to compare with is made of the student's parts


def check(
    trial: Trial,
    expression: str,
    inputs: dict[str, Tensor],
    train: bool,
    tolerance: float,
    hint: str,
    of: str | None = None,
    ours: Network | None = None,
) -> str | Fault | None:
    """With `ours`, it is that network the student's is compared with, not the solution's."""
    given = [x.to(DOUBLE) if x.is_floating_point() else x for x in inputs.values()]
    try:
        theirs = student_network(trial, expression, EXPECTED, hint, list(inputs.values()), of)
        if theirs.eval.own_gradients:
            raise NoProgramError("it has a torch.autograd.Function with its own gradient")
    except NoProgramError as error:
        if of is not None:
            return message(EXPECTED, f"a forward pass that cannot be recorded: {error}", RECORD)
        return in_their_process.check(trial, expression, inputs, train, tolerance, hint, str(error))
    values = Values(f"{trial.seed} {expression}")
    asked = Compared(given, tolerance, hint, values, made=ours is not None)
    ours = ours or solution_network(trial, expression, list(inputs.values()), of)
    try:
        return _differences(ours, theirs, train, asked)
    except BadProgramError as error:
        return message(EXPECTED, str(error), hint)


def _differences(
    ours: Network, theirs: Network, train: bool, asked: Compared
) -> str | Fault | None:
    both = [told(one.eval, asked.inputs) for one in (ours, theirs)]
    wrong = any(isinstance(node, Formula) and node.exchanged for node in both[1].nodes)
    if wrong and (reason := _made_otherwise(ours.eval, theirs.eval, "eval", asked)):
        return reason
    for flat, scheme in product((False, True), SCHEMES):
        slots = tuple(named_slots(one, scheme, flat=flat) for one in both)
        without = _odd_biases(*slots)
        if without is not None:
            break
    else:
        used = [[use.describe() for use in layers(one)] for one in both]
        otherwise = _made_otherwise(ours.eval, theirs.eval, "eval", asked)
        return otherwise or _structure(used[0], used[1], asked.hint)
    left = None
    modes = [("eval", ours.eval, theirs.eval)]
    if train and ours.train is not None:
        if theirs.train is None:
            return message(
                "in train mode the same steps for every batch", "steps that change", asked.hint
            )
        modes.append(("train", ours.train, theirs.train))
    for mode, our_program, their_program in modes:
        measure(their_program, asked.inputs, DOUBLE)
        try:
            one, other = _outcomes((our_program, their_program), slots, without, asked)
        except NoGradientsError:
            none = message(TRAINABLE, "one that changes in place what they need", IN_PLACE)
            return _made_otherwise(our_program, their_program, mode, asked) or none
        if reason := _compare(one, other, mode, asked):
            return _made_otherwise(our_program, their_program, mode, asked) or reason
        left = left or _left_behind(our_program, one, other, slots[0], asked)
    if bent := _bent(ours.eval, theirs.eval, slots, without, asked):
        return bent
    return Fault(left, SHARE_LEFT_BEHIND) if left else None


def _bent(
    ours: Program, theirs: Program, slots: Sequence[list[Slot]], without: set[str], asked: Compared
) -> str | None:
    """What differs for large inputs alone, of networks whose weights bring them to any size."""
    if not slots[0]:
        return None
    inputs = [LARGE * x if x.is_floating_point() else x for x in asked.inputs]
    large = replace(asked, inputs=inputs)
    one, other = (
        _outputs(program, known, without, large)
        for program, known in zip((ours, theirs), slots, strict=True)
    )
    if not all(bool(torch.isfinite(x).all()) for x in one):
        return None  # too large for any comparison, as of blocks that multiply
    found = _differ(one, other, asked.tolerance)
    if found is None:
        return None
    wanted = "the reference's outputs for large inputs"
    return _made_otherwise(ours, theirs, "eval", asked) or message(wanted, found, asked.hint)


def _outputs(
    program: Program, slots: list[Slot], without: set[str], asked: Compared
) -> list[Tensor]:
    state = drawn_state(program, slots, asked.values, without, DOUBLE)
    with torch.no_grad():
        return run(program, state, asked.inputs, dtype=DOUBLE)


def _left_behind(
    program: Program, ours: Outcome, theirs: Outcome, slots: list[Slot], asked: Compared
) -> str | None:
    """What a forward pass does apart from its outputs: to its inputs, and to statistics."""
    if _differ(ours.inputs, theirs.inputs, asked.tolerance):
        look = "an operation in place on the input: x *= 2, x.mul_(2), inplace=True."
        return message("inputs that are left as they came in", "inputs that are changed", look)
    kept, own = ours.statistics, theirs.statistics
    odd = {
        key for key in kept.keys() & own.keys() if _differ([kept[key]], [own[key]], asked.tolerance)
    }
    over_n = _over_n(program, ours, slots, asked) if odd else {}
    if any(key not in over_n or _differ([over_n[key]], [own[key]], asked.tolerance) for key in odd):
        wanted = "the running statistics that PyTorch's batch norm keeps if nothing is said"
        return message(wanted, "other ones after a pass in train mode", "momentum of a batch norm?")
    return None


def _over_n(
    program: Program, outcome: Outcome, slots: list[Slot], asked: Compared
) -> dict[str, Tensor]:
    """The running variances as they were without n / (n - 1): by hand one may keep either."""
    shapes = shapes_in(program, asked.inputs)
    keys = {slot.number: slot.key for slot in slots}
    found = {}
    for node in program.nodes:
        kept, momentum = node.argument("running_var"), node.argument("momentum")
        if isinstance(kept, Ref) and kept.number in keys and isinstance(momentum, float):
            key, shape = keys[kept.number], shapes[next(node.tensors())]
            share = shape[1] / math.prod(shape)
            new = outcome.statistics[key] - (1 - momentum) * outcome.before[key]
            found[key] = outcome.statistics[key] - share * new
    return found


def _made_otherwise(ours: Program, theirs: Program, mode: str, asked: Compared) -> str | None:
    """The first step in which the two differ, for networks that do not compute the same."""
    found = first_difference(steps(ours, asked.inputs), steps(theirs, asked.inputs))
    if found is None:
        return None
    where = f" in {mode} mode" if "dropout" in found.expected else ""
    known = found.hint if mode == "eval" else ""
    return message(found.expected + where, found.got, known or asked.hint or found.look)


def _odd_biases(ours: list[Slot], theirs: list[Slot]) -> set[str] | None:
    """The biases only one side has; None when anything else is on one side only.

    A bias set to zero changes no function, so having one or not makes no difference.
    """
    roles = {slot.key: slot.role for slot in (*ours, *theirs)}
    odd = {slot.key for slot in ours} ^ {slot.key for slot in theirs}
    return odd if all(roles[key] == "optional bias" for key in odd) else None


@dataclass
class Outcome:
    outputs: list[Tensor]
    input_gradients: list[Tensor]
    gradients: dict[str, Tensor]
    inputs: list[Tensor]  # as the forward pass leaves them
    statistics: dict[str, Tensor]  # of batch norms
    before: dict[str, Tensor]  # the same before the pass


def _outcomes(
    programs: tuple[Program, Program],
    slots: Sequence[list[Slot]],
    without: set[str],
    asked: Compared,
) -> tuple[Outcome, Outcome]:
    """Of the solution's and the student's; `NoGradientsError` is the student's fault.

    Where a part of the student's has no gradients, and has lost its points for that, what is made
    of it is compared without them.
    """
    (ours, theirs), (known, their_slots) = programs, slots
    try:
        one, gradients = _outcome(ours, known, without, asked), True
    except NoGradientsError as error:
        if not asked.made:
            raise RuntimeError(f"the solution has no gradients: {error}") from error
        one, gradients = _outcome(ours, known, without, asked, gradients=False), False
    return one, _outcome(theirs, their_slots, without, asked, gradients=gradients)


def _outcome(
    program: Program,
    slots: list[Slot],
    without: set[str],
    asked: Compared,
    *,
    gradients: bool = True,
) -> Outcome:
    state = drawn_state(program, slots, asked.values, without, DOUBLE)
    wanted = {}
    for slot in slots:
        if program.state[slot.number].parameter:
            state[slot.number].requires_grad_(True)
            tensor = state[slot.number]
            wanted[slot.key] = (tensor, slot)
    kept = [slot for slot in slots if not program.state[slot.number].parameter]
    before = {slot.key: state[slot.number].clone() for slot in kept}
    leaves = [x.clone().requires_grad_(x.is_floating_point()) for x in asked.inputs]
    with torch.random.fork_rng(devices=[]), torch.set_grad_enabled(gradients):
        torch.manual_seed(0)  # the same for both: what dropout drops
        # Copies, so that a program working in place on its input does not trip autograd.
        given = [x * 1 if x.is_floating_point() else x for x in leaves]
        outputs = run(program, state, given, dtype=DOUBLE)
    floating = [x for x in leaves if x.is_floating_point()]
    tensors = [tensor for tensor, _ in wanted.values()]
    found = _gradients(outputs, [*tensors, *floating])
    turned = {
        key: slot.known(gradient)
        for (key, (_, slot)), gradient in zip(wanted.items(), found, strict=False)
    }
    own = any("batch_norm" in node.name for node in told(program, asked.inputs).nodes)
    return Outcome(
        [x.detach() for x in outputs],
        found[len(tensors) :],
        turned,
        [x.detach() for x in given],
        {slot.key: slot.known(state[slot.number].detach()) for slot in kept} if own else {},
        {slot.key: slot.known(one) for slot, one in zip(kept, before.values(), strict=True)},
    )


def _gradients(outputs: list[Tensor], wanted: list[Tensor]) -> list[Tensor]:
    """Gradients of a drawn weighted sum of the outputs; zeros where nothing flows.

    `NoGradientsError` where a step changed in place what the way back needs.
    """
    generator = torch.Generator().manual_seed(20_001)
    total = torch.zeros((), dtype=DOUBLE)
    for output in outputs:
        pattern = torch.randn(output.shape, generator=generator, dtype=DOUBLE)
        if output.is_floating_point() and output.requires_grad:
            total = total + (output * pattern).sum()
    if not wanted or not total.requires_grad:
        return [torch.zeros_like(tensor) for tensor in wanted]
    try:
        found = torch.autograd.grad(total, wanted, allow_unused=True)
    except RuntimeError as error:
        raise NoGradientsError(str(error).partition(":")[0]) from error
    return [
        torch.zeros_like(tensor) if gradient is None else gradient
        for tensor, gradient in zip(wanted, found, strict=True)
    ]


def _compare(ours: Outcome, theirs: Outcome, mode: str, asked: Compared) -> str | None:
    where = "with the same weights and inputs" if ours.gradients else "for the same inputs"
    shared = [key for key in ours.gradients if key in theirs.gradients]
    pairs = [
        ("outputs", ours.outputs, theirs.outputs),
        ("input gradients", ours.input_gradients, theirs.input_gradients),
        (
            "gradients of the weights",
            [ours.gradients[key] for key in shared],
            [theirs.gradients[key] for key in shared],
        ),
    ]
    if ours.gradients and _gives_scores(ours):
        del pairs[1]  # nothing in front of it learns, so a Variable(images) there does no harm
    for what, expected, got in pairs:
        if found := _differ(expected, got, asked.tolerance):
            wanted = f"the reference's {what} {where} (in {mode} mode, within {asked.tolerance:g})"
            hint = asked.hint or "the order of layers and activations in forward."
            return message(wanted, found, hint)
    return None


def _gives_scores(outcome: Outcome) -> bool:
    """Whether it is a whole classifier: maps in, rows of scores out."""
    maps = all(x.ndim == 4 for x in outcome.inputs)
    return maps and all(x.ndim == 2 for x in outcome.outputs)


def _structure(ours: list[str], theirs: list[str], hint: str) -> str:
    hint = hint or "the layers in the order in which forward uses them."
    for index, (expected, got) in enumerate(zip(ours, theirs, strict=False)):
        if expected != got:
            where = f"layer {index + 1} in order of use"
            return message(f"{where}: {expected}", got[:120], hint)
    if len(ours) == len(theirs):
        return message(
            "the layers connected as the text says", "the same layers, connected differently", hint
        )
    return message(f"{len(ours)} layers with weights", f"{len(theirs)}", hint)


def _differ(expected: list[Tensor], got: list[Tensor], tolerance: float) -> str | None:
    if len(got) != len(expected):
        return f"{len(got)} results where {len(expected)} are due"
    for one, other in zip(expected, got, strict=True):
        if other.shape != one.shape:
            return f"shape {tuple(other.shape)} instead of {tuple(one.shape)}"
        gap = largest_gap(one, other)
        scale = 1 + (float(one.double().abs().max()) if one.numel() else 0.0)
        if not gap <= tolerance * scale:
            return f"values that differ by up to {gap:.3g}"
    return None
