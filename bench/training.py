"""How fast `lab.fit` trains, against the same training written by hand, in turn in one run.

    .venv/bin/python bench/training.py lenet5 resnet20 --images 6400 --rounds 3

By hand: torchvision's transforms (crop, flip, normalise) on PIL images, a DataLoader with two
workers, SGD with Nesterov momentum, one cycle, a step in float32 or with autocast. Both count their
right answers and validate after each epoch; the first epoch, in which everything settles, does not
count. The images are noise of CIFAR-10's size: what they show does not change the time.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import chdir, redirect_stdout
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from models import eighteen, lenet5, resnet20
from surroundings import save
from torch import nn
from torch.nn import functional as F
from torch.optim import SGD
from torch.utils.data import DataLoader
from torchvision import transforms

from skipgrade import lab
from skipgrade.lab.data import CourseImages, Images
from skipgrade.lab.loaders import make_loaders

NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "lenet5": lenet5,
    "resnet20": resnet20,
    "plain18": lambda: eighteen("plain", classes=10),
    "resnet18": lambda: eighteen("residual", classes=10),
    "mobile18": lambda: eighteen("mobile", classes=10),
}
BATCH, RATE, WORKERS = 128, 0.1, 2
optimizer = partial(SGD, lr=RATE, momentum=0.9, weight_decay=5e-4, nesterov=True)


def noise(count: int) -> Images:
    source = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (count, 3, 32, 32), generator=source, dtype=torch.uint8)
    return Images(pixels, torch.randint(10, (count,), generator=source), list("0123456789"))


def by_lab(model: nn.Module, images: Images, held_out: Images, epochs: int) -> float:
    """Seconds of an epoch of `lab.fit`, its validation and its files included."""
    splits = {"train": images, "val": held_out, "test": held_out}
    data = make_loaders("cifar10", splits, batch_size=BATCH, augment=True, seed=0)
    ends = []
    write = lab.History.write

    def noted(history: lab.History, path: Path) -> None:
        write(history, path)
        ends.append(time.perf_counter())

    with (
        tempfile.TemporaryDirectory() as folder,
        chdir(folder),
        redirect_stdout(StringIO()),
        patch.object(lab.History, "write", noted),
    ):
        schedule = lab.one_cycle(RATE)
        lab.fit(model, data, name="run", epochs=epochs, optimizer=optimizer, schedule=schedule)
    return (ends[-1] - ends[0]) / (epochs - 1)


def by_hand(
    model: nn.Module, images: Images, held_out: Images, epochs: int, *, short: bool
) -> float:
    """Seconds of an epoch of a loop as one finds it in tutorials, with its validation."""
    place = lab.device()
    normalise = [transforms.ToTensor(), transforms.Normalize(*lab.normalisation("cifar10"))]
    augment = [transforms.RandomCrop(32, padding=4), transforms.RandomHorizontalFlip()]
    loader = partial(
        DataLoader, num_workers=WORKERS, pin_memory=place.type == "cuda", persistent_workers=True
    )
    train = loader(
        CourseImages(images, transforms.Compose(augment + normalise)), BATCH, shuffle=True
    )
    val = loader(CourseImages(held_out, transforms.Compose(normalise)), 500)
    model.to(place)
    step = optimizer(model.parameters())
    schedule = lab.one_cycle(RATE)(step, epochs * len(train))
    kind = torch.float16 if place.type == "cuda" else torch.bfloat16
    scaler = torch.amp.GradScaler(place.type, enabled=short and kind is torch.float16)
    ends = []
    for _ in range(epochs):
        total: Any = 0
        right: Any = 0
        model.train()
        for x, y in train:
            x, y = x.to(place, non_blocking=True), y.to(place, non_blocking=True)
            step.zero_grad()
            with torch.autocast(place.type, kind, enabled=short):
                scores = model(x)
                loss = F.cross_entropy(scores, y)
            scaler.scale(loss).backward()
            scaler.step(step)
            scaler.update()
            schedule.step()
            total = total + loss.detach() * len(y)
            right = right + (scores.argmax(1) == y).sum()
        model.eval()
        with torch.no_grad():
            right = sum((model(x.to(place)).argmax(1) == y.to(place)).sum() for x, y in val)
        float(right)
        ends.append(time.perf_counter())
    return (ends[-1] - ends[0]) / (epochs - 1)


WAYS: dict[str, Callable[..., float]] = {
    "lab.fit": by_lab,
    "by hand, float32": partial(by_hand, short=False),
    "by hand, autocast": partial(by_hand, short=True),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("networks", nargs="+", choices=NETWORKS)
    parser.add_argument("--images", type=int, default=45_000)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, default=Path("build/bench-training.json"))
    asked = parser.parse_args()
    images, held_out = noise(asked.images), noise(asked.images // 9)
    found: dict[str, dict[str, list[float]]] = {}
    with patch("skipgrade.lab.fitting.source", lambda: "official"):
        for network in asked.networks:
            found[network] = {way: [] for way in WAYS}
            for _ in range(asked.rounds):
                for way, train in WAYS.items():
                    torch.manual_seed(0)
                    seconds = train(NETWORKS[network](), images, held_out, asked.epochs)
                    found[network][way].append(asked.images / seconds)
            _show(network, found[network])
            save(asked.json, {"command": sys.argv, "images a second": found})


def _show(network: str, rates: dict[str, list[float]]) -> None:
    middle = {way: statistics.median(some) for way, some in rates.items()}
    fastest = middle["lab.fit"]
    for way, rate in middle.items():
        ratio = "" if way == "lab.fit" else f"   lab.fit is {fastest / rate:.2f} times as fast"
        print(f"{network:<10} {way:<18} {rate:>9.0f} images/s{ratio}", flush=True)


if __name__ == "__main__":
    main()
