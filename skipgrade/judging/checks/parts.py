"""[judge's kernel] One mistake, one loss: what is made of a wrong part is judged as if that part
were right.

The solution's network is built once more, with the student's part (its program, never its code) in
the place of the solution's. Where the student's network agrees with that, the rest of it is right.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from skipgrade.judging.checks.network import (
    Network,
    NoProgramError,
    output_shapes,
    read_network,
    solution_network,
    student_network,
)
from skipgrade.judging.judge.answer_cache import CachedNotebook
from skipgrade.judging.judge.answerers import (
    Answerer,
    LocalNotebook,
    NotebookCodeError,
    QuestionTimeoutError,
)
from skipgrade.judging.judge.trial import Trial
from skipgrade.judging.programs.carrying import Values, drawn_state, named_slots
from skipgrade.judging.programs.naming import SCHEMES
from skipgrade.judging.programs.program import BadProgramError, Program
from skipgrade.judging.programs.running import run
from skipgrade.judging.verdict import NoAnswerError
from skipgrade.judging.wire.messages import BadMessageError

SIDE = 8  # of the maps with which a block is first recorded


class NoSuchNetworkError(Exception):
    """The solution cannot be built with what the student wrote."""


def names_called(expression: str) -> set[str]:
    """The names an expression calls: what fails when it fails."""
    return set(re.findall(r"([A-Za-z_]\w*)\(", expression)) | (
        {expression} if expression.isidentifier() else set()
    )


def note(trial: Trial, parts: Collection[str]) -> None:
    """Say, once, that a verdict overlooks the mistakes of these parts."""
    names = " and ".join(f"`{name}`" for name in sorted(parts))
    told = f"judged as if {names} were right: what is wrong there has cost its points already"
    if told not in trial.notes:
        trial.notes.append(told)


def all_there(trial: Trial, expression: str, inputs: Mapping[str, Tensor]) -> bool:
    """Whether the student's network has every matrix of weights that the solution's has."""
    given = list(inputs.values())
    try:
        theirs = student_network(trial, expression, "", "", given)
    except (NoAnswerError, NoProgramError):
        return False
    due = Counter(solution_network(trial, expression, given).matrices())
    return not due - Counter(theirs.matrices())


def network_of_parts(
    trial: Trial,
    expression: str,
    inputs: Sequence[Tensor],
    of: str | None,
    parts: Collection[str],
) -> Network:
    """The solution's network, made of the student's `parts`."""
    if of is not None:
        raise NoSuchNetworkError
    arrays = {
        f"input{number}": torch.zeros(x.shape, dtype=x.dtype) for number, x in enumerate(inputs)
    }
    call = f"({expression})({', '.join(arrays)})"
    with _standing_in(trial, parts) as notebook:
        try:
            # Once without recording: the parts are asked for maps of all sizes they will meet.
            notebook.ask("shapes", expression=call, arrays=arrays)
            return read_network(notebook, expression, inputs, of)
        except (NotebookCodeError, BadProgramError, NoProgramError) as error:
            raise NoSuchNetworkError from error


def value_of_parts(
    trial: Trial, expression: str, arrays: dict[str, Any], parts: Collection[str]
) -> Any:
    """What an expression gives in the solution, computed with the student's `parts`."""
    with _standing_in(trial, parts) as notebook:
        try:
            return notebook.ask("value", expression=expression, arrays=arrays)
        except NotebookCodeError as error:
            raise NoSuchNetworkError from error


@contextmanager
def _standing_in(trial: Trial, parts: Collection[str]) -> Iterator[LocalNotebook]:
    """The solution, whose `parts` are the student's for the time being."""
    names = _namespace(trial.solution)
    kept = {name: names[name] for name in parts}
    names.update({name: _Part(trial, name, own) for name, own in kept.items()})
    try:
        yield LocalNotebook(names)
    finally:
        names.update(kept)


def _namespace(solution: Answerer) -> dict[str, Any]:
    party = solution.party if isinstance(solution, CachedNotebook) else solution
    if not isinstance(party, LocalNotebook):
        raise NoSuchNetworkError
    return party.namespace


class _Part:
    """The student's function or class of one name, for the solution's code to call."""

    def __init__(self, trial: Trial, name: str, own: Any) -> None:
        self._trial = trial
        self._name = name
        self._own = own

    def __getattr__(self, name: str) -> Any:
        """What is not a call (a block's `expansion`) is the solution's."""
        return getattr(self._own, name)

    def __deepcopy__(self, memo: Any) -> _Part:
        return self

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if any(isinstance(value, Tensor) for value in (*args, *kwargs.values())):
            return self._computed(args, kwargs)
        own = self._own(*args, **kwargs)
        if isinstance(own, nn.Module):
            call = f"{self._name}({_written(args, kwargs)})"
            return _PartModule(self, call, _channels(own, otherwise=args[0]), own)
        return self._value(args, kwargs)

    def network(self, expression: str, x: Tensor) -> Network:
        """The student's program for maps like `x`."""
        try:
            return student_network(self._trial, expression, self._name, "", [torch.empty(x.shape)])
        except (NoAnswerError, NoProgramError) as error:
            raise NoSuchNetworkError from error

    def _computed(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Tensor:
        tensors = [value for value in (*args, *kwargs.values()) if isinstance(value, Tensor)]
        if len(tensors) != 1 or not isinstance(args[0], Tensor):
            raise NoSuchNetworkError
        call = f"lambda x: {self._name}(x, {_written(args[1:], kwargs)})"
        found = _result(self.network(call, args[0]).eval, {}, args[0])
        if found.shape != self._own(torch.zeros(args[0].shape), *args[1:], **kwargs).shape:
            raise NoSuchNetworkError
        return found

    def _value(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        call = f"{self._name}({_written(args, kwargs)})"
        try:
            return self._trial.student.ask("value", expression=call, arrays={})
        except (NotebookCodeError, QuestionTimeoutError, BadMessageError) as error:
            raise NoSuchNetworkError from error


class _PartModule(nn.Module):
    """A block of the student's: its program, with weights of its own."""

    def __init__(self, part: _Part, call: str, channels: int, own: nn.Module) -> None:
        super().__init__()
        self._part, self._call = part, call
        maps = torch.zeros(2, channels, SIDE, SIDE)
        first = part.network(call, maps)
        if output_shapes(first.eval, [maps]) != [tuple(own(maps).shape)]:
            raise NoSuchNetworkError  # what stands behind it would not fit
        if any(True for _ in own.parameters()) and not _is_live(first.eval, maps.shape):
            raise NoSuchNetworkError  # any number of them, anywhere, would do
        for number, entry in enumerate(first.state):
            tensor = torch.zeros(entry.shape, dtype=getattr(torch, entry.dtype))
            if entry.parameter:
                parameter = nn.Parameter(tensor, requires_grad=entry.trainable)
                self.register_parameter(f"tensor{number}", parameter)
            else:
                self.register_buffer(f"tensor{number}", tensor)

    def forward(self, x: Tensor) -> Tensor:
        network = self._part.network(self._call, x)
        program = network.train if self.training else network.eval
        if program is None:
            raise NoSuchNetworkError
        state = {number: getattr(self, f"tensor{number}") for number in range(len(program.state))}
        return _result(program, state, x)


def _channels(own: nn.Module, otherwise: int) -> int:
    """How many channels the solution's part takes: those of its first convolution."""
    convolutions = (m.in_channels for m in own.modules() if isinstance(m, nn.Conv2d))
    return next(convolutions, otherwise)


def _is_live(program: Program, shape: torch.Size) -> bool:
    """Whether what comes out follows from what goes in and from weights of its own."""
    slots = named_slots(program, SCHEMES[0])
    states = [
        drawn_state(program, slots, Values(seed), set(), torch.float32) for seed in ("one", "other")
    ]
    inputs = [torch.randn(shape, generator=torch.Generator().manual_seed(n)) for n in (1, 2)]
    first, other_weights, other_maps = (
        _result(program, dict(state), x.clone())
        for state, x in ((states[0], inputs[0]), (states[1], inputs[0]), (states[0], inputs[1]))
    )
    return not (torch.allclose(first, other_weights) or torch.allclose(first, other_maps))


def _result(program: Program, state: dict[int, Tensor], x: Tensor) -> Tensor:
    """The one tensor the student's part makes of `x`."""
    found = run(program, state, [x], dtype=x.dtype)
    if len(found) != 1:
        raise NoSuchNetworkError
    return found[0]


def _written(args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    """Arguments as one writes them; numbers, text and tuples of such only."""
    return ", ".join([repr(value) for value in args] + [f"{k}={v!r}" for k, v in kwargs.items()])
