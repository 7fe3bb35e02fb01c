"""What each part of the lab's own training step is worth: images a second with one part taken away.

    .venv/bin/python bench/steps.py resnet20 mobile18 [--threads 1] [--json FILE]

On a GPU both passes are recorded and replayed, in short floats, with colours last and a fused
optimizer; on a CPU colours last, a fused optimizer, and short floats where it has tiles. All ways
train the same network on the same batch, in turn; the ratios are medians over the rounds.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from models import Swish, eighteen, lenet5, resnet20, small_cnn
from surroundings import save
from torch import nn
from torch.optim import SGD

from skipgrade import lab
from skipgrade.lab.steps import LabStep

NETWORKS: dict[str, tuple[Callable[[], nn.Module], int]] = {
    "lenet5": (lenet5, 40),
    "tuned": (lambda: lenet5(Swish, norm=True), 30),
    "small_cnn": (small_cnn, 16),
    "resnet20": (resnet20, 4),
    "plain18": (lambda: eighteen("plain", 16), 4),
    "resnet18": (lambda: eighteen("residual", 16), 4),
    "mobile18": (lambda: eighteen("mobile", 16), 4),
    "plain18-wide": (lambda: eighteen("plain"), 1),
    "resnet18-wide": (lambda: eighteen("residual"), 1),
    "mobile18-wide": (lambda: eighteen("mobile"), 1),
}
BATCH = 128


@contextmanager
def float32() -> Iterator[None]:
    with patch("skipgrade.lab.steps.short_floats", lambda: None):
        yield


@contextmanager
def ordinary_order() -> Iterator[None]:
    with patch("skipgrade.lab.layout.best", lambda *_: torch.contiguous_format):
        yield


@contextmanager
def not_recorded() -> Iterator[None]:
    with patch("skipgrade.lab.recording.recordable", lambda *_: False):
        yield


@contextmanager
def ordinary_optimizer() -> Iterator[None]:
    with patch("skipgrade.lab.optimizers.FUSED", ()):
        yield


@contextmanager
def none_of_it() -> Iterator[None]:
    with float32(), ordinary_order(), not_recorded(), ordinary_optimizer():
        yield


WAYS: dict[str, Callable[[], Any]] = {
    "as it is": nullcontext,
    "in float32": float32,
    "colours first": ordinary_order,
    "not recorded": not_recorded,
    "not fused": ordinary_optimizer,
    "none of it": none_of_it,
}


def ways() -> dict[str, Callable[[], Any]]:
    """Those that differ on this machine."""
    gone = set() if torch.cuda.is_available() else {"not recorded"}
    if LabStep().short is None:
        gone |= {"in float32"}
    return {name: way for name, way in WAYS.items() if name not in gone}


def rate(build: Callable[[], nn.Module], steps: int) -> float:
    """Images a second, once everything has settled."""
    place = lab.device()
    model, step = build().to(place).train(), LabStep()
    optimizer = SGD(model.parameters(), lr=0.01, momentum=0.9)
    images = torch.randn(BATCH, 3, 32, 32, device=place)
    labels = torch.arange(BATCH, device=place) % 10
    started = 0.0
    for count in range(-6 if place.type == "cuda" else -1, steps):
        if count == 0:
            _wait()
            started = time.perf_counter()
        step(model, images, labels, nn.functional.cross_entropy, optimizer)
    _wait()
    return BATCH * steps / (time.perf_counter() - started)


def _wait() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("networks", nargs="*", default=list(NETWORKS), metavar="NETWORK")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--times", type=int, default=1, help="so many times as many steps")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path, default=Path("build/bench-steps.json"))
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    found: dict[str, dict[str, list[float]]] = {}
    for name in asked.networks:
        build, steps = NETWORKS[name]
        found[name] = {way: [] for way in ways()}
        for _ in range(asked.rounds):
            for way, without in ways().items():
                with without():
                    found[name][way].append(rate(build, steps * asked.times))
        _show(name, found[name])
        save(asked.json, {"command": sys.argv, "images a second": found})


def _show(name: str, rates: dict[str, list[float]]) -> None:
    print(f"{name:<14} {statistics.median(rates['as it is']):>8.0f} images/s", end="")
    for way, some in rates.items():
        if way != "as it is":
            ratio = statistics.median(a / b for a, b in zip(rates["as it is"], some, strict=True))
            print(f"   {way}: {ratio:.2f} times slower", end="")
    print(flush=True)


if __name__ == "__main__":
    main()
