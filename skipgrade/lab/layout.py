"""The order of numbers in memory: colours last is faster for convolutions, where they allow it.

It changes no value. But `x.view(len(x), -1)`, which many a network has between its convolutions and
its linear layers, refuses maps whose colours come last. So the network is asked first.
"""

import os
from collections.abc import Iterable

import torch
from torch import nn

# On these oneDNN writes past its own memory where it learns a 1x1 convolution with a stride, of
# fewer colours than a vector holds, colours last (uxlfoundation/oneDNN#6035; torch 2.4 to 2.15).
SHORT_VECTORS = ("AVX2", "AVX2_VNNI")
VECTOR = 8
FEW = 2  # images are enough to ask with


def best(model: nn.Module, images: torch.Tensor) -> torch.memory_format:
    """Colours last if the model has convolutions and takes them; else the ordinary order."""
    kernels = [parameter.shape for parameter in model.parameters() if parameter.ndim == 4]
    if images.ndim != 4 or not kernels or (images.device.type == "cpu" and _harmful(kernels)):
        return torch.contiguous_format
    modes = {module: module.training for module in model.modules()}
    arrange(model, torch.channels_last)
    try:
        with torch.no_grad():
            model.eval()(images[:FEW].contiguous(memory_format=torch.channels_last))
    except Exception:  # whatever it is, the ordinary order meets it again or does without
        arrange(model, torch.contiguous_format)
        return torch.contiguous_format
    finally:
        for module, training in modes.items():
            module.training = training
    return torch.channels_last


def _harmful(kernels: Iterable[torch.Size]) -> bool:
    """Whether oneDNN may spoil memory with colours last. A kernel does not tell its stride."""
    told = os.environ.get("ONEDNN_MAX_CPU_ISA", "").upper()
    short = told in SHORT_VECTORS or torch.backends.cpu.get_cpu_capability() in SHORT_VECTORS
    return short and any(size[2:] == (1, 1) and size[1] % VECTOR for size in kernels)


def arrange(model: nn.Module, order: torch.memory_format) -> None:
    """Put the weights of the model's convolutions into this order, in place."""
    model.to(memory_format=order)
