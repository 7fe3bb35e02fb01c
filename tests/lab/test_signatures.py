"""lab.signature: does it tell what a network computes, and nothing else?"""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from skipgrade import lab

SHAPE = (3, 3, 16, 16)


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 6, 5), nn.BatchNorm2d(6)
        self.linear = nn.Linear(216, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        maps = F.max_pool2d(F.relu(self.norm(self.conv(x))), 2)
        return self.linear(maps.flatten(1))


class Otherwise(nn.Module):
    """The same: registered backwards, a convolution for the linear layer, a product, no bias."""

    def __init__(self) -> None:
        super().__init__()
        self.b = nn.BatchNorm2d(6)
        self.last = nn.Conv2d(6, 10, 6)
        self.a = nn.Conv2d(3, 6, 5, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(torch.relu(F.max_pool2d(self.b(self.a(x)), 2)))[:, :, 0, 0]


class Product(Net):
    def __init__(self) -> None:
        super().__init__()
        self.add_module("linear", nn.Identity())
        self.matrix = nn.Parameter(torch.randn(216, 10))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x) @ self.matrix


class Zeroed(Net):
    """With the initialisations people try: a norm that begins at 0, a bias that begins at 1."""

    def __init__(self) -> None:
        super().__init__()
        nn.init.zeros_(self.norm.weight)
        nn.init.ones_(self.linear.bias)


class Insists(Net):
    """In the precision it was trained in."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x.float())


class ByHand(nn.Module):
    """A batch norm written by its formula, whose scale is a parameter like any other."""

    def __init__(self) -> None:
        super().__init__()
        self.scale, self.shift = nn.Parameter(torch.ones(6)), nn.Parameter(torch.zeros(6))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.training:
            mean, var = x.mean((0, 2, 3), True), x.var((0, 2, 3), unbiased=False, keepdim=True)
            x = (x - mean) / (var + 1e-5).sqrt()
        return x * self.scale.view(-1, 1, 1) + self.shift.view(-1, 1, 1)


class NormByHand(Net):
    def __init__(self) -> None:
        super().__init__()
        self.norm = ByHand()  # type: ignore[assignment]


class Lazy(Net):
    """Its layers take their sizes from the first images."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.LazyConv2d(6, 5)
        self.norm = nn.LazyBatchNorm2d()  # type: ignore[assignment]
        self.linear = nn.LazyLinear(10)


def sequential(*, pool: type = nn.MaxPool2d, bend: type = nn.ReLU) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(3, 6, 5), nn.BatchNorm2d(6), bend(), pool(2), nn.Flatten(), nn.Linear(216, 10)
    )


@pytest.mark.parametrize("train", [False, True])
@pytest.mark.parametrize(
    "build", [Net, Otherwise, Product, sequential, Zeroed, Insists, NormByHand, Lazy]
)
def test_the_same_network_has_the_same_signature(build: type, train: bool) -> None:
    due = lab.signature(Net(), SHAPE, train=train)
    assert lab.signature(build(), SHAPE, train=train) == pytest.approx(due, rel=1e-4)


@pytest.mark.parametrize(
    "other",
    [
        sequential(pool=nn.AvgPool2d),
        sequential(bend=nn.ReLU6),
        sequential(bend=nn.SiLU),
        nn.Sequential(sequential(), nn.ReLU()),
        nn.Sequential(sequential(), nn.LogSoftmax(1)),
    ],
)
def test_another_network_has_another(other: nn.Module) -> None:
    due = lab.signature(Net(), SHAPE)
    assert abs(lab.signature(other, SHAPE) / due - 1) > 1e-3


def test_a_norm_shows_in_train_mode() -> None:
    without = nn.Sequential(*(layer for n, layer in enumerate(sequential()) if n != 1))
    due = lab.signature(Net(), SHAPE, train=True)
    assert abs(lab.signature(without, SHAPE, train=True) / due - 1) > 0.01


def test_the_network_stays_as_it_was() -> None:
    net = Net()
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    lab.signature(net, SHAPE, train=True)
    assert net.training
    assert all(torch.equal(tensor, before[name]) for name, tensor in net.state_dict().items())
