"""A visible test, run next to a student's work without changing it."""

import contextlib
import io
import random
import traceback
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from matplotlib import pyplot as plt
from torch import nn
from torch.nn.parameter import is_lazy

from skipgrade.lab.unfilled import left_to_do, raising

PASSED, FAILED, EMPTY = "passed", "FAILED", "not filled in"
TEST = "<visible test>"  # what a traceback calls it
LONGEST = 160  # characters of a sentence


@dataclass(frozen=True)
class Outcome:
    state: str
    sentence: str = ""


def try_test(source: str, names: dict[str, Any]) -> Outcome:
    """Run a test in `names`, a copy of the notebook's; what it assigns stays there."""
    with _untouched(names), contextlib.redirect_stdout(io.StringIO()), raising():
        try:
            exec(compile(source, TEST, "exec"), names)
        except (Exception, SystemExit) as error:  # the student's code: what it raises is the result
            return _outcome(error, source)
    return Outcome(PASSED)


def _outcome(error: BaseException, source: str) -> Outcome:
    place = traceback.extract_tb(error.__traceback__)[-1]
    in_test = place.filename == TEST
    text = " ".join(str(error).split())
    left = left_to_do(error, own=TEST)
    if left is not None:
        return Outcome(EMPTY, left)
    if isinstance(error, AssertionError):
        line = source.splitlines()[(place.lineno or 1) - 1].strip() if in_test else place.line
        return Outcome(FAILED, _short(text or line or "an assert does not hold"))
    return Outcome(FAILED, _short(f"{type(error).__name__}: {text}"))


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


@contextlib.contextmanager
def _untouched(names: Mapping[str, Any]) -> Iterator[None]:
    """Networks, random numbers, figures and warnings are afterwards as they were."""
    figures = set(plt.get_fignums())
    drawn = random.getstate(), np.random.get_state()
    devices = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else []
    networks = [value for value in names.values() if isinstance(value, nn.Module)]
    with (
        warnings.catch_warnings(),
        torch.random.fork_rng(devices),
        torch.set_grad_enabled(torch.is_grad_enabled()),
        _networks_kept(networks),
    ):
        warnings.simplefilter("ignore")
        try:
            yield
        finally:
            random.setstate(drawn[0])
            np.random.set_state(drawn[1])
            for number in set(plt.get_fignums()) - figures:
                plt.close(number)


@contextlib.contextmanager
def _networks_kept(networks: Iterable[nn.Module]) -> Iterator[None]:
    """The same objects with the same weights, gradients and modes: an optimizer may hold them."""
    tensors: dict[torch.Tensor, torch.Tensor] = {}
    gradients: dict[nn.Parameter, torch.Tensor | None] = {}
    modes: dict[nn.Module, bool] = {}
    for network in networks:
        modes |= {part: part.training for part in network.modules()}
        parameters = [p for p in network.parameters() if not is_lazy(p)]
        for tensor in [*parameters, *(b for b in network.buffers() if not is_lazy(b))]:
            tensors[tensor] = tensor.detach().clone()
        for parameter in parameters:
            gradients[parameter] = None if parameter.grad is None else parameter.grad.clone()
    try:
        yield
    finally:
        for part, training in modes.items():
            part.training = training
        for tensor, value in tensors.items():
            tensor.data.copy_(value)  # not through autograd: a graph may still need this tensor
        for parameter, gradient in gradients.items():
            parameter.grad = gradient
