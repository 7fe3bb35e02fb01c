"""What `lab.sweep` saves against a loop of `lab.fit`, in turn in one run.

    .venv/bin/python bench/sweep.py --images 4000 --rounds 5 --json build/bench-sweep.json

The runs are those of assignment 02's learning rates: LeNet-5 with batch norm and Swish, batch 128,
crop and flip in the training step, on images of noise. The loop is tried with as many threads as
torch takes by itself and with one. Each way starts from nothing in a folder of its own. Next to the
time that passed stands the processor time: where both ways take the same of that, what else the
machine had to do tells in the time alone. Last, the histories of all ways are compared.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager, redirect_stdout
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any

import torch
from models import Swish, lenet5
from surroundings import save
from torch import nn
from torch.nn import functional as F
from torch.optim import SGD
from training import noise

from skipgrade import lab
from skipgrade.lab.loaders import Data, make_loaders
from skipgrade.lab.machine import cores

RATES = (1.0, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001)
PAD = 4
Histories = dict[float, lab.History]


def augmented_step(
    model: nn.Module,
    images: torch.Tensor,
    labels: torch.Tensor,
    loss_fn: Callable[..., torch.Tensor],
    optimizer: torch.optim.Optimizer,
) -> float:
    """As a student writes it in assignment 02."""
    count, _, height, width = images.shape
    padded = F.pad(images, [PAD] * 4)
    tops, lefts = torch.randint(2 * PAD + 1, (2, count)).tolist()
    crops = torch.stack(
        [
            padded[i, :, y : y + height, x : x + width]
            for i, (y, x) in enumerate(zip(tops, lefts, strict=True))
        ]
    )
    mirrored = (torch.rand(count) < 0.5).to(images.device).view(-1, 1, 1, 1)
    optimizer.zero_grad()
    loss = loss_fn(model(torch.where(mirrored, crops.flip(3), crops)), labels)
    loss.backward()
    optimizer.step()
    return loss.item()


def build() -> nn.Module:
    return lenet5(Swish, norm=True)


def sgd(lr: float) -> Any:
    return partial(SGD, lr=lr, momentum=0.9, weight_decay=5e-4)


def by_loop(data: Data, epochs: int, rates: tuple[float, ...]) -> Histories:
    found = {}
    for lr in rates:
        lab.seed_everything(0)
        found[lr] = lab.fit(
            build(), data, name=f"lr-{lr}", epochs=epochs, optimizer=sgd(lr), step=augmented_step
        )
    return found


def by_sweep(data: Data, epochs: int, rates: tuple[float, ...]) -> Histories:
    grid = {lr: {"optimizer": sgd(lr)} for lr in rates}
    return lab.sweep(build, grid, data, name="lr-{}", epochs=epochs, step=augmented_step)


@contextmanager
def threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def taken(train: Callable[[], Histories]) -> tuple[dict[str, float], Histories]:
    """Seconds, and seconds of processor time with that of ended processes."""
    with tempfile.TemporaryDirectory() as folder, chdir(folder), redirect_stdout(StringIO()):
        before, started = os.times(), time.perf_counter()
        found = train()
        seconds, after = time.perf_counter() - started, os.times()
    return {"seconds": seconds, "processor": sum(after[:4]) - sum(before[:4])}, found


def furthest(one: Histories, other: Histories) -> float:
    """The largest difference in any loss or accuracy of any epoch."""
    columns = ("train_loss", "train_accuracy", "val_loss", "val_accuracy")
    return max(
        abs(a - b)
        for key in one
        for column in columns
        for a, b in zip(one[key][column], other[key][column], strict=True)
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--images", type=int, default=4000)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--runs", type=int, default=len(RATES))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, default=Path("build/bench-sweep.json"))
    asked = parser.parse_args()
    images, held_out = noise(asked.images), noise(asked.images // 9)
    splits = {"train": images, "val": held_out, "test": held_out}
    data = make_loaders("cifar10", splits, batch_size=128, augment=False, seed=0)
    own, rates = torch.get_num_threads(), RATES[: asked.runs]
    ways = {"sweep": (by_sweep, own), "loop, 1 thread": (by_loop, 1)}
    ways |= {f"loop, {own} threads": (by_loop, own)} if own > 1 else {}
    found: dict[str, list[dict[str, float]]] = {way: [] for way in ways}
    differences: dict[str, float] = dict.fromkeys(ways, 0.0)
    for _ in range(asked.rounds):
        histories = {}
        for way, (train, count) in ways.items():
            with threads(count):
                figures, histories[way] = taken(partial(train, data, asked.epochs, rates))
            found[way].append(figures)
        for way, one in histories.items():
            differences[way] = max(differences[way], furthest(histories["sweep"], one))
    _show(found, differences)
    save(
        asked.json,
        {
            "command": sys.argv,
            "cores": cores(),
            "load": os.getloadavg(),
            "found": found,
            "largest difference from the sweep's histories": differences,
        },
    )


def _show(found: dict[str, list[dict[str, float]]], differences: dict[str, float]) -> None:
    for way, rounds in found.items():
        middle = {key: statistics.median(one[key] for one in rounds) for key in rounds[0]}
        ratio = statistics.median(
            one["seconds"] / sweep["seconds"]
            for one, sweep in zip(rounds, found["sweep"], strict=True)
        )
        told = f"{way:<16} {middle['seconds']:>7.1f} s   {middle['processor']:>7.1f} s of processor"
        if way != "sweep":
            told += f"   the sweep is {ratio:.2f} times as fast"
            told += f", histories within {differences[way]:.1e}"
        print(told, flush=True)


if __name__ == "__main__":
    main()
