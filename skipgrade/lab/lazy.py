"""Lazy layers (`nn.LazyConv2d` and the like), which take their sizes from the first input."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy


def settle(net: nn.Module, inputs: Sequence[Tensor]) -> None:
    """Send `inputs` through a network that has lazy layers; any other is left alone."""
    if any(is_lazy(tensor) for tensor in [*net.parameters(), *net.buffers()]):
        mode = net.training
        with torch.no_grad():
            net.eval()(*inputs)
        net.train(mode)
