"""One number that tells what a network computes: a wrong layer shows while one writes it."""

import copy
from collections.abc import Sequence

import torch
from torch import Tensor, nn

LARGE = 10.0  # of the inputs: beyond where ReLU6 and the like bend


def signature(net: nn.Module, shape: Sequence[int], *, train: bool = False) -> float:
    """The mean size of what a copy of `net` gives for fixed inputs of this shape.

    The copy has fixed weights in the place of drawn ones, and no biases. Two networks that compute
    the same have the same signature, whatever their layers are called and in which order they were
    made. With `train` it is taken in train mode, where a batch norm uses its batch.
    """
    own = copy.deepcopy(net).to("cpu", torch.float64).train(train)
    with torch.no_grad():
        for parameter in own.parameters():
            if bool((parameter == 1).all()):  # a norm's scale stays
                continue
            if parameter.ndim > 1:
                rows, columns = parameter.flatten(1).shape
                fixed = torch.outer(_wave(rows), _wave(columns)) * (4 / max(rows, columns) ** 0.5)
                parameter.copy_(fixed.view_as(parameter))
            else:
                parameter.zero_()
        inputs = LARGE * _wave(torch.Size(shape).numel(), step=0.7).view(*shape)
        return float(own(inputs).abs().mean())


def _wave(count: int, step: float = 1.0) -> Tensor:
    """The same for the rows and the columns of a weight: `x @ W` has them the other way round."""
    return torch.cos(step * (1 + torch.arange(count, dtype=torch.float64)))
