"""Assignment 03 on trial, and what its tests hand in: networks, runs, figures, images."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import torch
from matplotlib.figure import Figure
from safetensors.torch import save_file
from torch import nn

from skipgrade import lab
from tests.assignments.variants import Assignment

TRIAL = Assignment("03-cnn-design")
MODELS = [("model-one", "ModelOne", "one_history"), ("model-two", "ModelTwo", "two_history")]

SEQUENTIAL = """
def ThreeConvNet():
    layers, channels = [], 3
    for filters in (32, 64, 128):
        layers += [nn.Conv2d(channels, filters, 5, padding={padding}), {between}]
        channels = filters
    return nn.Sequential(*layers, nn.Flatten(), {head})
"""
HEAD = "nn.Linear(2048, 64), nn.ReLU(), nn.Linear(64, 10)"


def sequential(
    between: str = "nn.ReLU(), nn.MaxPool2d(2)", head: str = HEAD, padding: int = 2
) -> str:
    """A network like the one of the table, written as a Sequential."""
    return SEQUENTIAL.format(between=between, head=head, padding=padding)


def history(name: str, epochs: int = 7, best: float = 0.12, **settings: Any) -> lab.History:
    """A run whose validation accuracy is highest in its last epoch but one.

    What is said of it is what first weights do, near guessing; a history is believed that far.
    """
    rows = [
        {
            "epoch": epoch,
            "train_loss": 2.3 - 0.3 * best * epoch,
            "train_accuracy": 0.1 + 0.05 * epoch,
            "val_loss": 2.2 - 0.2 * best * epoch,
            "val_accuracy": best * (0.9 if epoch == epochs else epoch / max(epochs - 1, 1)),
            "learning_rate": 0.1,
            "seconds": 1.0,
        }
        for epoch in range(1, epochs + 1)
    ]
    return lab.History(name, rows, {"training images": 9000, **settings})


def write_run(run: lab.History, net: nn.Module, test: float = 0.4) -> None:
    """The files of a run; its test accuracy is `test` where the validation accuracy is highest."""
    run.settings.setdefault("parameters", sum(p.numel() for p in net.parameters()))
    run.write(f"{run.name}-history.json")
    save_file(dict(net.state_dict()), f"{run.name}-best.safetensors")
    record = [
        {"test_loss": 2.1 - 0.1 * row["epoch"], "test_accuracy": test * row["epoch"] / 100}
        for row in run.epochs
    ]
    if record:
        record[run.best["epoch"] - 1]["test_accuracy"] = test
    Path(f"{run.name}-test-history.json").write_text(json.dumps(record))


def measured(run: lab.History) -> dict[str, list[float]]:
    return TRIAL.solution["curves"](run.name)


def drawn(values: dict[str, list[float]], *, figures: int = 1, legend: bool = True) -> Figure:
    figure, panels = plt.subplots(1, figures, squeeze=False)
    for number, (label, curve) in enumerate(values.items()):
        axes = panels[0][number % figures]
        axes.plot(range(1, len(curve) + 1), curve, label=label)
        axes.set(xlabel="epoch", ylabel="per epoch")
        if legend:
            axes.legend()
    return figure


def labelled_by(net: nn.Module, right: float, count: int = 240) -> Any:
    """Held-out images of which `net` has the share `right` right."""
    pixels = torch.randint(0, 256, (count, 3, 32, 32), dtype=torch.uint8)
    mean, std = (torch.tensor(part).view(1, 3, 1, 1) for part in lab.normalisation("cifar10"))
    with torch.no_grad():
        labels = net.eval()((pixels / 255 - mean) / std).argmax(1)
    wrong = torch.arange(count) >= round(right * count)
    labels = torch.where(wrong, (labels + 1) % 10, labels)
    order = torch.randperm(count)
    return lambda name: (pixels[order], labels[order])
