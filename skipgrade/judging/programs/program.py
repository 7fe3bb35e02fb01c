"""[judge's kernel] A recorded forward pass: read, checked, and made good for any batch size."""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from skipgrade.judging.programs.operations import (
    LOOK_UPS,
    base_name,
    changes,
    is_view,
    operation,
    parameter_names,
    written_names,
)
from skipgrade.judging.programs.recording import LARGEST_CONSTANT, MOST_OPERATIONS

DTYPES = {"float16", "bfloat16", "float32", "float64", "int64", "int32", "uint8", "bool", "int8"}


class BadProgramError(Exception):
    """What came is not a forward pass the judge would run; the text says why."""


@dataclass
class State:
    """A parameter or buffer: under which names it is saved, and what it is."""

    names: list[str]
    shape: tuple[int, ...]
    dtype: str
    parameter: bool
    trainable: bool

    def __len__(self) -> int:
        size = 1
        for side in self.shape:
            size *= side
        return size


@dataclass
class Node:
    op: str
    args: list[Any]
    kwargs: dict[str, Any]
    out: list[int]
    gradient: bool

    def __post_init__(self) -> None:
        self._given = [*_tensors([self.args, list(self.kwargs.values())])]

    @property
    def name(self) -> str:
        return base_name(self.op)

    def argument(self, name: str) -> Any:
        """What it is given under that name; None if nothing is."""
        return {**dict(zip(parameter_names(self.op), self.args, strict=False)), **self.kwargs}.get(
            name
        )

    def tensors(self) -> Iterator[int]:
        """The numbers of the tensors it is given, in order."""
        return iter(self._given)


@dataclass(frozen=True)
class Times:
    """A number that is so many times the batch size, or, `inverse`, so much divided by it."""

    factor: float
    inverse: bool = False

    def at(self, batch: int) -> float:
        return self.factor / batch if self.inverse else int(self.factor) * batch


@dataclass(frozen=True)
class Ref:
    """The tensor of that number."""

    number: int


@dataclass(frozen=True)
class Named:
    """A dtype or a memory format, by its name in torch."""

    kind: str
    name: str


@dataclass
class Program:
    """One forward pass; `batch` is the only batch size it is good for, None if any will do."""

    state: list[State]
    inputs: int
    nodes: list[Node]
    outputs: list[int]
    constants: dict[int, Tensor]
    batch: int | None = None
    own_gradients: bool = False  # its gradients are not those of its operations
    used: set[int] = field(default_factory=set)  # numbers of the state that matters
    measured: dict[Any, tuple[int, float]] = field(default_factory=dict, init=False)
    read: dict[Any, Program] = field(default_factory=dict, init=False)  # told in other ways

    @functools.cached_property
    def writes_state(self) -> bool:
        """Whether a run changes weights or statistics, as batch norm does in train mode."""
        state = set(range(len(self.state)))
        for node in self.nodes:
            if not state.isdisjoint(node.tensors()):
                if changes(node.op) or node.argument("training") is True:
                    return True
                if is_view(node.op):
                    state.update(node.out)
        return False

    def input_numbers(self) -> range:
        return range(len(self.state), len(self.state) + self.inputs)


def read_program(told: Any) -> Program:
    """The program behind what a kernel recorded; `BadProgramError` for anything else."""
    try:
        state = [_state(entry) for entry in told["state"]]
        program = Program(
            state=state,
            inputs=_count(told["inputs"], 16),
            nodes=[_node(node) for node in _list(json.loads(told["nodes"]), MOST_OPERATIONS)],
            outputs=[_count(number) for number in _list(told["outputs"], 1000)],
            constants={_count(key): value for key, value in told["constants"].items()},
            own_gradients=told["own gradients"] is True,
        )
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise BadProgramError("a malformed forward pass") from error
    if not all(isinstance(value, Tensor) for value in program.constants.values()):
        raise BadProgramError("a malformed forward pass")
    if sum(value.numel() for value in program.constants.values()) > LARGEST_CONSTANT:
        raise BadProgramError(f"more than {LARGEST_CONSTANT:,} numbers that are not weights")
    drop_what_nobody_uses(program)
    _check(program)
    return program


def good_for_any_batch(one: Program, other: Program, sizes: tuple[int, int]) -> Program | None:
    """Two recordings, of two batch sizes, as one program; None where they do not agree.

    What differs must be a multiple of the batch size, such as the sizes of a view. Steps that
    depend on the images themselves differ in another way, and so do tables of them.
    """
    agree = (
        [vars(entry) for entry in one.state] == [vars(entry) for entry in other.state]
        and len(one.nodes) == len(other.nodes)
        and one.outputs == other.outputs
        and same_constants(one, other)
    )
    if not agree:
        return None
    try:
        nodes = [_merged(*pair, sizes) for pair in zip(one.nodes, other.nodes, strict=True)]
    except _DifferError:
        return None
    return dataclasses.replace(one, nodes=nodes, batch=None)


def same_constants(one: Program, other: Program) -> bool:
    return one.constants.keys() == other.constants.keys() and all(
        value.shape == other.constants[key].shape
        and value.dtype == other.constants[key].dtype
        and bool(((value == other.constants[key]) | (value != value)).all())
        for key, value in one.constants.items()
    )


def same_steps(one: Program, other: Program) -> bool:
    """Whether two recordings of one batch size are the same except for the inputs' values."""
    return (
        [vars(node) for node in one.nodes] == [vars(node) for node in other.nodes]
        and one.outputs == other.outputs
        and same_constants(one, other)
    )


class _DifferError(Exception):
    pass


def _merged(one: Node, other: Node, sizes: tuple[int, int]) -> Node:
    if (one.op, one.out, one.gradient) != (other.op, other.out, other.gradient):
        raise _DifferError
    args = _merge(one.args, other.args, sizes)
    return Node(one.op, args, _merge(one.kwargs, other.kwargs, sizes), one.out, one.gradient)


def _merge(one: Any, other: Any, sizes: tuple[int, int]) -> Any:
    if type(one) is not type(other):
        raise _DifferError
    if isinstance(one, list) and len(one) == len(other):
        return [_merge(*pair, sizes) for pair in zip(one, other, strict=True)]
    if isinstance(one, dict) and one.keys() == other.keys():
        return {key: _merge(one[key], other[key], sizes) for key in one}
    if one == other or (one != one and other != other):
        return one
    first, second = sizes
    if type(one) is int and one * second == other * first and one % first == 0:
        return Times(one // first)
    if type(one) is float and abs(one * first - other * second) <= 1e-12 * abs(one * first):
        return Times(one * first, inverse=True)
    raise _DifferError


def drop_what_nobody_uses(program: Program, *, statistics: bool = True) -> None:
    """Leave out what a forward pass computes for nobody: prints, checks, what autograd keeps, and
    what it changes in place where nobody looks again. Without `statistics` nobody looks at what
    it leaves in its weights and buffers."""
    memory = _memory(program)
    needed = set(program.outputs)
    looked_at = {memory.get(number, number) for number in needed}
    looked_at |= set(range(len(program.state))) if statistics else set()
    kept = []
    for node in reversed(program.nodes):
        changed = {memory.get(number, number) for number in _written(node)}
        if needed.isdisjoint(node.out) and looked_at.isdisjoint(changed):
            continue
        needed.update(node.tensors())
        looked_at.update(memory.get(number, number) for number in node.tensors())
        kept.append(node)
    program.nodes = kept[::-1]
    program.used = {number for number in needed if number < len(program.state)}


def _memory(program: Program) -> dict[int, int]:
    """Of a tensor that is a view: the one whose numbers it shows."""
    shown: dict[int, int] = {}
    for node in program.nodes:
        given = next(node.tensors(), None)
        if given is not None and operation(node.op) is not None and is_view(node.op):
            shown.update(dict.fromkeys(node.out, shown.get(given, given)))
    return shown


def _written(node: Node) -> Iterator[int]:
    """The tensors it changes in place."""
    if operation(node.op) is not None and changes(node.op):
        for name in written_names(node.op):
            yield from _tensors(node.argument(name))


def _check(program: Program) -> None:
    known = {*range(len(program.state) + program.inputs), *program.constants}
    from_input = set(program.input_numbers())
    for node in program.nodes:
        if operation(node.op) is None:
            raise BadProgramError(
                f"the operation {node.name}, which is not one of those that are known"
            )
        given = list(node.tensors())
        if not known.issuperset(given):
            raise BadProgramError("a forward pass that uses what nobody computed")
        places = _tensors([node.argument("index"), node.argument("indices")])
        if node.name in LOOK_UPS and from_input.intersection(places):
            raise BadProgramError("a look-up by what the images show")
        if from_input.intersection(given):
            from_input.update(node.out)
        known.update(node.out)
    if not known.issuperset(program.outputs):
        raise BadProgramError("a forward pass whose result nobody computed")


def _node(told: Any) -> Node:
    kwargs = {_text(key): _argument(value) for key, value in told["kwargs"].items()}
    args = _argument(told["args"])
    if not isinstance(args, list):
        raise TypeError("arguments that are not a list")
    out = [_count(number) for number in _list(told["out"], 1000)]
    return Node(_text(told["op"]), args, kwargs, out, told["grad"] is True)


def _argument(told: Any) -> Any:
    if told is None or type(told) in (bool, int, float, str):
        return told
    kind, value = told
    if kind == "tensor":
        return Ref(_count(value))
    if kind == "list":
        return [_argument(item) for item in _list(value, 10_000)]
    if kind == "dtype" and value in DTYPES:
        return Named("dtype", value)
    if kind == "memory_format" and value in (
        "contiguous_format",
        "channels_last",
        "preserve_format",
    ):
        return Named("memory_format", value)
    raise ValueError("an argument of an unknown kind")


def _state(told: Any) -> State:
    shape = tuple(_count(side) for side in _list(told["shape"], 8))
    names = [_text(name) for name in _list(told["names"], 16)]
    if told["dtype"] not in DTYPES or not names:
        raise ValueError("weights of an unknown kind")
    return State(names, shape, told["dtype"], told["parameter"] is True, told["trainable"] is True)


def _tensors(value: Any) -> Iterator[int]:
    if isinstance(value, Ref):
        yield value.number
    elif isinstance(value, list):
        for item in value:
            yield from _tensors(item)


def _list(value: Any, most: int) -> list[Any]:
    if type(value) is not list or len(value) > most:
        raise TypeError("no list, or too long a one")
    return value


def _count(value: Any, most: int = 2**31) -> int:
    if type(value) is not int or not 0 <= value <= most:
        raise TypeError("no count")
    return value


def _text(value: Any) -> str:
    if type(value) is not str or len(value) > 400:
        raise TypeError("no text")
    return value
