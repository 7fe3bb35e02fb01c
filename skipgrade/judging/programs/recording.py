"""[student's kernel, judge's kernel] A forward pass as plain data: which operations, on what.

Recorded below autograd, where torch's own functions, layers, operators and scripted modules are
all the same few dozen operations, however the forward pass is written.
"""

from __future__ import annotations

import copy
import io
import json
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

LARGEST_CONSTANT = 1_024  # numbers a forward pass may bring along that are not weights
MOST_OPERATIONS = 20_000
READS_A_NUMBER = "aten._local_scalar_dense.default"  # .item(): what follows from it is recorded
COPY = "aten.copy_.default"


class NotRecordableError(Exception):
    """This forward pass cannot be told as a list of operations; the text says why."""


class Recorder(TorchDispatchMode):
    """Notes every operation between the tensors it was given and those that come out."""

    def __init__(self, known: Sequence[Tensor]) -> None:
        super().__init__()
        self.nodes: list[dict[str, Any]] = []
        self.constants: dict[int, Tensor] = {}
        self.own_gradients = False
        self._numbers: dict[int, int] = {}
        self._alive: list[Tensor] = []  # so that no id is given twice
        self._without_gradient: set[int] = set()
        for tensor in known:
            self._number_of_new(tensor)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if len(self.nodes) >= MOST_OPERATIONS:
            raise NotRecordableError(f"it takes more than {MOST_OPERATIONS:,} operations")
        self.notice_own_gradients([args, kwargs])
        # Before the call: one that works in place changes what a constant was.
        told = {"op": str(func), "args": self._told(args), "kwargs": self._told(kwargs)}
        result = func(*args, **kwargs)
        if told["op"] != READS_A_NUMBER:
            made = [self.number(tensor) for tensor in tensors_in(result)]
            gradient = torch.is_grad_enabled()
            self.nodes.append({**told, "out": made, "grad": gradient})
            if not gradient:
                self._without_gradient.update(made)
        return result

    def note_new_buffers(self, state: list[dict[str, Any]], owner: nn.Module | None) -> None:
        """What was put in a buffer's place, as `self.mean = 0.9 * self.mean + ...` does, is
        written into it."""
        buffers = dict(owner.named_buffers(remove_duplicate=False)) if owner is not None else {}
        made = {tensor.data_ptr(): tensor for tensor in self._alive if tensor.numel()}
        for entry in state:
            now = buffers.get(entry["names"][0])
            if now is None or not now.numel() or now.data_ptr() == entry["at"]:
                continue
            source = made.get(now.data_ptr())
            if source is not None and list(source.shape) == list(now.shape) == entry["shape"]:
                pair = [["tensor", self.number(one)] for one in (entry["tensor"], source)]
                told = {"op": COPY, "args": ["list", pair], "kwargs": {}}
                self.nodes.append({**told, "out": [pair[0][1]], "grad": False})

    def number(self, tensor: Tensor) -> int:
        found = self._numbers.get(id(tensor))
        return self._number_of_new(tensor) if found is None else found

    def _number_of_new(self, tensor: Tensor) -> int:
        self._alive.append(tensor)
        return self._numbers.setdefault(id(tensor), len(self._numbers))

    def notice_own_gradients(self, given: Any) -> None:
        """An autograd.Function computes without gradients what then has one all the same. (Under
        `no_grad` a view of a weight says that it has one, and nothing comes of it.)"""
        if not torch.is_grad_enabled():
            return
        for tensor in tensors_in(given):
            if tensor.requires_grad and self._numbers.get(id(tensor)) in self._without_gradient:
                self.own_gradients = True

    def _told(self, value: Any) -> Any:
        if isinstance(value, Tensor):
            if id(value) not in self._numbers:
                self._keep_constant(value)
            return ["tensor", self._numbers[id(value)]]
        if isinstance(value, (list, tuple, torch.Size)):
            return ["list", [self._told(item) for item in value]]
        if isinstance(value, dict):
            return {str(key): self._told(item) for key, item in value.items()}
        if isinstance(value, (torch.dtype, torch.memory_format)):
            return [type(value).__name__, str(value).removeprefix("torch.")]
        if isinstance(value, (torch.device, torch.layout, torch.Generator)):
            return None
        if value is None or type(value) in (bool, int, float, str):
            return value
        raise NotRecordableError(f"an operation is given a {type(value).__name__}")

    def _keep_constant(self, tensor: Tensor) -> None:
        size = sum(math.prod(one.shape) for one in self.constants.values()) + tensor.numel()
        if size > LARGEST_CONSTANT:
            raise NotRecordableError(
                f"it uses {size:,} numbers that are neither its input nor weights; at most "
                f"{LARGEST_CONSTANT:,} are allowed (a table belongs into a parameter or a buffer)"
            )
        self.constants[self._number_of_new(tensor)] = tensor.detach().clone()


def tensors_in(value: Any) -> Iterator[Tensor]:
    """All tensors in a value made of tuples, lists and dicts, in order."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from tensors_in(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from tensors_in(item)


def record(
    target: Callable[..., Any], inputs: Sequence[Tensor], *, train: bool, owner: nn.Module | None
) -> dict[str, Any]:
    """One call of `target`, whose weights are those of `owner`, as plain data."""
    state = _state_of(owner) if owner is not None else []
    given = [_followed(x) for x in inputs]
    recorder = Recorder([*(entry["tensor"] for entry in state), *given])
    as_written = _as_written(owner)
    with _ready(owner, train), torch.enable_grad(), as_written, _copies_are_steps(), recorder:
        result = target(*given)
        recorder.note_new_buffers(state, owner)
    found = list(tensors_in(result))
    if not found:
        raise TypeError(f"calling it gives a {type(result).__name__}, not a tensor")
    recorder.notice_own_gradients(found)
    return {
        "nodes": json.dumps(recorder.nodes),  # one text: thousands of small parts cost more
        "inputs": len(given),
        "outputs": [recorder.number(tensor) for tensor in found],
        "state": [
            {key: entry[key] for key in entry if key not in ("tensor", "at")} for entry in state
        ],
        "constants": recorder.constants,
        "own gradients": recorder.own_gradients,
    }


def _followed(x: Tensor) -> Tensor:
    """A copy that has a gradient, and that may all the same be worked on in place."""
    return x.clone().requires_grad_() * 1 if x.is_floating_point() else x.clone()


@contextmanager
def _ready(owner: nn.Module | None, train: bool) -> Iterator[None]:
    """In the mode asked for, and with gradients for frozen weights as well."""
    if owner is None:
        yield
        return
    owner.train(train)
    frozen = [p for p in owner.parameters() if not p.requires_grad and p.is_floating_point()]
    for parameter in frozen:
        parameter.requires_grad_(True)
    try:
        yield
    finally:
        for parameter in frozen:
            parameter.requires_grad_(False)


@contextmanager
def _as_written(owner: nn.Module | None) -> Iterator[None]:
    """Scripted code step by step: optimised, it takes gradients in a way no step tells. And an
    LSTM as the products it is made of, which are good for double precision as well."""
    kept = torch._C._get_graph_executor_optimize()
    fast = torch._C._get_mkldnn_enabled()
    parts = owner.modules() if owner is not None else ()
    recurrent = any(isinstance(part, nn.RNNBase) for part in parts)
    torch._C._set_graph_executor_optimize(False)
    torch._C._set_mkldnn_enabled(fast and not recurrent)
    try:
        yield
    finally:
        torch._C._set_mkldnn_enabled(fast)
        torch._C._set_graph_executor_optimize(kept)


@contextmanager
def _copies_are_steps() -> Iterator[None]:
    """`copy.deepcopy` takes tensors' memory, which no step tells; for the time being it clones."""
    kept = Tensor.__deepcopy__, nn.Parameter.__deepcopy__

    def cloned(tensor: Tensor, memo: Any) -> Tensor:
        return tensor.detach().clone()

    Tensor.__deepcopy__ = nn.Parameter.__deepcopy__ = cloned  # type: ignore[method-assign]
    try:
        yield
    finally:
        Tensor.__deepcopy__, nn.Parameter.__deepcopy__ = kept  # type: ignore[method-assign]


@contextmanager
def _results_are_copied() -> Iterator[None]:
    """`copy.deepcopy` refuses tensors that were computed, as the weight is that the old
    `nn.utils.weight_norm` leaves in a layer; they are computed again anyway."""
    kept = Tensor.__deepcopy__

    def copied(tensor: Tensor, memo: Any) -> Any:
        return kept(tensor if tensor.is_leaf else tensor.detach(), memo)

    Tensor.__deepcopy__ = copied  # type: ignore[method-assign]
    try:
        yield
    finally:
        Tensor.__deepcopy__ = kept  # type: ignore[method-assign]


def twin(module: nn.Module) -> nn.Module:
    """A copy on the CPU that can be recorded without a trace in the original."""
    with _results_are_copied():
        own = copy.deepcopy(module)
    own = _unoptimised(own).to("cpu", torch.float32)
    return own.to(memory_format=torch.contiguous_format)  # channels last takes other steps


def _unoptimised(module: nn.Module) -> nn.Module:
    """With scripted parts as they were before their first run; a copy keeps what came of it."""
    if isinstance(module, torch.jit.ScriptModule):
        memory = io.BytesIO()
        torch.jit.save(module, memory)
        memory.seek(0)
        return torch.jit.load(memory).train(module.training)
    for name, child in module.named_children():
        if (own := _unoptimised(child)) is not child:
            setattr(module, name, own)
    return module


def _state_of(module: nn.Module) -> list[dict[str, Any]]:
    """Every parameter and buffer once, with all its names in the state dict."""
    entries: dict[int, dict[str, Any]] = {}
    saved = module.state_dict(keep_vars=True)
    parameters = dict(module.named_parameters(remove_duplicate=False))
    named = [*parameters.items(), *module.named_buffers(remove_duplicate=False)]
    for name, tensor in named:
        entry = entries.setdefault(
            id(tensor),
            {
                "tensor": tensor,
                "at": tensor.data_ptr(),
                "names": [],
                "shape": list(tensor.shape),
                "dtype": str(tensor.dtype).removeprefix("torch."),
                "parameter": name in parameters,
                "trainable": bool(tensor.requires_grad),
            },
        )
        if name in saved:
            entry["names"].append(name)
    return [entry for entry in entries.values() if entry["names"]]
