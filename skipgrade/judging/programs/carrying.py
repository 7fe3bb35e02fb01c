"""[judge's kernel] Which weights of one program belong to which of another.

`check.function` gives two programs the same weights. Names, the style a network is written in and
the order in which layers are registered are the author's own affair, so weights are carried
across by *use*: a layer is known by what it does, the shape of its weight, and the layers its
input came through. Two branches may be computed in either order.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, field

import torch
from torch import Tensor

from skipgrade.judging.programs.axes import Axes, moved
from skipgrade.judging.programs.naming import named
from skipgrade.judging.programs.operations import changes, is_view, parameter_names
from skipgrade.judging.programs.program import Node, Program, Ref

FAMILIES = {
    "convolution": "conv", "_convolution": "conv", "conv2d": "conv", "conv1d": "conv",
    "linear": "linear", "addmm": "linear", "mm": "linear", "matmul": "linear",
    "native_batch_norm": "batch_norm", "_native_batch_norm_legit": "batch_norm",
    "_batch_norm_with_update": "batch_norm", "_batch_norm_no_update": "batch_norm",
    "_native_batch_norm_legit_no_training": "batch_norm", "cudnn_batch_norm": "batch_norm",
    "native_layer_norm": "layer_norm", "native_group_norm": "group_norm",
}  # fmt: skip
ROLES = {"mat2": "weight", "self": "bias", "mat1": "weight", "other": "weight"}  # of a linear layer
OPTIONAL_BIAS = {"conv", "linear"}


@dataclass
class Use:
    """One operation that uses weights: `slots` maps a role to the state's number."""

    family: str
    slots: dict[str, int]
    shapes: dict[str, tuple[int, ...]]
    flow: str

    def describe(self) -> str:
        shapes = [shape for role, shape in self.shapes.items() if role != "bias"]
        return f"{self.family} with weights of shape {shapes[0] if shapes else '()'}"


@dataclass
class Slot:
    """A parameter or buffer under the name both programs know it by."""

    key: str
    role: str
    number: int
    shape: tuple[int, ...]  # as both programs know it
    turned: bool = False  # a matrix that is used the other way round than nn.Linear does

    def own(self, values: Tensor, shape: tuple[int, ...]) -> Tensor:
        """Values of the known shape as the program has them, in its own `shape`."""
        return (values.t() if self.turned else values).reshape(shape).contiguous()

    def known(self, values: Tensor) -> Tensor:
        """The other way round."""
        return (values.t() if self.turned else values).reshape(self.shape)


@dataclass
class _Tracker:
    """Follows weights and what layers a tensor came through, one operation after the other."""

    program: Program
    flat: bool = False  # a convolution's weights as the matrix of a linear layer
    uses: list[Use] = field(default_factory=list)
    turned: dict[int, bool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # Of a tensor that is a parameter, as it is or turned round: the state's number, and
        # where its axes have come to lie.
        self._weight = {number: number for number in range(len(self.program.state))}
        self._axes: dict[int, Axes] = {
            number: tuple(range(len(entry.shape)))
            for number, entry in enumerate(self.program.state)
        }
        self._root: dict[int, int] = {}
        self._came_through: dict[int, frozenset[str]] = {}

    def follow(self) -> list[Use]:
        for node in self.program.nodes:
            self._follow(node)
        return self.uses

    def _follow(self, node: Node) -> None:
        given = list(node.tensors())
        if self._is_the_same_weight(node, given):
            return
        slots = self._slots(node)
        upstream = frozenset().union(*(self._upstream(n) for n in given if n not in self._weight))
        if slots:
            upstream = frozenset({self._note(node, slots, upstream)})
        if given and is_view(node.op) and given[0] not in self._weight:
            for number in node.out:
                self._root[number] = self._root.get(given[0], given[0])
        touched = [*node.out, *(given[:1] if changes(node.op) else [])]
        for number in touched:
            if number not in self._weight:
                self._came_through[self._root.get(number, number)] = upstream

    def _upstream(self, number: int) -> frozenset[str]:
        return self._came_through.get(self._root.get(number, number), frozenset())

    def _is_the_same_weight(self, node: Node, given: list[int]) -> bool:
        if len(given) != 1 or given[0] not in self._weight or len(node.out) != 1:
            return False
        number = self._weight[given[0]]
        axes = moved(node, self._axes[given[0]], self.program.state[number].shape)
        if axes is None:
            return False
        self._weight[node.out[0]] = number
        self._axes[node.out[0]] = axes
        return True

    def _slots(self, node: Node) -> dict[str, tuple[int, bool]]:
        names = parameter_names(node.op)
        named = [*zip(names, node.args, strict=False), *node.kwargs.items()]
        family = self._family(node)
        found = {}
        for name, value in named:
            if isinstance(value, Ref) and value.number in self._weight:
                role = ROLES.get(name, name) if family == "linear" else name
                number = self._weight[value.number]
                if self.program.state[number].dtype.startswith(("float", "bfloat")):
                    turned = role == "weight" and family == "linear" and self._is_turned(value)
                    found[role] = (number, turned)
        return dict(sorted(found.items(), key=lambda slot: slot[0] == "bias"))  # weights first

    def _is_turned(self, value: Ref) -> bool:
        """nn.Linear's weight reaches the product turned round; one that does not is `x @ W`."""
        return [axis for axis in self._axes[value.number] if axis is not None] == [0, 1]

    def _family(self, node: Node) -> str:
        """A product of batches whose second matrix is one weight for all is a linear layer."""
        if node.name == "bmm" and isinstance(node.args[1], Ref):
            axes = self._axes.get(node.args[1].number, ())
            if len(axes) == 3 and axes[0] is None:
                return "linear"
        return FAMILIES.get(node.name, node.name)

    def _note(
        self, node: Node, slots: dict[str, tuple[int, bool]], upstream: frozenset[str]
    ) -> str:
        family = self._family(node)
        flat = self.flat and family == "conv" and _sees_all_channels(node)
        shapes = {}
        for role, (number, turned) in slots.items():
            shape = self.program.state[number].shape
            if flat and role == "weight":
                shape = (shape[0], math.prod(shape[1:]))
            if family == "batch_norm":  # by hand they may be kept as maps of one pixel
                shape = (math.prod(shape),)
            shapes[role] = shape[::-1] if turned else shape
            self.turned.setdefault(number, turned)
        family = "linear" if flat else family
        known = {
            role: s for role, s in shapes.items() if role != "bias" or family not in OPTIONAL_BIAS
        }
        text = f"{family} {sorted(known.items())} after {sorted(upstream)}"
        flow = hashlib.sha256(text.encode()).hexdigest()[:16]
        numbers = {role: number for role, (number, _) in slots.items()}
        self.uses.append(Use(family, numbers, shapes, flow))
        return flow


def _sees_all_channels(node: Node) -> bool:
    return node.argument("groups") in (None, 1) and not node.argument("transposed")


def layers(program: Program) -> list[Use]:
    """Every use of weights, in order."""
    return _Tracker(program).follow()


def named_slots(program: Program, scheme: str, *, flat: bool = False) -> list[Slot]:
    """Every used weight under its name.

    With `flat` a convolution is known as the linear layer it is where its filters cover the whole
    map, or one pixel.
    """
    tracker = _Tracker(program, flat)
    described = [
        (
            use.flow,
            use.family in OPTIONAL_BIAS,
            [(r, n, use.shapes[r]) for r, n in use.slots.items()],
        )
        for use in tracker.follow()
    ]
    shapes = {n: shape for _, _, weights in reversed(described) for _, n, shape in weights}
    return [
        Slot(key, role, number, shapes[number], tracker.turned.get(number, False))
        for key, role, number in named(described, scheme)
    ]


class Values:
    """What slots' names and a seed stand for: drawn once, for however many programs and modes."""

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._drawn: dict[tuple[str, tuple[int, ...]], Tensor] = {}

    def of(self, slot: Slot) -> Tensor:
        """To be copied, not changed."""
        name = (slot.key, tuple(slot.shape))
        if name not in self._drawn:
            self._drawn[name] = values_for(*name, self._seed)
        return self._drawn[name]


def drawn_state(
    program: Program, slots: list[Slot], values: Values, without: set[str], dtype: torch.dtype
) -> dict[int, Tensor]:
    """Values for a program's whole state: those its slots' names stand for, zero for the slots in
    `without`, and for what no layer uses."""
    filled = {slot.number: slot for slot in slots if slot.key not in without}
    state = {}
    for number, entry in enumerate(program.state):
        if number in filled:
            own = filled[number].own(values.of(filled[number]), entry.shape)
            state[number] = own.to(dtype, copy=True)
        else:
            floating = entry.dtype.startswith(("float", "bfloat"))
            kind = dtype if floating else getattr(torch, entry.dtype)
            state[number] = torch.zeros(entry.shape, dtype=kind)
    return state


def values_for(key: str, shape: tuple[int, ...], seed: str) -> Tensor:
    """Drawn values that keep signals of a sensible size through many layers."""
    digest = hashlib.sha256(f"{seed} {key}".encode()).digest()
    generator = torch.Generator().manual_seed(int.from_bytes(digest[:7], "big"))
    if len(shape) < 2:  # biases, and the scales and statistics of norms: around one, never negative
        return torch.rand(shape, generator=generator).double() + 0.5
    spread = (2.0 / max(1, math.prod(shape[1:]))) ** 0.5
    drawn = torch.randn(shape, generator=generator)  # in float32, five times as fast
    return drawn.double().mul_(spread)
