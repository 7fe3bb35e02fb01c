"""[student's kernel, judge's kernel] What becomes of an image before a network sees it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from skipgrade.judging.questions.values import evaluate


def prepared(namespace: dict[str, Any], expression: str, images: Tensor) -> Tensor:
    """Raw uint8 images, each as the transform `expression` gives it back for a PIL image."""
    from torchvision.transforms.functional import to_pil_image

    transform = evaluate(namespace, expression, {})
    return torch.stack([torch.as_tensor(transform(to_pil_image(image))) for image in images])
