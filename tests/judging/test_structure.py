"""What `network(...).structure()` tells of networks, however they are written."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from skipgrade.judging.checks.structure import structure
from skipgrade.judging.programs.program import good_for_any_batch, read_program
from skipgrade.judging.questions.programs import SIZES, program

IMAGES = torch.empty(2, 3, 32, 32)


def layers(net: nn.Module) -> list[dict[str, Any]]:
    told = program({"net": net}, "net", [[[2, 3, 32, 32], "float32"]])["eval"]
    one, other = map(read_program, told)
    found = good_for_any_batch(one, other, SIZES)
    assert found is not None
    return structure(found, IMAGES)


def kinds(*modules: nn.Module) -> list[str]:
    return [layer["layer"] for layer in layers(nn.Sequential(*modules))]


def test_convolutions_and_linear_layers() -> None:
    assert layers(
        nn.Sequential(
            nn.Conv2d(3, 6, (5, 3), stride=(1, 2), bias=False),
            nn.ReLU(),
            nn.Conv2d(6, 6, 3, groups=6, padding="same"),
            nn.Flatten(),
            nn.Linear(6 * 28 * 15, 10),
        )
    ) == [
        {
            "layer": "convolution",
            "kernel": "5x3",
            "stride": 2,
            "grouped": False,
            "shape": (6, 28, 15),
        },
        {
            "layer": "convolution",
            "kernel": "3x3",
            "stride": 1,
            "grouped": True,
            "shape": (6, 28, 15),
        },
        {"layer": "linear", "inputs": 2520, "shape": (10,)},
    ]


@pytest.mark.parametrize(
    ("module", "kind"),
    [
        (nn.BatchNorm2d(3), "batch norm"),
        (nn.BatchNorm2d(3, affine=False, track_running_stats=False), "batch norm"),
        (nn.LayerNorm([3, 32, 32]), "layer norm"),
        (nn.GroupNorm(1, 3), "group norm"),
        (nn.InstanceNorm2d(3), "instance norm"),
        (nn.MaxPool2d(2), "max pool"),
        (nn.AdaptiveMaxPool2d(4), "max pool"),
        (nn.AvgPool2d(2), "average pool"),
        (nn.AdaptiveAvgPool2d(4), "average pool"),
        (nn.PixelUnshuffle(2), "picking"),
    ],
)
def test_norms_and_what_makes_maps_smaller(module: nn.Module, kind: str) -> None:
    assert kinds(nn.Conv2d(3, 3, 1), module, nn.ReLU()) == ["convolution", kind]


def test_activations_dropout_and_reshaping_are_no_layers() -> None:
    odd = [nn.GELU(), nn.Dropout(0.5), nn.Flatten(), nn.Unflatten(1, (3, 32, 32)), nn.SiLU()]
    assert kinds(*odd, nn.Hardswish(), nn.Identity()) == []


class Between(nn.Module):
    """Something done with the images and what a convolution makes of them."""

    def __init__(self, work: Any) -> None:
        super().__init__()
        self.stem, self.conv = nn.Conv2d(3, 4, 1), nn.Conv2d(4, 4, 1)
        self.work = work

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        return self.work(x, self.conv)


def in_place(x: Tensor, conv: nn.Module) -> Tensor:
    x[:, :2] = conv(x)[:, 2:]
    return x


def added_in_place(x: Tensor, conv: nn.Module) -> Tensor:
    kept = x.clone()
    kept += F.relu_(conv(x))
    return kept


@pytest.mark.parametrize(
    ("work", "joins"),
    [
        (lambda x, conv: x + conv(x), 1),
        (lambda x, conv: torch.cat([x[:, :2], conv(x)[:, 2:]], 1), 1),
        (lambda x, conv: x * torch.sigmoid(conv(x.mean((2, 3), keepdim=True))), 1),
        (in_place, 1),
        (added_in_place, 1),
        (lambda x, conv: conv(x) * torch.sigmoid(F.relu(conv(x))), 1),
        (lambda x, conv: conv(x * torch.sigmoid(x) + x.relu()), 0),
        (lambda x, conv: torch.cat([part.relu() for part in conv(x).chunk(2, 1)], 1), 0),
    ],
)
def test_branches_that_join(work: Any, joins: int) -> None:
    assert [layer["layer"] for layer in layers(Between(work))].count("join") == joins


def test_picking_rows_and_columns_is_one_step() -> None:
    net = Between(lambda x, conv: conv(x[:, :, ::2, ::2]))
    found = layers(net)
    assert [layer["layer"] for layer in found] == ["convolution", "picking", "convolution"]
    assert found[1]["shape"] == (4, 16, 16)


class Odd(nn.Module):
    """Weights that are computed, a matrix product of one's own, a layer nobody uses."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(4, 3, 3, 3))
        self.matrix = nn.Parameter(torch.randn(4, 10))
        self.idle = nn.Conv2d(4, 4, 7)

    def forward(self, x: Tensor) -> Tensor:
        self.idle(torch.zeros(1, 4, 8, 8))
        weight = self.weight - self.weight.mean((1, 2, 3), keepdim=True)
        return F.conv2d(x, weight).mean((2, 3)) @ self.matrix


def test_what_is_computed_from_weights_alone_is_no_layer() -> None:
    found = layers(Odd())
    assert [layer["layer"] for layer in found] == ["convolution", "linear"]
    assert found[1]["inputs"] == 4
