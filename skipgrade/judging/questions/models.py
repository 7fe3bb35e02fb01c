"""Questions to a model: how many parameters it has, and how it scores images with given weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from skipgrade.judging.questions.values import evaluate

_open: dict[str, Any] = {}


def model_from(namespace: dict[str, Any], expression: str) -> nn.Module:
    model = evaluate(namespace, expression, {})
    if not isinstance(model, nn.Module):
        raise TypeError(f"this is a {type(model).__name__}, not an nn.Module")
    return model


def parameters(namespace: dict[str, Any], expression: str) -> int:
    model = model_from(namespace, expression)
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


def open_model(
    namespace: dict[str, Any], expression: str, weights: str, prepare: str | None
) -> dict[str, Any]:
    """Build the model, load the handed-in weights into it (strictly), keep it at hand."""
    path = Path(f"{weights}-best.safetensors")
    if not path.is_file():
        return {"problem": f"{path.name} is not among the files handed in"}
    model = model_from(namespace, expression)
    try:
        model.load_state_dict(load_file(path), strict=True)
    except Exception as error:
        return {"problem": f"{path.name} does not fit the model: {error}"}
    model.eval()
    _open["model"] = model.to(_device())
    _open["prepare"] = evaluate(namespace, prepare, {}) if prepare else None
    return {"problem": None}


def scores(
    namespace: dict[str, Any], images: Tensor, mean: list[float], std: list[float]
) -> Tensor:
    """The open model's scores for raw uint8 images."""
    model, prepare = _open["model"], _open["prepare"]
    if prepare is None:
        shape = (1, 3, 1, 1)
        batch = images.float().div(255)
        batch = (batch - torch.tensor(mean).view(shape)) / torch.tensor(std).view(shape)
    else:
        from torchvision.transforms.functional import to_pil_image

        batch = torch.stack([prepare(to_pil_image(image)) for image in images])
    with torch.inference_mode():
        return model(batch.to(_device())).float().cpu()


def _device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
