"""One number that tells what a network computes: a wrong layer shows while one writes it."""

import copy
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from skipgrade.lab.lazy import settle

NORMS = (nn.modules.batchnorm._BatchNorm, nn.GroupNorm, nn.LayerNorm)
LARGE = 10.0  # of the inputs: beyond where ReLU6 and the like bend


def signature(net: nn.Module, shape: Sequence[int], *, train: bool = False) -> float:
    """The mean size of what a copy of `net` gives for fixed inputs of this shape.

    The copy has fixed weights in the place of drawn ones, and no biases. Two networks that compute
    the same have the same signature, whatever their layers are called and in which order they were
    made. With `train` it is taken in train mode, where a batch norm uses its batch.
    """
    inputs = LARGE * _wave(torch.Size(shape).numel(), step=0.7).view(*shape)
    settle(net, [inputs.to(torch.float32)])
    own = copy.deepcopy(net).to("cpu", torch.float64).train(train)
    with torch.no_grad():
        _fix(own)
        try:
            outputs = own(inputs)
        except RuntimeError:  # a forward pass that insists on float32
            outputs = own.to(torch.float32)(inputs.to(torch.float32))
        return float(outputs.abs().mean())


def _fix(net: nn.Module) -> None:
    """Weights that follow from their shapes; a norm scales by 1, however it was initialised."""
    scales = {module.weight for module in net.modules() if isinstance(module, NORMS)}
    for name, parameter in net.named_parameters():
        by_hand = bool((parameter == 1).all()) and not name.endswith("bias")
        if parameter in scales:
            parameter.fill_(1)
        elif parameter.ndim > 1:
            rows, columns = parameter.flatten(1).shape
            fixed = torch.outer(_wave(rows), _wave(columns)) * (4 / max(rows, columns) ** 0.5)
            parameter.copy_(fixed.view_as(parameter))
        elif not by_hand:  # a bias, then
            parameter.zero_()


def _wave(count: int, step: float = 1.0) -> Tensor:
    """The same for the rows and the columns of a weight: `x @ W` has them the other way round."""
    return torch.cos(step * (1 + torch.arange(count, dtype=torch.float64)))
