"""The order of numbers in memory: colours last is faster for convolutions, where they allow it.

It changes no value. But `x.view(len(x), -1)`, which many a network has between its convolutions and
its linear layers, refuses maps whose colours come last. So the network is asked first.
"""

import os

import torch
from torch import nn

# There torch 2.15 ends the process, in oneDNN, as it trains some deep networks with colours last.
SHORT_VECTORS = ("AVX2", "AVX2_VNNI", "AVX", "SSE41")
FEW = 2  # images are enough to ask with


def best(model: nn.Module, images: torch.Tensor) -> torch.memory_format:
    """Colours last if the model has convolutions and takes them; else the ordinary order."""
    convolutions = any(parameter.ndim == 4 for parameter in model.parameters())
    if images.ndim != 4 or not convolutions or (images.device.type == "cpu" and _short_vectors()):
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


def _short_vectors() -> bool:
    """Whether the processor, or what oneDNN is told of it, has nothing beyond AVX2."""
    told = os.environ.get("ONEDNN_MAX_CPU_ISA", "").upper()
    return told in SHORT_VECTORS or torch.backends.cpu.get_cpu_capability() in SHORT_VECTORS


def arrange(model: nn.Module, order: torch.memory_format) -> None:
    """Put the weights of the model's convolutions into this order, in place."""
    model.to(memory_format=order)
