"""[judge's kernel] Where the axes of a weight come to lie, however it is turned and reshaped."""

from __future__ import annotations

from typing import Any

from skipgrade.judging.programs.program import Node

Axes = tuple[int | None, ...]  # for each axis which one of the weight it is; None: one entry long
SAME_NUMBERS = {"detach", "alias", "_to_copy", "clone", "contiguous"}


def moved(node: Node, axes: Axes, shape: tuple[int, ...]) -> Axes | None:
    """After this step; None where it is no longer the same weight. Matrices alone are turned.

    Nobody has looked at the step's arguments yet: they may be anything.
    """
    if node.name in SAME_NUMBERS:
        return axes
    if len(shape) != 2:
        return None
    if node.name in ("t", "numpy_T"):
        return axes[::-1]
    if node.name == "permute":
        return _permuted(node.argument("dims"), axes)
    if node.name == "transpose":
        return _exchanged(node.argument("dim0"), node.argument("dim1"), axes)
    if node.name == "unsqueeze":
        place = _place(node.argument("dim"), len(axes) + 1)
        return None if place is None else (*axes[:place], None, *axes[place:])
    if node.name == "squeeze":
        return tuple(axis for axis in axes if axis is not None)
    if node.name in ("view", "reshape", "_unsafe_view"):
        return _reshaped(node.argument("size") or node.argument("shape"), axes, shape)
    return None


def _permuted(dims: Any, axes: Axes) -> Axes | None:
    places = [_place(dim, len(axes)) for dim in dims] if isinstance(dims, list) else []
    if {*places} != {*range(len(axes))} or len(places) != len(axes):
        return None
    return tuple(axes[place] for place in places if place is not None)


def _exchanged(one: Any, other: Any, axes: Axes) -> Axes | None:
    first, second = _place(one, len(axes)), _place(other, len(axes))
    if first is None or second is None:
        return None
    order = list(axes)
    order[first], order[second] = order[second], order[first]
    return tuple(order)


def _reshaped(sizes: Any, axes: Axes, shape: tuple[int, ...]) -> Axes | None:
    """Axes of one entry come and go; the weight's own stay as they are, in their order."""
    own = [axis for axis in axes if axis is not None]
    if not isinstance(sizes, list) or 1 in shape:
        return None
    if [size for size in sizes if size != 1] != [shape[axis] for axis in own]:
        return None
    left = iter(own)
    return tuple(None if size == 1 else next(left) for size in sizes)


def _place(dim: Any, axes: int) -> int | None:
    return dim % axes if isinstance(dim, int) and -axes <= dim < axes else None
