"""On a GPU: both passes of a training step recorded once and replayed with one launch.

A small network computes faster than Python can say what to compute next. A recording has no Python
in it, so only a step that does the same each time may be recorded: no hook, no number read back
from the GPU, nothing drawn, counted or printed outside it, no loss function but torch's own.
Everything else runs as it is written.
"""

import io
import random
import sys
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from types import CellType
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.optim import Optimizer

Passed = tuple[torch.Tensor, torch.Tensor]  # loss, and the class given to each image
Passes = Callable[[torch.Tensor, torch.Tensor], Passed]
STEPS_BEFORE = 4  # the GPU's libraries settle first; the last of these is watched
PLAIN = (bool, int, float, str, type(None))


class Recorder:
    """Runs the passes as they are, and from some step on as a recording, if that is sound."""

    def __init__(self, model: nn.Module, loss: Callable[..., Any]) -> None:
        self._model = model
        self._wanted = recordable(model, loss)
        self._steps = 0
        self._aside = torch.cuda.Stream() if self._wanted else None
        self._recording: Recording | None = None

    def __call__(
        self, passes: Passes, images: torch.Tensor, labels: torch.Tensor, optimizer: Optimizer
    ) -> Passed:
        if self._recording is not None:
            if self._recording.fits(images, labels):
                return self._recording.replay(images, labels)
            optimizer.zero_grad(set_to_none=False)  # gradients stay where the recording has them
            return passes(images, labels)
        optimizer.zero_grad(set_to_none=True)
        if not self._wanted or self._aside is None:
            return passes(images, labels)
        self._steps += 1
        if self._steps < STEPS_BEFORE:
            return _run_on(self._aside, passes, images, labels)
        if self._steps == STEPS_BEFORE:
            return self._watched(passes, images, labels, optimizer)
        try:
            self._recording = Recording(passes, images, labels)
        except RuntimeError:  # some library cannot be recorded
            self._wanted = False
            optimizer.zero_grad(set_to_none=True)
            return passes(images, labels)
        return self._recording.replay(images, labels)

    def _watched(
        self, passes: Passes, images: torch.Tensor, labels: torch.Tensor, optimizer: Optimizer
    ) -> Passed:
        """One step during which the GPU may not be waited for and nothing outside may change."""
        assert self._aside is not None
        before, heard = traces(self._model), Heard(sys.stdout)
        torch.cuda.set_sync_debug_mode("error")
        try:
            with redirect_stdout(heard):
                passed = _run_on(self._aside, passes, images, labels)
        except RuntimeError:  # it reads a number back: the step is done again, as it is written
            self._wanted = False
        finally:
            torch.cuda.set_sync_debug_mode("default")
        if not self._wanted:
            optimizer.zero_grad(set_to_none=True)
            return passes(images, labels)
        self._wanted = traces(self._model) == before and not heard.anything
        return passed


class Heard(io.TextIOBase):
    """Passes on what is printed, and remembers that something was."""

    def __init__(self, on: Any) -> None:
        self._on = on
        self.anything = False

    def write(self, text: str) -> int:
        self.anything = True
        self._on.write(text)
        return len(text)

    def flush(self) -> None:
        self._on.flush()


class Recording:
    """What the GPU did for one batch; done again for any other of the same shape."""

    def __init__(self, passes: Passes, images: torch.Tensor, labels: torch.Tensor) -> None:
        self._images, self._labels = images.clone(), labels.clone()
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph):
            self._passed = passes(self._images, self._labels)

    def fits(self, images: torch.Tensor, labels: torch.Tensor) -> bool:
        return images.shape == self._images.shape and labels.shape == self._labels.shape

    def replay(self, images: torch.Tensor, labels: torch.Tensor) -> Passed:
        self._images.copy_(images)
        self._labels.copy_(labels)
        self._graph.replay()
        return self._passed


def recordable(model: nn.Module, loss: Callable[..., Any]) -> bool:
    """Whether anything is there, to begin with, that a recording would leave out."""
    hooked = any(
        module._forward_hooks or module._forward_pre_hooks or module._backward_hooks
        for module in model.modules()
    )
    torchs = type(loss) if isinstance(loss, nn.Module) else loss
    return not hooked and getattr(torchs, "__module__", "").startswith("torch.nn.")


def traces(model: nn.Module) -> list[Any]:
    """All that a pass through the model could change in Python, as far as it is plain values."""
    numpys: dict[str, Any] = np.random.get_state(legacy=False)["state"]
    drawn: list[Any] = [random.getstate(), numpys["key"].tobytes(), numpys["pos"]]
    drawn.append(torch.get_rng_state().numpy().tobytes())
    modules = [sys.modules.get(type(module).__module__) for module in model.modules()]
    places = [vars(module) for module in model.modules()]
    places += [vars(module) for module in set(modules) - {None}]
    places += [_around(module.forward) for module in model.modules()]
    return [*drawn, *(list(_plain(place)) for place in places)]


def _around(forward: Any) -> dict[str, Any]:
    """The variables of the function in which this one was written, if it sees any."""
    function = getattr(forward, "__func__", forward)
    cells = getattr(function, "__closure__", None) or ()
    names = function.__code__.co_freevars if cells else ()
    return {
        name: cell.cell_contents
        for name, cell in zip(names, cells, strict=True)
        if cell != CellType()  # one that was never set
    }


def _plain(place: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, value in list(place.items()):
        if isinstance(value, PLAIN):
            yield key, value
        elif isinstance(value, list | dict | set):
            yield key, len(value)


def _run_on(
    stream: torch.cuda.Stream, passes: Passes, images: torch.Tensor, labels: torch.Tensor
) -> Passed:
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        passed = passes(images, labels)
    torch.cuda.current_stream().wait_stream(stream)
    return passed
