"""[judge's kernel] Runs a program, within limits of memory, arithmetic and time."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from skipgrade.judging.programs.operations import operation, parameter_names
from skipgrade.judging.programs.program import BadProgramError, Named, Node, Program, Ref, Times
from skipgrade.judging.programs.shapes import made_by

MOST_BYTES = 6 * 2**30  # all that one run makes, counted as if nothing were freed
MOST_PRODUCTS = 400e9  # multiplications of one run
PRODUCTS_OF_AN_IMAGE = 20e9
BYTES_AT_A_TIME = 2**29  # what a batch of images is cut to
FLOATING = {"float16", "bfloat16", "float32", "float64"}
META = torch.device("meta")  # tensors there have a shape and no numbers

Values = dict[int, Any]


def run(
    program: Program,
    state: Mapping[int, Tensor],
    inputs: Sequence[Tensor],
    *,
    dtype: torch.dtype = torch.float32,
    seconds: float = 60.0,
    keep: bool = True,
) -> list[Tensor]:
    """The outputs for these inputs, with this state, in this precision.

    Every tensor made stays until the end with `keep`, as autograd needs it; without, it goes when
    nobody wants it any more. Raises `BadProgramError` for steps that cannot be taken.
    """
    batch = _batch_of(program, inputs)
    values: Values = {**state, **dict(zip(program.input_numbers(), inputs, strict=True))}
    device = inputs[0].device if inputs else torch.device("cpu")
    for number, constant in program.constants.items():
        floating = constant.is_floating_point()
        values[number] = constant.to(device, dtype if floating else None, copy=True)
    last = {} if keep else _last_uses(program)
    deadline = time.monotonic() + seconds
    with _by_default(dtype):
        for index, node in enumerate(program.nodes):
            if time.monotonic() > deadline:
                raise BadProgramError(f"a forward pass that takes longer than {seconds:g} s")
            _step(node, values, batch, dtype, device)
            for number in last.get(index, ()):
                values.pop(number, None)
    return [values[number] for number in program.outputs]


def run_part(program: Program, nodes: Sequence[Node], values: Values, batch: int) -> Values:
    """Some steps in double precision, from the values given on; all values there are then."""
    device = torch.device("cpu")
    for number, constant in program.constants.items():
        floating = constant.is_floating_point()
        values[number] = constant.to(device, torch.float64 if floating else None, copy=True)
    with _by_default(torch.float64):
        for node in nodes:
            _step(node, values, batch, torch.float64, device)
    return values


@contextmanager
def _by_default(dtype: torch.dtype) -> Iterator[None]:
    """Tensors that a program makes without saying of what kind are of this one."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def measure(
    program: Program, shapes: Sequence[Tensor], dtype: torch.dtype = torch.float32
) -> tuple[int, float]:
    """Bytes and multiplications that a run on such inputs takes; nothing is computed for it."""
    kind = (dtype, *((x.shape, x.dtype) for x in shapes))
    if kind not in program.measured:
        program.measured[kind] = _measure(program, shapes, dtype)
    return program.measured[kind]


def _measure(program: Program, shapes: Sequence[Tensor], dtype: torch.dtype) -> tuple[int, float]:
    values, batch = _without_numbers(program, shapes, dtype)
    size, products = 0, 0.0
    with _by_default(dtype):
        for node in program.nodes:
            made = _imagined(node, values, batch, dtype)
            size += sum(tensor.numel() * tensor.element_size() for tensor in made)
            products += _products(node, values, made)
            if size > MOST_BYTES or products > MOST_PRODUCTS:
                raise BadProgramError("a forward pass that takes too much memory or arithmetic")
    return size, products


def shapes_in(program: Program, shapes: Sequence[Tensor]) -> dict[int, tuple[int, ...]]:
    """The shape of every tensor of a run on such inputs; nothing is computed for it."""
    values, batch = _without_numbers(program, shapes, torch.float32)
    for node in program.nodes:
        _imagined(node, values, batch, torch.float32)
    return {number: tuple(tensor.shape) for number, tensor in values.items()}


def _without_numbers(
    program: Program, shapes: Sequence[Tensor], dtype: torch.dtype
) -> tuple[Values, int]:
    """Inputs, state and constants as tensors that have a shape alone; and the batch size."""
    inputs = [_imagined_of(x, dtype) for x in shapes]
    values: Values = dict(zip(program.input_numbers(), inputs, strict=True))
    for number, entry in enumerate(program.state):
        kind = dtype if entry.dtype in FLOATING else getattr(torch, entry.dtype)
        values[number] = torch.empty(entry.shape, dtype=kind, device=META)
    for number, constant in program.constants.items():
        values[number] = _imagined_of(constant, dtype)
    return values, _batch_of(program, inputs)


def _imagined_of(tensor: Tensor, dtype: torch.dtype) -> Tensor:
    kind = dtype if tensor.is_floating_point() else tensor.dtype
    return torch.empty(tensor.shape, dtype=kind, device=META)


def _imagined(node: Node, values: Values, batch: int, dtype: torch.dtype) -> list[Tensor]:
    """A step on tensors that have a shape alone."""
    made = made_by(node, values)
    if made is None or len(made) != len(node.out):
        return _step(node, values, batch, dtype, META)
    values.update(zip(node.out, made, strict=True))
    return made


def _products(node: Node, values: Values, made: list[Tensor]) -> float:
    if not made:
        return 0.0
    if node.name in ("convolution", "_convolution", "conv2d"):
        weight = values[node.args[1].number]
        return float(made[0].numel()) * weight.numel() / max(1, weight.shape[0])
    if node.name in ("mm", "addmm", "bmm", "baddbmm", "matmul", "linear"):
        given = [values[number] for number in node.tensors()]
        return float(made[0].numel()) * max(x.shape[-1] if x.ndim else 1 for x in given)
    return float(made[0].numel())


def _batch_of(program: Program, inputs: Sequence[Tensor]) -> int:
    batch = inputs[0].shape[0] if inputs and inputs[0].ndim else 1
    if program.batch is not None and batch != program.batch:
        raise BadProgramError(
            f"a forward pass that works for batches of {program.batch} images only"
        )
    return batch


def _step(
    node: Node, values: Values, batch: int, dtype: torch.dtype, device: torch.device
) -> list[Tensor]:
    args = _real(node.args, values, batch, dtype)
    kwargs = {key: _real(value, values, batch, dtype) for key, value in node.kwargs.items()}
    if "device" in parameter_names(node.op):  # what makes a tensor makes it where we compute
        kwargs["device"] = device
    if "pin_memory" in kwargs:
        kwargs["pin_memory"] = None
    try:
        with torch.set_grad_enabled(node.gradient and torch.is_grad_enabled()):
            result = _taken(node, args, kwargs)
    except (RuntimeError, TypeError, IndexError, ValueError, NotImplementedError) as error:
        raise BadProgramError(
            f"a step that cannot be taken again ({node.name}: {error})"
        ) from error
    made = _flat(result)
    if len(made) != len(node.out):
        raise BadProgramError(f"a different number of results of {node.name}")
    values.update(zip(node.out, made, strict=True))
    return made


def _taken(node: Node, args: Any, kwargs: dict[str, Any]) -> Any:
    if node.name != "view":
        return operation(node.op)(*args, **kwargs)
    try:
        return operation(node.op)(*args, **kwargs)
    except RuntimeError:  # its numbers may lie in another order in memory than they did there
        return operation("aten.reshape.default")(*args, **kwargs)


def _real(value: Any, values: Values, batch: int, dtype: torch.dtype) -> Any:
    if isinstance(value, Ref):
        return values[value.number]
    if isinstance(value, list):
        return [_real(item, values, batch, dtype) for item in value]
    if isinstance(value, Times):
        return value.at(batch)
    if isinstance(value, Named):
        return dtype if value.name in FLOATING else getattr(torch, value.name)
    return value


def _flat(result: Any) -> list[Tensor]:
    if isinstance(result, Tensor):
        return [result]
    if isinstance(result, (list, tuple)):
        return [tensor for item in result for tensor in _flat(item)]
    return []


def _last_uses(program: Program) -> dict[int, list[int]]:
    last: dict[int, int] = {}
    for index, node in enumerate(program.nodes):
        for number in (*node.tensors(), *node.out):
            last[number] = index
    for number in (*program.outputs, *range(len(program.state))):
        last.pop(number, None)
    uses: dict[int, list[int]] = {}
    for number, index in last.items():
        uses.setdefault(index, []).append(number)
    return uses
