"""[judge's kernel] What one operation of a program is called by people."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from skipgrade.judging.programs.carrying import FAMILIES
from skipgrade.judging.programs.formulas import Formula
from skipgrade.judging.programs.operations import SHAPES
from skipgrade.judging.programs.program import Node

Shape = tuple[int, ...]
ACTIVATIONS = {
    "relu": "ReLU", "relu6": "ReLU6", "sigmoid": "sigmoid", "tanh": "tanh", "gelu": "GELU",
    "silu": "Swish", "leaky_relu": "leaky ReLU", "elu": "ELU", "selu": "SELU", "celu": "CELU",
    "mish": "Mish", "hardswish": "hard Swish", "hardsigmoid": "hard sigmoid",
    "softplus": "softplus", "_softmax": "softmax", "softmax": "softmax",
    "_log_softmax": "log-softmax", "log_softmax": "log-softmax", "_prelu_kernel": "PReLU",
    "prelu": "PReLU", "log_sigmoid_forward": "log-sigmoid",
}  # fmt: skip
CONSTANTS = {"add": "addition", "sub": "subtraction", "mul": "multiplication", "div": "division"}
ENLARGING = {"nearest": "nearest pixel", "bilinear": "bilinear", "bicubic": "bicubic"}
SILENT = frozenset(SHAPES.split()) - {"cat", "stack", "slice"}
PADDING = re.compile(r", padding (\d+)(?=[,)])")
STRIDE = re.compile(r", stride (\d+|\([^)]*\))")
USUAL_EPS = 1e-5  # batch norm's usual eps


@dataclass
class Given:
    """What a step is given: shapes before and after, and of every tensor among its arguments."""

    before: Shape
    after: Shape
    shapes: list[Shape]
    alive: list[bool]  # which of these follow from the inputs
    branches: int  # how many steps they come from
    gated: bool  # whether one is the sigmoid of the other
    keeps: float | None  # the chance with which a drawn mask keeps a number
    mask: Shape
    batch: int  # how many images went in


def label(node: Node, given: Given) -> str | None:
    """What it is, sizes in brackets; None for what changes no numbers."""
    name = node.name
    family = FAMILIES.get(name)
    if family == "conv" and len(given.shapes) > 1 and len(given.shapes[1]) == 4:
        return _convolution(node, given)
    if family == "linear" or name in ("bmm", "mv"):
        return f"linear layer ({given.before[-1]} to {given.after[-1]})"
    if family and family.endswith("norm"):
        return _norm(node, family, given)
    if "pool" in name or name in ("mean", "amax", "max"):
        return _pool(node, given)
    if name in ACTIVATIONS:
        return ACTIVATIONS[name]
    if name in ("hardtanh", "clamp", "clamp_min", "threshold"):
        return _clamp(node)
    if name in ("constant_pad_nd", "cat"):
        return _zeros(node, given)
    if "upsample" in name:
        kind = next((told for key, told in ENLARGING.items() if key in name), name)
        return f"enlargement ({kind}, {_sides(given)})"
    if name == "slice":
        return _slice(node, given)
    if name in SILENT:
        return None
    return _arithmetic(node, given)


def _convolution(node: Node, given: Given) -> str:
    out, inner, *kernel = given.shapes[1]
    groups = given.before[1] // inner
    size = f"{given.before[1]} to {out} channels, {'x'.join(map(str, kernel))}"
    stride = _one(node.argument("stride"), 1)
    padding = _one(node.argument("padding"), 0)
    dilation = _one(node.argument("dilation"), 1)
    if tuple(given.after[2:]) == (1, 1) == (kernel[0] // given.before[2], groups) and padding == 0:
        return f"linear layer ({inner * kernel[0] * kernel[1]} to {out})"
    size += f", stride {stride}" + (f", padding {padding}" if padding else "")
    size += f", {groups} groups" if groups > 1 else ""
    size += f", dilation {dilation}" if dilation != 1 else ""
    return f"convolution ({size})"


def frame_of_zeros(node: Node) -> int:
    """How many zeros this step puts around maps, if it is as many on each side; else 0."""
    pad = node.argument("pad") if node.name == "constant_pad_nd" else None
    if not isinstance(pad, list) or node.argument("value") not in (None, 0):
        return 0
    front, *others = pad[:4]
    alike = len(pad) >= 4 and all(side == front for side in others) and not any(pad[4:])
    return front if alike and isinstance(front, int) and front > 0 else 0


def padded(told: str, frame: int) -> str | None:
    """The convolution of this label, were it to pad its maps itself by so much more."""
    if not told.startswith("convolution ("):
        return None
    if own := PADDING.search(told):
        return PADDING.sub(f", padding {int(own.group(1)) + frame}", told, count=1)
    return None if ", padding" in told else STRIDE.sub(rf"\g<0>, padding {frame}", told, count=1)


def _one(sides: Any, otherwise: Any) -> Any:
    """[2, 2] as 2."""
    if not isinstance(sides, list) or not sides:
        return otherwise
    return sides[0] if all(side == sides[0] for side in sides) else tuple(sides)


def _norm(node: Node, family: str, given: Given) -> str:
    eps = node.argument("eps")
    channels = given.before[1] if len(given.before) > 1 else 0
    of_batch = node.argument("training") is True
    as_one = given.before[:1] == (1,) and given.batch > 1  # the maps of all images as one image's
    if family == "batch_norm" and of_batch and as_one and channels % given.batch == 0:
        return f"instance norm ({channels // given.batch} channels)"
    size = f"{channels} channels" if channels else ""
    if isinstance(eps, float) and abs(eps - USUAL_EPS) > USUAL_EPS / 10:
        size += f", eps {eps:g}"
    if of_batch:
        size += ", with the batch's own statistics"
    if isinstance(node, Formula) and node.note:
        size += f", {node.note}"
    elif family == "batch_norm" and None in (node.argument("weight"), node.argument("bias")):
        size += f", without {_lacking(node)}"
    return f"{family.replace('_', ' ')} ({size})"


def _lacking(node: Node) -> str:
    """Which of its own weights a batch norm does not have."""
    if node.argument("bias") is not None:
        return "a weight of its own (gamma)"
    if node.argument("weight") is not None:
        return "a bias of its own (beta)"
    return "a weight and bias of its own (gamma and beta)"


def _pool(node: Node, given: Given) -> str | None:
    kind = "average" if "avg" in node.name or node.name == "mean" else "max"
    if len(given.before) != 4:
        return None if given.before == given.after else f"{kind} ({_sides(given)})"
    if given.after[2:] in ((1, 1), ()) and given.after[1:2] == given.before[1:2]:
        return f"{'maximum' if kind == 'max' else kind} of each map"
    kernel = _one(node.argument("kernel_size"), None)
    if kernel is None:
        return f"{kind} pool ({_sides(given)})"
    stride = _one(node.argument("stride"), kernel)
    return f"{kind} pool ({kernel}x{kernel}" + (f", stride {stride})" if stride != kernel else ")")


def _sides(given: Given) -> str:
    return f"{list(given.before[1:])} to {list(given.after[1:])}"


def _clamp(node: Node) -> str:
    low = _number(node, "min", "min_val", "threshold")
    high = _number(node, "max", "max_val")
    if low == 0 and high is None:
        return "ReLU"
    return "ReLU6" if (low, high) == (0, 6) else f"clamp ({low} to {high})"


def _number(node: Node, *names: str) -> float | None:
    """The first of these arguments that is a number."""
    values = [node.argument(name) for name in names]
    return next((value for value in values if isinstance(value, int | float)), None)


def _zeros(node: Node, given: Given) -> str | None:
    if node.name == "cat":
        if sum(given.alive) > 1:
            return "concatenation"
        number = given.alive.index(True)
        front = sum(shape[1] for shape in given.shapes[:number] if len(shape) > 1)
        behind = sum(shape[1] for shape in given.shapes[number + 1 :] if len(shape) > 1)
        return _padded([front, behind], [])
    pad = node.argument("pad") or []
    return _padded([int(n) for n in pad[4:6]], [int(n) for n in pad[:4]])


def _padded(channels: list[int], sides: list[int]) -> str | None:
    told = []
    if any(channels):
        told.append(f"{channels[0]} channels in front, {channels[1]} behind")
    if any(sides):
        told.append(f"{sides} around the maps")
    return f"zeros ({', '.join(told)})" if told else None


def _slice(node: Node, given: Given) -> str | None:
    dim, start, step = (node.argument(name) for name in ("dim", "start", "step"))
    if given.before == given.after or not isinstance(dim, int):
        return None
    what = {1: "channel", 2: "row", 3: "column"}.get(dim % max(1, len(given.before)), "entry")
    if not isinstance(step, int) or step < 2:
        return f"part of the {what}s ({_sides(given)})"
    return f"one {what} in {step} (from {what} {start or 0} on)"


def _arithmetic(node: Node, given: Given) -> str | None:
    if given.keeps is not None:
        whole = " of whole maps" if given.mask[2:] == (1, 1) else ""
        return f"dropout{whole} (probability {1 - given.keeps:.4g})"
    if node.name == "native_dropout":
        return f"dropout (probability {node.argument('p')})"
    names = {"add": "sum", "sub": "difference", "mul": "product", "div": "quotient"}
    if given.branches > 1:
        joined = names.get(node.name, node.name)
        return "Swish" if given.gated and joined == "product" else f"{joined} (of two branches)"
    other = node.args[1] if len(node.args) > 1 else None
    if isinstance(other, int | float):
        if (node.name, other) in {("mul", 1), ("add", 0), ("div", 1), ("sub", 0)}:
            return None
        return f"{CONSTANTS.get(node.name, node.name)} ({other:g})"
    return node.name
