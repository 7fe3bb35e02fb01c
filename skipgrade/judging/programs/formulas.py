"""[judge's kernel] Layers that are written as formulas, told as the one operation they are.

A batch norm is a dozen ways to subtract, divide, multiply and add, and which of its weights is
which shows in none of them. So a stretch of arithmetic between two tensors is tried out: what
computes a batch norm's numbers is one. Programs told so are read, never run.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from skipgrade.judging.programs.flow import Flow, Stretch
from skipgrade.judging.programs.norm_formula import Norm, norm_formula
from skipgrade.judging.programs.operations import is_view
from skipgrade.judging.programs.program import (
    BadProgramError,
    Node,
    Program,
    Ref,
    drop_what_nobody_uses,
)
from skipgrade.judging.programs.running import measure, run_part, shapes_in

ENDS = frozenset(["add", "sub", "rsub", "mul", "div", "addcmul", "addcdiv"])
AVERAGES = frozenset(["mean", "sum", "var", "var_mean", "std", "std_mean"])
ROOTS = frozenset(["sqrt", "rsqrt", "pow"])
SPREADS = frozenset(["std", "std_mean", "var", "var_mean"])
MOST_VECTORS = 4
MOST_TRIED = 1.5e9  # numbers that may be computed to find a program's norms
NORM = "aten.native_batch_norm.default"
OTHERWISE = "by a formula that computes something else"

NO_BUFFERS = "with statistics that are not buffers"


@dataclass
class Formula(Node):
    """An operation that stands for others; `note` says what is wrong with it, `exchanged` that
    its weights go by each other's names."""

    note: str = ""
    exchanged: bool = False


def told(program: Program, inputs: Sequence[Tensor], *, doubtful: bool = False) -> Program:
    """The program with such layers in one piece; the same program if it has none.

    With `doubtful` also what looks like a batch norm and computes something else.
    """
    kind = ("told", doubtful, *(x.shape for x in inputs))
    if kind not in program.read:
        program.read[kind] = _told(program, inputs, doubtful)
    return program.read[kind]


def _told(program: Program, inputs: Sequence[Tensor], doubtful: bool) -> Program:
    if not _may_have_some(program):
        return program
    try:
        measure(program, inputs, torch.float64)
    except BadProgramError:
        return program
    bare = dataclasses.replace(program, nodes=list(program.nodes), used=set())
    drop_what_nobody_uses(bare, statistics=False)
    linear = _linear_layers(bare)
    shapes = shapes_in(program, inputs)
    batch = inputs[0].shape[0] if inputs and inputs[0].ndim else 1
    norms = _norms(linear, shapes, batch, doubtful)
    return program if norms is bare else norms


def _may_have_some(program: Program) -> bool:
    """Whether a root is drawn, or a weight is added or multiplied, as in few programs."""
    weights = set(range(len(program.state)))
    for node in program.nodes:
        given = list(node.tensors())
        if node.name in ROOTS | SPREADS:
            return True
        if node.name in ENDS and not weights.isdisjoint(given):
            return True
        if is_view(node.op) and len(given) == 1 and given[0] in weights:
            weights.update(node.out)
    return False


def _linear_layers(program: Program) -> Program:
    """A product of matrices and the addition of a bias as one step."""
    flow = Flow(program)
    instead: dict[int, Node | None] = {}
    for index, node in enumerate(program.nodes):
        if node.name != "add" or node.argument("alpha") not in (None, 1):
            continue
        product, bias = _product_and_bias(flow, index)
        if product is not None and bias is not None:
            instead[product] = None
            args = [Ref(bias), *program.nodes[product].args]
            instead[index] = Node("aten.addmm.default", args, {}, node.out, node.gradient)
    return _replaced(program, instead)


def _product_and_bias(flow: Flow, index: int) -> tuple[int | None, int | None]:
    product = bias = None
    for value in flow.given[index]:
        maker = flow.maker.get(value)
        if value in flow.alive:
            if maker is not None and flow.program.nodes[maker].name == "mm":
                product = maker if flow.users[value] == {index} else None
        else:
            bias = _vector_behind(flow, value)
    return product, bias


def _vector_behind(flow: Flow, value: int) -> int | None:
    """The one-dimensional weight that this tensor shows, however it was reshaped."""
    while (maker := flow.maker.get(value)) is not None:
        if not is_view(flow.program.nodes[maker].op) or len(flow.given[maker]) != 1:
            return None
        value = flow.given[maker][0]
    number = flow.number[value]
    state = flow.program.state
    return number if number < len(state) and len(state[number].shape) == 1 else None


def _norms(
    program: Program, shapes: dict[int, tuple[int, ...]], batch: int, doubtful: bool
) -> Program:
    flow = Flow(program)
    taken: set[int] = set()
    instead: dict[int, Node | None] = {}
    left = MOST_TRIED
    for end in reversed(range(len(program.nodes))):
        if end in taken or program.nodes[end].name not in ENDS:
            continue
        for stretch in flow.stretches(end, taken):
            if (left := left - math.prod(shapes[stretch.source]) * len(stretch.steps)) < 0:
                break
            found = _norm(stretch, shapes, batch)
            if found is not None:
                taken |= stretch.nodes
                instead.update(dict.fromkeys(stretch.nodes))
                instead[end] = found
                break
    if doubtful:
        for end in reversed(range(len(program.nodes))):
            if end not in taken and program.nodes[end].name in ENDS:
                longest = next(flow.stretches(end, taken), None)
                if longest is not None and _looks_like_one(longest, shapes):
                    taken |= longest.nodes
                    instead.update(dict.fromkeys(longest.nodes))
                    note = _why_not(longest, shapes)
                    instead[end] = _node(longest, Norm({}, _averages(longest), 1e-5, note))
    return _replaced(program, instead)


def _norm(stretch: Stretch, shapes: dict[int, tuple[int, ...]], batch: int) -> Node | None:
    """The batch norm that this stretch computes."""
    vectors = _vectors(stretch, shapes)
    averages = _averages(stretch)
    if vectors is None or not (averages or len(vectors) > 1):
        return None
    generator = torch.Generator().manual_seed(20_011)
    x = torch.randn(shapes[stretch.source], generator=generator, dtype=torch.float64) + 0.25
    drawn = {
        number: torch.rand(len(stretch.program.state[number]), generator=generator).double() + 0.5
        for number in vectors
    }
    values = {
        number: torch.zeros(entry.shape, dtype=torch.float64)
        if number not in drawn
        else drawn[number].reshape(entry.shape).clone()
        for number, entry in enumerate(stretch.program.state)
        if number in stretch.state
    }
    try:
        with torch.no_grad():
            nodes = [stretch.program.nodes[index] for index in stretch.steps]
            values[stretch.source] = x.clone()
            y = run_part(stretch.program, nodes, values, batch)[stretch.result]
    except BadProgramError:
        return None
    names = {number: stretch.program.state[number].names for number in vectors}
    found = norm_formula(x, y, drawn, names, averages=averages)
    return None if found is None else _node(stretch, found)


def _node(stretch: Stretch, norm: Norm) -> Node:
    last = stretch.program.nodes[stretch.end]
    roles = [
        Ref(norm.roles[role]) if role in norm.roles else None
        for role in ("weight", "bias", "running_mean", "running_var")
    ]
    args = [Ref(stretch.source), *roles, norm.averages, 0.1, norm.eps]
    return Formula(NORM, args, {}, [stretch.result], last.gradient, norm.note, norm.exchanged)


def _vectors(stretch: Stretch, shapes: dict[int, tuple[int, ...]]) -> list[int] | None:
    """The weights in it; None where it has others than those with one number for a channel."""
    shape = shapes[stretch.source]
    if not 2 <= len(shape) <= 5 or shapes[stretch.result] != shape:
        return None
    found = []
    for number in stretch.state:
        entry = stretch.program.state[number]
        floating = entry.dtype.startswith(("float", "bfloat"))
        if not floating or len(entry) != shape[1] or max(entry.shape, default=1) != shape[1]:
            return None
        found.append(number)
    return found if len(found) <= MOST_VECTORS else None


def _averages(stretch: Stretch) -> bool:
    """Whether it takes an average of what comes in."""
    return any(stretch.program.nodes[index].name in AVERAGES for index in stretch.nodes)


def _looks_like_one(stretch: Stretch, shapes: dict[int, tuple[int, ...]]) -> bool:
    """Subtract, divide, scale: with vectors for channels, or averages that leave the channels."""
    names = {stretch.program.nodes[index].name for index in stretch.steps}
    vectors = _vectors(stretch, shapes)
    if vectors is None or not (_averages(stretch) or len(vectors) > 1):
        return False
    if names.isdisjoint(ROOTS | SPREADS) and len(vectors) < MOST_VECTORS - 1:
        return False
    shape = shapes[stretch.source]
    averages = [
        node.argument("dim")
        for index in stretch.nodes
        if (node := stretch.program.nodes[index]).name in AVERAGES
        and shapes[next(node.tensors())] == shape
    ]
    return all(
        isinstance(dims, list) and all(isinstance(d, int) and d % len(shape) != 1 for d in dims)
        for dims in averages
    )


def _why_not(stretch: Stretch, shapes: dict[int, tuple[int, ...]]) -> str:
    channels = shapes[stretch.source][1]
    tables = [stretch.program.constants[number] for number in stretch.constants]
    return NO_BUFFERS if any(len(one.flatten()) == channels > 1 for one in tables) else OTHERWISE


def _replaced(program: Program, instead: dict[int, Node | None]) -> Program:
    if not instead:
        return program
    nodes = [instead.get(index, node) for index, node in enumerate(program.nodes)]
    made = dataclasses.replace(program, nodes=[node for node in nodes if node is not None])
    drop_what_nobody_uses(made, statistics=False)
    return made
