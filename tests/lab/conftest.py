"""A problem small enough to train on in a blink, and a folder of its own for every test."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from matplotlib import pyplot as plt
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from skipgrade.lab import forks, sweeping

Loaders = tuple[DataLoader, DataLoader]


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)
    monkeypatch.setenv("SKIPGRADE_DATASET", "builtin")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
    plt.close("all")


class Net(nn.Module):
    """Batch norm and dropout: buffers to save, and randomness to repeat."""

    def __init__(self, width: int = 8) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Flatten(), nn.Linear(27, width), nn.BatchNorm1d(width), nn.ReLU(), nn.Dropout(0.2)
        )
        self.last = nn.Linear(width, 3)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.last(self.layers(images))


@pytest.fixture
def net() -> Callable[..., Net]:
    def build(width: int = 8) -> Net:
        torch.manual_seed(1)
        return Net(width)

    return build


@pytest.fixture
def loaders() -> Loaders:
    """Three classes told apart by the brightest channel, in shuffled batches."""
    source = torch.Generator().manual_seed(0)
    labels = torch.arange(100) % 3
    images = torch.randn(100, 3, 3, 3, generator=source)
    images[torch.arange(100), labels] += 1.0
    train = TensorDataset(images[:70], labels[:70])
    val = TensorDataset(images[70:], labels[70:])
    return DataLoader(train, 16, shuffle=True), DataLoader(val, 16)


@pytest.fixture
def together(monkeypatch) -> None:
    if not forks.possible():
        pytest.skip("runs train one after the other here")
    monkeypatch.setattr(sweeping, "cores", lambda: 2)
