"""[judge's kernel, student's kernel] Which parameters a model uses, in which order, and after
which others.

`check.function` gives two models the same weights. Names, the style they are written in and the
order in which layers are registered are the author's own affair, so weights are carried across by
*use*: a layer is known by what it does, the shape of its weight, and the layers its input came
through. Two branches may be evaluated in either order.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils.weak import WeakTensorKeyDictionary

from skipgrade.judging.programs.naming import named
from skipgrade.judging.programs.recording import tensors_in

# Where the parameters of torch's own layer functions stand among their arguments.
ROLES = {
    "conv1d": ("input", "weight", "bias"),
    "conv2d": ("input", "weight", "bias"),
    "conv_transpose2d": ("input", "weight", "bias"),
    "linear": ("input", "weight", "bias"),
    "batch_norm": ("input", "running_mean", "running_var", "weight", "bias"),
    "layer_norm": ("input", "normalized_shape", "weight", "bias"),
    "group_norm": ("input", "num_groups", "weight", "bias"),
    "prelu": ("input", "weight"),
}
OPTIONAL_BIAS = {"conv1d", "conv2d", "conv_transpose2d", "linear"}


@dataclass
class Use:
    """One call that used parameters: `slots` maps a role to the parameter or buffer."""

    function: str
    slots: dict[str, Tensor]
    flow: str

    def describe(self) -> str:
        shapes = [tuple(t.shape) for role, t in self.slots.items() if role != "bias"]
        return f"{self.function} with weights of shape {shapes[0] if shapes else '()'}"


@dataclass
class Slot:
    """A parameter or buffer under the name both models know it by."""

    key: str
    role: str
    tensor: Tensor


@dataclass(eq=False)
class Recorder(TorchFunctionMode):
    """Watches one forward pass of a module and notes every use of its parameters and buffers."""

    module: nn.Module
    uses: list[Use] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        owned = [*self.module.parameters(), *self.module.buffers()]
        self._owned = {id(t): t for t in owned if t.is_floating_point()}
        self._came_through: Any = WeakTensorKeyDictionary()

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        sources = list(tensors_in((args, kwargs)))
        upstream = self._upstream(sources)
        slots = self._slots(func, args, kwargs)
        if slots:
            upstream = frozenset({self._note(func, slots, upstream)})
        if upstream:
            changed = list(tensors_in(result))
            if getattr(func, "__name__", "") == "__setitem__":
                changed += sources[:1]
            for tensor in changed:
                if id(tensor) not in self._owned:
                    self._came_through[tensor] = upstream
        return result

    def _upstream(self, tensors: list[Tensor]) -> frozenset[str]:
        found: frozenset[str] = frozenset()
        for tensor in tensors:
            if id(tensor) not in self._owned:
                found |= self._came_through.get(tensor, frozenset())
        return found

    def _slots(self, func: Any, args: Any, kwargs: Any) -> dict[str, Tensor]:
        roles = ROLES.get(getattr(func, "__name__", ""), ())
        named = {roles[i] if i < len(roles) else f"argument {i}": a for i, a in enumerate(args)}
        named.update(kwargs)
        return {
            role: value
            for role, value in named.items()
            if isinstance(value, Tensor) and id(value) in self._owned
        }

    def _note(self, func: Any, slots: dict[str, Tensor], upstream: frozenset[str]) -> str:
        name = func.__name__
        shapes = {r: tuple(t.shape) for r, t in slots.items()}
        if name in OPTIONAL_BIAS:
            shapes.pop("bias", None)
        text = f"{name} {sorted(shapes.items())} after {sorted(upstream)}"
        flow = hashlib.sha256(text.encode()).hexdigest()[:16]
        self.uses.append(Use(name, slots, flow))
        return flow


def record(module: nn.Module, inputs: list[Tensor]) -> list[Use]:
    """Run `module` once, in eval mode and without gradients, and report its uses in order."""
    module.eval()
    with torch.no_grad(), Recorder(module) as recorder:
        module(*[x.clone() for x in inputs])
    return recorder.uses


def named_slots(uses: list[Use], scheme: str) -> list[Slot]:
    """Every used tensor under its name. By "flow" that is right unless data leaves torch."""
    tensors = {id(tensor): tensor for use in uses for tensor in use.slots.values()}
    described = (
        (
            use.flow,
            use.function in OPTIONAL_BIAS,
            [(r, id(t), t.shape) for r, t in use.slots.items()],
        )
        for use in uses
    )
    return [Slot(key, role, tensors[number]) for key, role, number in named(described, scheme)]


def fill(slots: list[Slot], seed: int, without: set[str]) -> None:
    """Give every slot the values its name and the seed stand for; zero to those in `without`."""
    for slot in slots:
        with torch.no_grad():
            if slot.key in without:
                slot.tensor.zero_()
            else:
                slot.tensor.copy_(values_for(slot.key, tuple(slot.tensor.shape), seed))


def values_for(key: str, shape: tuple[int, ...], seed: int) -> Tensor:
    """Seeded values that keep signals of a sensible size through many layers."""
    digest = hashlib.sha256(f"{seed} {key}".encode()).digest()
    generator = torch.Generator().manual_seed(int.from_bytes(digest[:7], "big"))
    if len(shape) < 2:  # biases, and the scales and statistics of norms: around one, never negative
        return torch.rand(shape, generator=generator, dtype=torch.float64) + 0.5
    fan_in = max(1, int(torch.tensor(shape[1:]).prod()))
    spread = (2.0 / fan_in) ** 0.5
    return torch.randn(shape, generator=generator, dtype=torch.float64) * spread
