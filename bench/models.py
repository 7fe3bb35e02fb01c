"""The networks the measurements train."""

from collections.abc import Callable
from itertools import pairwise

import torch
from torch import nn


class Swish(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * torch.sigmoid(x)


def lenet5(
    activation: Callable[[], nn.Module] = nn.ReLU, *, norm: bool = False, classes: int = 10
) -> nn.Sequential:
    """LeNet-5 for 32x32 RGB; `norm` puts batch norm after every layer but the last."""

    def after(layer: nn.Module, norm_layer: nn.Module) -> list[nn.Module]:
        return [layer, norm_layer, activation()] if norm else [layer, activation()]

    return nn.Sequential(
        *after(nn.Conv2d(3, 6, 5), nn.BatchNorm2d(6)),
        nn.MaxPool2d(2),
        *after(nn.Conv2d(6, 16, 5), nn.BatchNorm2d(16)),
        nn.MaxPool2d(2),
        nn.Flatten(),
        *after(nn.Linear(400, 120), nn.BatchNorm1d(120)),
        *after(nn.Linear(120, 84), nn.BatchNorm1d(84)),
        nn.Linear(84, classes),
    )


def small_cnn(classes: int = 10) -> nn.Sequential:
    """Three 3x3 convolutions with batch norm, each followed by a pool, and one linear layer."""
    widths = (3, 16, 32, 64)
    blocks: list[nn.Module] = []
    for before, after in pairwise(widths):
        blocks += [
            nn.Conv2d(before, after, 3, padding=1, bias=False),
            nn.BatchNorm2d(after),
            nn.ReLU(),
            nn.MaxPool2d(2),
        ]
    return nn.Sequential(*blocks, nn.Flatten(), nn.Linear(64 * 4 * 4, classes))


class Residual(nn.Module):
    """Two 3x3 convolutions and the shortcut of the ResNet paper's option A."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.stride, self.extra = (1 if before == after else 2), after - before
        self.body = nn.Sequential(
            nn.Conv2d(before, after, 3, self.stride, 1, bias=False),
            nn.BatchNorm2d(after),
            nn.ReLU(),
            nn.Conv2d(after, after, 3, 1, 1, bias=False),
            nn.BatchNorm2d(after),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        shortcut = x[:, :, :: self.stride, :: self.stride]
        shortcut = nn.functional.pad(shortcut, (0, 0, 0, 0, 0, self.extra))
        return torch.relu(self.body(x) + shortcut)


def resnet20(classes: int = 10) -> nn.Sequential:
    widths = (16, 16, 16, 16, 32, 32, 32, 64, 64, 64)
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1, bias=False),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        *(Residual(before, after) for before, after in pairwise(widths)),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(64, classes),
    )


class EighteenBlock(nn.Module):
    """Two 3x3 layers of assignment 04: plain, residual, or depthwise separable."""

    def __init__(self, before: int, after: int, stride: int, kind: str) -> None:
        super().__init__()
        layer = separable if kind == "mobile" else standard
        self.body = nn.Sequential(*layer(before, after, stride), nn.ReLU(), *layer(after, after, 1))
        self.project: nn.Module | None = None
        if kind == "residual":
            self.project = nn.Conv2d(before, after, 1, stride) if stride > 1 else nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out = self.body(x)
        return torch.relu(out + self.project(x) if self.project else out)


def standard(before: int, after: int, stride: int) -> list[nn.Module]:
    return [nn.Conv2d(before, after, 3, stride, 1, bias=False), nn.BatchNorm2d(after)]


def separable(before: int, after: int, stride: int) -> list[nn.Module]:
    return [
        nn.Conv2d(before, before, 3, stride, 1, groups=before, bias=False),
        nn.BatchNorm2d(before),
        nn.ReLU(),
        nn.Conv2d(before, after, 1, bias=False),
        nn.BatchNorm2d(after),
    ]


def eighteen(kind: str, width: int = 64, classes: int = 100) -> nn.Sequential:
    """The 18 layers of assignment 04; `kind` is "plain", "residual" or "mobile"."""
    widths = (width, width, width, 2 * width, 2 * width, 4 * width, 4 * width, 8 * width, 8 * width)
    strides = (1, 1, 2, 1, 2, 1, 2, 1)
    return nn.Sequential(
        *standard(3, width, 1),
        nn.ReLU(),
        *(
            EighteenBlock(before, after, stride, kind)
            for (before, after), stride in zip(pairwise(widths), strides, strict=True)
        ),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(8 * width, classes),
    )
