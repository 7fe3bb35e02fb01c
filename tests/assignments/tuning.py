"""Assignment 02 on trial, and what its tests hand in: networks trained a little, their runs."""

from __future__ import annotations

import functools
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from matplotlib.figure import Figure
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F

from skipgrade import lab
from tests.forged.makers import RunOnce

TRIAL = RunOnce("02-lenet5-tuning")
EPOCHS = 3
RATES = (1.0, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001)
STRENGTHS = (0.01, 0.001, 0.0001, 0.00001, 0.0)
BN = {
    "plain-small": ("LeNet5", 0.01),
    "bn-small": ("LeNet5BN", 0.01),
    "plain-large": ("LeNet5", 0.2),
    "bn-large": ("LeNet5BN", 0.2),
}


def images(split: str) -> tuple[Tensor, Tensor]:
    photos = lab.dataset("cifar10", split)
    mean, std = (torch.tensor(part).view(1, 3, 1, 1) for part in lab.normalisation("cifar10"))
    pixels = torch.tensor(photos.data).permute(0, 3, 1, 2)
    return (pixels / 255 - mean) / std, torch.tensor(photos.targets)


@functools.cache
def trained(build: str) -> tuple[nn.Module, float]:
    """A network after two hundred steps (LeNet5: none), and its validation accuracy."""
    torch.manual_seed(0)
    net = TRIAL.solution[build]()
    if build != "LeNet5":
        pixels, labels = images("train")
        optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
        for _ in range(200):
            some = torch.randint(len(labels), (64,))
            TRIAL.solution["train_step"](
                net, pixels[some], labels[some], F.cross_entropy, optimizer
            )
    pixels, labels = images("val")
    with torch.no_grad():
        right = net.eval()(pixels).argmax(1) == labels
    return net, float(right.double().mean())


def write_run(folder: Path, name: str, build: str, epochs: int = EPOCHS, **settings: Any) -> None:
    """A run whose last epoch but one is its best, with the accuracy that the weights have."""
    net, best = trained(build)
    noise = random.Random(name)
    rows = [
        {
            "epoch": epoch,
            "train_loss": 2.3 - 0.1 * epoch,
            "train_accuracy": 0.1 + 0.05 * epoch,
            "val_loss": 2.2 - 0.1 * epoch,
            "val_accuracy": best if epoch == epochs - 1 else best * noise.uniform(0.5, 0.9),
            "learning_rate": 0.05,
            "seconds": 1.0,
        }
        for epoch in range(1, epochs + 1)
    ]
    told = {"parameters": sum(p.numel() for p in net.parameters()), **settings}
    lab.History(name, rows, told).write(folder / f"{name}-history.json")
    save_file(net.state_dict(), folder / f"{name}-best.safetensors")


def write_runs(folder: Path) -> None:
    """All runs of the assignment but those of the questions that a person reads."""
    for name, (build, rate) in BN.items():
        settings: dict[str, Any] = {"optimizer lr": rate}
        write_run(folder, name, build, **settings)
    for rate in RATES:
        settings = {"optimizer lr": rate}
        write_run(folder, f"lr-{rate}", "LeNet5Swish", **settings)
    for decay in STRENGTHS:
        settings = {"optimizer lr": 0.05, "optimizer weight_decay": decay}
        write_run(folder, f"l2-{decay}", "LeNet5Swish", **settings)
    write_run(folder, "tuned", "LeNet5Swish")
    for name, decay in (("l2", 5e-4), ("l1", 0.0)):
        settings = {"optimizer weight_decay": decay}
        write_run(folder, name, "LeNet5Swish", **settings)
    thin = {
        name: torch.where(tensor.abs() < 0.002, 0.0, tensor) if tensor.ndim > 1 else tensor
        for name, tensor in trained("LeNet5Swish")[0].state_dict().items()
    }
    save_file(thin, folder / "l1-best.safetensors")


def results(folder: Path) -> dict[str, Any]:
    """What the notebook's training cells leave behind, from the histories in `folder`."""
    names = TRIAL.solution
    runs = {
        part: {key: lab.History.read(folder / f"{prefix}{key}-history.json") for key in keys}
        for part, prefix, keys in (
            ("bn", "", BN), ("lr", "lr-", RATES), ("l2", "l2-", STRENGTHS),
        )
    }  # fmt: skip
    found: dict[str, Any] = {}
    for part, some in runs.items():
        found[f"{part}_runs"] = some
        found[f"{part}_results"] = {key: names["best_accuracy"](run) for key, run in some.items()}
        found[f"{part}_figure"] = lab.plot_sweep(some)
    models = {key: loaded(folder, key.lower()) for key in ("L1", "L2")}
    found["sparsity"] = {key: share_near_zero(net) for key, net in models.items()}
    found["weights_figure"] = lab.plot_weights(models)
    found["tuned_history"] = lab.History.read(folder / "tuned-history.json")
    return found


def loaded(folder: Path, run: str) -> nn.Module:
    net = TRIAL.solution["LeNet5Swish"]()
    net.load_state_dict(load_file(folder / f"{run}-best.safetensors"))
    return net


def share_near_zero(net: nn.Module) -> float:
    weights = torch.cat([p.detach().flatten() for p in net.parameters() if p.ndim > 1])
    return float((weights.abs() < 0.001).float().mean())


def curves(values: Mapping[Any, list[float]]) -> Figure:
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots()
    for label, value in values.items():
        axes.plot(range(1, len(value) + 1), value, label=str(label))
    axes.set(xlabel="epoch", ylabel="validation accuracy")
    axes.legend()
    return figure
