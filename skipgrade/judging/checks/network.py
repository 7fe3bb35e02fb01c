"""[judge's kernel] A network of the student's or the solution's, as a program the judge runs."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from skipgrade.judging.checks.asking import ask_student
from skipgrade.judging.judge.answerers import Answerer, NotebookCodeError
from skipgrade.judging.judge.trial import Trial
from skipgrade.judging.printable import presentable
from skipgrade.judging.programs.carrying import layers, values_for
from skipgrade.judging.programs.program import (
    BadProgramError,
    Program,
    State,
    good_for_any_batch,
    read_program,
    same_steps,
)
from skipgrade.judging.programs.running import (
    BYTES_AT_A_TIME,
    PRODUCTS_OF_AN_IMAGE,
    measure,
    run,
    shapes_in,
)
from skipgrade.judging.questions.programs import SIZES
from skipgrade.judging.verdict import HiddenTestError, NoAnswerError, message

NETWORK_TIMEOUT_S = 120.0
AT_A_TIME = 200  # images, at most
IMAGES = torch.empty(2, 3, 32, 32)
_read_of_solutions: WeakKeyDictionary[Answerer, dict[tuple[Any, ...], Network]] = (
    WeakKeyDictionary()
)
A_NETWORK = "something that can be called with images"
RECORD = "a forward pass made of torch's operations on the whole batch"


class NoProgramError(Exception):
    """A forward pass that only its own process can take; the text says why."""


@dataclass
class Network:
    """The forward pass in eval mode and, of a model, in train mode."""

    eval: Program
    train: Program | None

    @property
    def state(self) -> list[State]:
        return self.eval.state

    def size(self, *, trainable: bool = True, used: bool = False) -> int:
        """How many numbers its parameters have: those that learn, or all; used ones, or all."""
        return sum(
            len(entry)
            for number, entry in enumerate(self.state)
            if entry.parameter
            and (entry.trainable or not trainable)
            and (number in self.eval.used or not used)
        )

    def takes(self, inputs: Sequence[Tensor]) -> bool:
        """Whether it was recorded for that many of them, or is good for any number."""
        count = len(inputs[0]) if inputs and inputs[0].ndim else 1
        programs = [self.eval] if self.train is None else [self.eval, self.train]
        return all(program.batch in (None, count) for program in programs)

    def matrices(self) -> list[tuple[int, ...]]:
        """The shapes of the used parameters with more than one dimension."""
        return [
            entry.shape
            for number, entry in enumerate(self.state)
            if number in self.eval.used and entry.parameter and len(entry.shape) > 1
        ]

    def layers(self) -> list[str]:
        return [use.describe() for use in layers(self.eval)]

    def loaded(self, tensors: dict[str, Tensor]) -> dict[int, Tensor]:
        """The state these weights stand for; `ValueError` says which do not fit."""
        wanted = {name: entry for entry in self.state for name in entry.names}
        wrong = [f"{name} is not in the file" for name in wanted if name not in tensors]
        wrong += [f"{name} is not in the network" for name in tensors if name not in wanted]
        wrong += [
            f"{name} has shape {tuple(tensors[name].shape)}, not {entry.shape}"
            for name, entry in wanted.items()
            if name in tensors and tuple(tensors[name].shape) != entry.shape
        ]
        if wrong:
            more = f", and {len(wrong) - 3} more" if len(wrong) > 3 else ""
            raise ValueError("; ".join(wrong[:3]) + more)
        return {
            number: _as(tensors[entry.names[0]], entry) for number, entry in enumerate(self.state)
        }

    def scores(self, tensors: dict[str, Tensor], images: Tensor) -> Tensor:
        """The scores of prepared images, in eval mode, with these weights."""
        state = self.loaded(tensors)
        images = images.contiguous()  # as what it was recorded with
        size = self.eval.batch or _fitting(self.eval, images)
        with torch.inference_mode():
            parts = [_scores(self.eval, state, part, size) for part in images.split(size)]
        return torch.cat(parts)


def _as(tensor: Tensor, entry: State) -> Tensor:
    return tensor.to(_kind(entry, torch.float32))


def _kind(entry: State, floating: torch.dtype) -> torch.dtype:
    kind: torch.dtype = getattr(torch, entry.dtype)
    return floating if entry.dtype.startswith(("float", "bfloat")) else kind


def _scores(program: Program, state: dict[int, Tensor], part: Tensor, size: int) -> Tensor:
    count = len(part)
    if program.batch is not None and count < size:  # made up to the one size it works for
        part = torch.cat([part, part[-1:].expand(size - count, *part.shape[1:])])
    # A copy of the state: a program may write into it, and the next batch must not see that.
    own = {n: t.clone() if program.writes_state else t for n, t in state.items()}
    (scores, *more) = run(
        program,
        own,
        [part.clone(memory_format=torch.contiguous_format)],
        keep=False,
        seconds=NETWORK_TIMEOUT_S,
    )
    if more or scores.ndim != 2 or len(scores) != len(part):
        raise BadProgramError("no row of scores for every image")
    return scores[:count]


def _fitting(program: Program, images: Tensor) -> int:
    """How many images at a time leave memory and arithmetic within limits."""
    size, products = measure(program, [images[:1].expand(2, *images.shape[1:])])
    if products / 2 > PRODUCTS_OF_AN_IMAGE:
        raise BadProgramError("a forward pass that takes too much arithmetic for an image")
    return max(2, min(AT_A_TIME, BYTES_AT_A_TIME // max(1, size // 2)))


def output_shapes(program: Program, inputs: Sequence[Tensor]) -> list[tuple[int, ...]]:
    """The shapes of what comes out for such inputs."""
    shapes = shapes_in(program, inputs)
    return [shapes[number] for number in program.outputs]


def student_network(
    trial: Trial,
    expression: str,
    expected: str,
    hint: str,
    inputs: Sequence[Tensor] = (IMAGES,),
    of: str | None = None,
) -> Network:
    """The student's, recorded once in a submission for inputs of one kind; the same for all checks.

    One that takes other steps for another number of images is recorded for each number, and has
    to give the same.
    `NoAnswerError` where it cannot be built, `NoProgramError` where it cannot be told as a program.
    """
    forms = _forms(inputs)
    key: tuple[Any, ...] = (expression, of, str([[form[0][1:], form[1]] for form in forms]))
    ask = functools.partial(_ask_for, trial, expression, forms, of)
    found = _once(trial, key, ask)
    if isinstance(found, Network) and not found.takes(inputs):
        first = found
        found = _once(
            trial, (*key, inputs[0].shape[0]), lambda: _alike(first, ask(), inputs, trial)
        )
    if isinstance(found, NoAnswerError):
        reason = found.args[0]
        raise NoAnswerError(message(expected, reason.got, reason.hint or hint)) from found
    if isinstance(found, Exception):
        raise found
    return found


def _once(
    trial: Trial, key: tuple[Any, ...], ask: Callable[[], Network]
) -> Network | NoAnswerError | NoProgramError:
    if key not in trial.networks:
        try:
            trial.networks[key] = ask()
        except (NoAnswerError, NoProgramError) as error:
            trial.networks[key] = error
    found: Network | NoAnswerError | NoProgramError = trial.networks[key]
    return found


def _alike(first: Network, other: Network, inputs: Sequence[Tensor], trial: Trial) -> Network:
    """The other one, if both are one network: for the images they both take, in eval mode and
    with the same drawn weights, they give the same."""
    sizes = (first.eval.batch or 2, len(inputs[0]))
    count = min(sizes)
    seed, shape = f"{trial.seed} two sizes", (count, *inputs[0].shape[1:])
    images = values_for("images", shape, seed)
    found = []
    try:
        if len(inputs) != 1 or list(map(vars, first.state)) != list(map(vars, other.state)):
            raise BadProgramError("other inputs or weights")
        for network, size in zip((first, other), sizes, strict=True):
            given = torch.cat([images, images[-1:].expand(size - count, *shape[1:])])
            measure(network.eval, [given], torch.float64)
            made = run(network.eval, _drawn(network, seed), [given], dtype=torch.float64)
            found.append([x[:count] for x in made])
        same = all(torch.allclose(a, b, rtol=1e-6) for a, b in zip(*found, strict=True))
    except (BadProgramError, ValueError, RuntimeError, IndexError):
        same = False
    if same:
        return other
    got = f"other results for an image in a batch of {sizes[1]} than in one of {sizes[0]}"
    raise NoAnswerError(message(A_NETWORK, got, RECORD))


def _drawn(network: Network, seed: str) -> dict[int, Tensor]:
    state = {}
    for number, entry in enumerate(network.state):
        values = values_for(str(number), entry.shape, seed)
        values = values if entry.parameter else values.abs()  # a variance is never negative
        state[number] = values.to(_kind(entry, torch.float64))
    return state


def _ask_for(trial: Trial, expression: str, forms: list[Any], of: str | None) -> Network:
    def ask(kind: str) -> Any:
        return ask_student(
            trial,
            A_NETWORK,
            "",
            kind,
            expression=expression,
            forms=forms,
            of=of,
            seconds=NETWORK_TIMEOUT_S,
        )

    try:
        return _network(ask, forms)
    except BadProgramError as error:
        raise NoAnswerError(message(A_NETWORK, presentable(str(error)), RECORD)) from error


def solution_network(
    trial: Trial, expression: str, inputs: Sequence[Tensor] = (IMAGES,), of: str | None = None
) -> Network:
    """The same of the solution, where nothing of it may fail; read once for all submissions."""
    forms = _forms(inputs)
    read = _read_of_solutions.setdefault(trial.solution, {})
    key = (expression, of, str(forms))
    try:
        if key not in read:
            read[key] = read_network(trial.solution, expression, inputs, of)
        return read[key]
    except (NotebookCodeError, BadProgramError, NoProgramError) as error:
        raise HiddenTestError(f"the solution's {expression} is not a network: {error}") from error


def read_network(
    party: Answerer, expression: str, inputs: Sequence[Tensor], of: str | None
) -> Network:
    """The network as this party, whose word is believed, tells it."""
    forms = _forms(inputs)
    return _network(
        lambda kind: party.ask(kind, expression=expression, forms=forms, of=of),
        forms,
    )


def _network(ask: Any, forms: list[Any]) -> Network:
    told = ask("program")
    found = {mode: _program(told, mode, forms) for mode in ("eval", "train")}
    if None in (found[mode] for mode in told if mode in found):
        # Steps that go with the batch size in another way: these for one size, then.
        told = ask("program of one size")
        found = {mode: found[mode] or _program(told, mode, forms) for mode in found}
    if found["eval"] is None:
        raise NoProgramError("its steps depend on what the images show")
    return Network(found["eval"], found["train"])


def _program(told: Any, mode: str, forms: list[Any]) -> Program | None:
    """The program of one mode; None if there is none, or its two recordings do not agree."""
    if not isinstance(told, dict):
        raise BadProgramError("a malformed forward pass")
    if "unrecordable" in told:
        raise NoProgramError(presentable(told["unrecordable"]))
    if mode not in told:
        return None
    if not isinstance(told[mode], list) or len(told[mode]) != 2:
        raise BadProgramError("a malformed forward pass")
    one, other = map(read_program, told[mode])
    if told.get("one size") is not True:
        return good_for_any_batch(one, other, SIZES)
    one.batch = forms[0][0][0] if forms and forms[0][0] else 1
    return one if same_steps(one, other) else None


def _forms(inputs: Sequence[Tensor]) -> list[Any]:
    return [[list(x.shape), str(x.dtype).removeprefix("torch.")] for x in inputs]
