"""torch's own optimizers in their fastest form: one fused kernel for all parameters."""

import torch
from torch.optim import SGD, Adam, AdamW, Optimizer

FUSED = (SGD, Adam, AdamW)
PLACES = ("cpu", "cuda")


def quicken(optimizer: Optimizer) -> None:
    """Switch on the fused form where it exists and nothing else was asked for.

    What the optimizer remembers, if the run was resumed, is put where and as its kernel wants it.
    """
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    ordinary = all(p.device.type in PLACES and p.is_floating_point() for p in parameters)
    if type(optimizer) in FUSED and ordinary and _free(optimizer):
        for group in optimizer.param_groups:
            group["fused"], group["foreach"] = True, False
        optimizer._step_supports_amp_scaling = True  # type: ignore[attr-defined]
    for parameter in parameters:
        kept = optimizer.state.get(parameter, {})
        for key, value in kept.items():
            if isinstance(value, torch.Tensor):
                kept[key] = _as_wanted(value, parameter)


def _free(optimizer: Optimizer) -> bool:
    """Whether the student left the choice of the form to torch."""
    slow = ("differentiable", "capturable", "foreach")
    return not any(group.get(name) for group in optimizer.param_groups for name in slow)


def _as_wanted(value: torch.Tensor, parameter: torch.Tensor) -> torch.Tensor:
    if value.shape == parameter.shape:
        return torch.empty_like(parameter, dtype=value.dtype).copy_(value)
    return value.to(parameter.device)
