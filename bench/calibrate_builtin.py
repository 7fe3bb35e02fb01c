"""Measure what good and bad models reach on the built-in set: the ground for its thresholds.

    .venv/bin/python bench/calibrate_builtin.py [--all] [ASSIGNMENT ...] [--seeds N] [--json FILE]

Every model is trained on the drawn training images; the figure is its accuracy on the drawn test
images. `--all`, or assignments by name, print how much room each bar of an assignment has: `N`
trainings of its own solution, with another seed each time. All of them take an hour or two.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import chdir, redirect_stdout
from dataclasses import asdict, dataclass
from io import StringIO
from itertools import chain
from pathlib import Path
from typing import Any

import bars
import torch
from bars import Measured
from models import Swish, lenet5, small_cnn
from surroundings import machine
from torch import nn
from torch.optim import SGD
from torch.utils.data import DataLoader

from skipgrade import lab


class Unnormalised(nn.Module):
    """A network fed with bytes 0..255, as when the transform is forgotten."""

    mean: torch.Tensor
    std: torch.Tensor

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body
        mean, std = lab.normalisation("cifar10")
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.body((x * self.std + self.mean) * 255)


@dataclass(frozen=True)
class Trial:
    title: str
    build: Callable[[], nn.Module]
    epochs: int
    rate: float
    decay: float = 5e-4
    batch: int = 64
    augment: bool = False
    data: str = "cifar10"


QUICK = (
    Trial("linear softmax", lambda: nn.Sequential(nn.Flatten(), nn.Linear(3072, 10)), 10, 0.005),
    Trial("LeNet-5 without ReLU", lambda: lenet5(nn.Identity), 15, 0.02),
    Trial("LeNet-5 on bytes 0..255", lambda: Unnormalised(lenet5()), 15, 0.02),
    Trial("LeNet-5 (assignment 01)", lenet5, 15, 0.02),
    Trial(
        "LeNet-5 + BN + Swish + augmentation (02)",
        lambda: lenet5(Swish, norm=True), 30, 0.1, 1e-4, 128, True,
    ),
    Trial("three convolutions with BN", small_cnn, 10, 0.02),
)  # fmt: skip


def measure(trial: Trial, seed: int = 0) -> dict[str, Any]:
    lab.seed_everything(seed)
    model = trial.build()
    data = lab.load(trial.data, batch_size=trial.batch, augment=trial.augment)
    wall, cpu = time.perf_counter(), time.process_time()
    with redirect_stdout(StringIO()):
        history = lab.fit(
            model,
            data,
            name="trial",
            epochs=trial.epochs,
            optimizer=lambda parameters: SGD(
                parameters, lr=trial.rate, momentum=0.9, weight_decay=trial.decay
            ),
            schedule=lab.cosine,
            seed=seed,
        )
    test: DataLoader = data.test
    return {
        "title": trial.title,
        "epochs": trial.epochs,
        "learning_rate": trial.rate,
        "weight_decay": trial.decay,
        "batch_size": trial.batch,
        "augment": trial.augment,
        "seconds": round(time.perf_counter() - wall, 1),
        "cpu_seconds": round(time.process_time() - cpu, 1),
        "stopped": history.stopped,
        "test_accuracy": None if history.stopped else lab.evaluate(model, test)[1],
        "validation": history["val_accuracy"],
        "training": history["train_accuracy"],
    }


def models() -> Iterator[dict[str, Any]]:
    print(f"{'model':<42} {'epochs':>6} {'test':>8} {'seconds':>8} {'CPU s':>6}")
    for trial in QUICK:
        with tempfile.TemporaryDirectory() as scratch, chdir(scratch):
            result = measure(trial)
        yield result
        shown = "diverged" if result["stopped"] else f"{result['test_accuracy']:.1%}"
        print(
            f"{trial.title:<42} {trial.epochs:>6} {shown:>8} {result['seconds']:>8} "
            f"{result['cpu_seconds']:>6}",
            flush=True,
        )


def room(assignments: Sequence[str], seeds: int) -> Iterator[dict[str, Any]]:
    """The bars of these assignments, their solutions trained with seeds from 0 on."""
    print(
        f"{'assignment, run':<28} {'bar':>6} {'reached':>8} {'sd':>6} {'room':>8} {'guessing':>9} "
        f"{'below':>8} {'seconds':>8}"
    )
    for assignment in assignments:
        found: dict[str, list[Measured]] = {}
        for seed in range(seeds):
            with tempfile.TemporaryDirectory() as scratch:
                for one in bars.measure(assignment, seed, Path(scratch)):
                    found.setdefault(one.run, []).append(one)
        for run, several in found.items():
            figures = bars.margins(several)
            yield {"assignment": assignment, "runs": [asdict(one) for one in several]}
            print(
                f"{f'{assignment[:2]} {run}':<28} {figures['bar']:>6.1%} {figures['mean']:>8.1%} "
                f"{figures['sd']:>6.1%} {figures['margin in sd']:>5.1f} sd "
                f"{figures['guessing']:>9.1%} {figures['guessing in sd']:>5.1f} sd "
                f"{figures['seconds']:>8.0f}",
                flush=True,
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("assignments", nargs="*", metavar="ASSIGNMENT", help="these bars alone")
    parser.add_argument("--all", action="store_true", help="the models, and every bar")
    parser.add_argument("--seeds", type=int, default=5, help="trainings for each bar (5)")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--json", type=Path, default=Path("calibrate_builtin.json"))
    arguments = parser.parse_args()
    if unknown := set(arguments.assignments) - set(bars.CELLS):
        parser.error(f"no such assignment: {', '.join(sorted(unknown))}")
    torch.set_num_threads(arguments.threads)
    os.environ["SKIPGRADE_DATASET"] = "builtin"
    chosen = list(bars.CELLS) if arguments.all else arguments.assignments
    plain = models() if arguments.all or not chosen else ()
    results = []
    for result in chain(plain, room(chosen, arguments.seeds) if chosen else ()):
        results.append(result)
        content = {"command": sys.argv, "machine": machine(), "results": results}
        arguments.json.write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main()
