"""What it costs to tell a forward pass as a program, by three recorders, in one run.

    .venv/bin/python bench/recorders.py

Ours (`skipgrade.judging.programs.recording`), torch's make_fx before dispatch, and torch.export:
median milliseconds over rounds taken in turn, and which of some ways of writing a network each can
record for any batch size.
"""

from __future__ import annotations

import statistics
import time
import warnings
from collections.abc import Callable
from typing import Any

import torch
import torchvision
from torch import nn
from torch.fx.experimental.proxy_tensor import make_fx
from torch.nn import functional as F

from skipgrade.judging.checks.network import _network
from skipgrade.judging.questions.programs import one_size, program

ROUNDS = 7
X = torch.randn(4, 3, 32, 32)


class LeNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Conv2d(3, 6, 5), nn.Conv2d(6, 16, 5)
        self.c, self.d, self.e = nn.Linear(400, 120), nn.Linear(120, 84), nn.Linear(84, 10)

    def features(self, x: torch.Tensor) -> torch.Tensor:
        x = F.max_pool2d(F.relu(self.a(x)), 2)
        return F.max_pool2d(F.relu(self.b(x)), 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.features(x).flatten(1)
        return self.e(F.relu(self.d(F.relu(self.c(x)))))


class ByTheSize(LeNet):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.features(x).view(x.size(0), -1)
        return self.e(F.relu(self.d(F.relu(self.c(x)))))


class Prints(LeNet):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        assert float(x.abs().max()) < 1e9
        return super().forward(x)


class ImageByImage(LeNet):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.stack([LeNet.forward(self, one[None])[0] for one in x])


class FilledIn(LeNet):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out = torch.zeros(len(x), 10)
        out[:, :10] = super().forward(x)
        return out


NETS: dict[str, Callable[[], nn.Module]] = {
    "LeNet-5": LeNet,
    "ResNet-18": lambda: torchvision.models.resnet18(num_classes=10),
    "MobileNet v2": lambda: torchvision.models.mobilenet_v2(num_classes=10),
}
STYLES = [LeNet, ByTheSize, Prints, ImageByImage, FilledIn]


def ours(net: nn.Module) -> Any:
    form = [[list(X.shape), "float32"]]
    ask = {"program": program, "program of one size": one_size}
    return _network(lambda kind: ask[kind]({"net": net}, "net", form), form)


def before_dispatch(net: nn.Module) -> Any:
    for train in (False, True):
        net.train(train)
        make_fx(net, pre_dispatch=True, tracing_mode="symbolic", _allow_non_fake_inputs=True)(X)
    return net


def exported(net: nn.Module) -> Any:
    batch = torch.export.Dim("batch", min=2)
    for train in (False, True):
        torch.export.export(net.train(train), (X,), dynamic_shapes=({0: batch},))
    return net


RECORDERS = {"ours": ours, "make_fx": before_dispatch, "torch.export": exported}


def main() -> None:
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    print(f"torch {torch.__version__}, one thread; eval and train mode together\n")
    for name, make in NETS.items():
        times: dict[str, list[float]] = {recorder: [] for recorder in RECORDERS}
        for _ in range(ROUNDS):
            for recorder, record in RECORDERS.items():
                net = make()
                started = time.perf_counter()
                record(net)
                times[recorder].append(1000 * (time.perf_counter() - started))
        told = "  ".join(f"{r} {statistics.median(t):8.1f} ms" for r, t in times.items())
        print(f"{name:<14}{told}")
    print()
    for style in STYLES:
        told = "  ".join(f"{name} {_can(record, style):<4}" for name, record in RECORDERS.items())
        print(f"{style.__name__:<14}{told}")


def _can(record: Callable[[nn.Module], Any], style: type[nn.Module]) -> str:
    try:
        record(style())
    except Exception:
        return "no"
    return "yes"


if __name__ == "__main__":
    main()
