"""Does the order of numbers in memory change anything but the time?"""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.optim import SGD, Adam

from skipgrade.lab import layout
from skipgrade.lab.optimizers import quicken
from skipgrade.lab.steps import LabStep

ROOT = Path(__file__).parents[2]
IMAGES = torch.randn(8, 3, 8, 8, generator=torch.Generator().manual_seed(0))


class Flat(nn.Module):
    def __init__(self, how) -> None:
        super().__init__()
        self.how = how

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        return self.how(maps)


def network(how=lambda maps: maps.flatten(1)) -> Any:
    torch.manual_seed(0)
    norm = nn.BatchNorm2d(4)
    convolution = nn.Conv2d(3, 4, 3, bias=False)
    return nn.Sequential(convolution, norm, nn.ReLU(), Flat(how), nn.Linear(144, 5))


def projecting(channels: int) -> nn.Sequential:
    """Its second convolution is that of a residual network's shortcut."""
    first, second = nn.Conv2d(3, channels, 3, padding=1), nn.Conv2d(channels, 8, 1, 2)
    return nn.Sequential(first, second, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5))


def test_a_network_that_can_gets_its_colours_last_and_is_left_as_it_was():
    model = network()
    model[1].eval()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    scores = model(IMAGES)
    assert layout.best(model, IMAGES) is torch.channels_last
    assert model[0].weight.is_contiguous(memory_format=torch.channels_last)
    assert [module.training for module in model] == [True, False, True, True, True]
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())
    last = model(IMAGES.contiguous(memory_format=torch.channels_last))
    assert torch.allclose(last, scores, atol=1e-5)


@pytest.mark.parametrize(
    "how",
    [lambda maps: maps.view(len(maps), -1), lambda maps: maps.view(-1, 144)],
    ids=["view(n, -1)", "view(-1, 144)"],
)
def test_a_network_that_flattens_with_view_keeps_the_ordinary_order(how):
    model = network(how)
    assert layout.best(model, IMAGES) is torch.contiguous_format
    assert model[0].weight.is_contiguous() and model.training
    assert model(IMAGES).shape == (8, 5)


def test_a_network_without_convolutions_is_not_asked():
    model = nn.Sequential(nn.Flatten(), nn.Linear(192, 5))
    model.forward = None  # type: ignore[assignment]
    assert layout.best(model, IMAGES) is torch.contiguous_format


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("make", [lambda p: SGD(p, lr=0.1, momentum=0.9), lambda p: Adam(p, 0.01)])
def test_steps_in_either_order_learn_the_same(make, exact):
    labels = torch.arange(8) % 5

    def learned(step: Callable[..., object], order: torch.memory_format) -> list[torch.Tensor]:
        model = network()
        optimizer = make(model.parameters())
        for _ in range(4):
            step(model, IMAGES, labels, nn.functional.cross_entropy, optimizer)
        assert model[0].weight.is_contiguous(memory_format=order)
        return [p.detach().contiguous() for p in model.parameters()]

    first = learned(by_hand, torch.contiguous_format)
    step = LabStep(exact=exact)
    step.short = None
    last = learned(step, torch.channels_last)
    assert all(torch.allclose(a, b, atol=1e-4) for a, b in zip(last, first, strict=True))


def by_hand(model, images, labels, loss_fn, optimizer) -> None:
    optimizer.zero_grad()
    loss_fn(model(images), labels).backward()
    optimizer.step()


@pytest.mark.parametrize("make", [lambda p: SGD(p, lr=0.1, momentum=0.9), lambda p: Adam(p, 0.01)])
def test_what_an_optimizer_remembers_is_put_as_its_parameters_are(make):
    """A resumed run reads it in the ordinary order."""
    model = network()
    optimizer = make(model.parameters())
    model(IMAGES).sum().backward()
    optimizer.step()
    kept = {p: {k: v.clone() for k, v in state.items()} for p, state in optimizer.state.items()}
    layout.arrange(model, torch.channels_last)
    quicken(optimizer)
    assert all(group["fused"] for group in optimizer.param_groups)
    for parameter, state in optimizer.state.items():
        for key, value in state.items():
            assert torch.equal(value, kept[parameter][key])
            if value.shape == parameter.shape:
                assert value.stride() == parameter.stride()


@pytest.mark.parametrize("known_by", ["what oneDNN is told", "torch"])
def test_without_avx512_narrow_projections_keep_the_ordinary_order(monkeypatch, known_by):
    if known_by == "torch":
        monkeypatch.delenv("ONEDNN_MAX_CPU_ISA", raising=False)
        monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX2")
    else:
        monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "avx2")
    assert layout.best(projecting(4), IMAGES) is torch.contiguous_format
    assert layout.best(projecting(12), IMAGES) is torch.contiguous_format
    assert layout.best(projecting(16), IMAGES) is torch.channels_last
    assert layout.best(network(), IMAGES) is torch.channels_last
    if known_by == "torch":
        monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX512")
        assert layout.best(projecting(4), IMAGES) is torch.channels_last


LEARN = """
import torch
from skipgrade.lab.steps import LabStep
from tests.lab.test_layout import projecting

torch.set_num_threads(1)
model = projecting(4).to(memory_format=torch.channels_last)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
images, labels, step = torch.randn(64, 3, 32, 32), torch.arange(64) % 5, LabStep(exact=True)
for _ in range(30):
    step(model, images, labels, torch.nn.functional.cross_entropy, optimizer)
print("learned")
"""


def test_a_narrow_network_learns_without_avx512():
    """In a process of its own, which oneDNN would end."""
    here = os.environ | {"ONEDNN_MAX_CPU_ISA": "AVX2"}
    command = [sys.executable, "-c", LEARN]
    ran = subprocess.run(command, env=here, cwd=ROOT, capture_output=True, text=True)
    assert ran.stdout == "learned\n", (ran.returncode, ran.stderr)
