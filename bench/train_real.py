"""Train the course's networks on the real CIFAR images and measure them on their test images.

    SKIPGRADE_DATA=folder .venv/bin/python bench/train_real.py pipeline tuned --runs 3

`pipeline` is what assignment 01 asks for, `tuned` what 02 does, `resnet20` what 05 does; `plain18`,
`res18` and `mobile18` are the networks of 04, as narrow and as briefly trained as a CPU allows. One
line a run; everything else, machine and versions included, goes into the JSON file. With
`--keep FOLDER` the runs lie there, and one that was interrupted goes on.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from models import Swish, eighteen, lenet5, resnet20
from surroundings import machine
from torch import nn
from torch.optim import SGD

from skipgrade import lab


@dataclass(frozen=True)
class Recipe:
    """One way to train; the schedule takes the learning rate to zero."""

    network: str
    augment: bool
    batch_size: int
    learning_rate: float
    weight_decay: float
    epochs: int
    warm: float | None = None  # the share of a one-cycle schedule that climbs; None: a cosine
    nesterov: bool = False
    data: str = "cifar10"


def eighteen_layers(network: str) -> Recipe:
    return Recipe(network, True, 128, 0.1, 5e-4, 6, warm=0.25, nesterov=True, data="cifar100")


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "LeNet-5": lenet5,
    "LeNet-5 with batch norm and Swish": lambda: lenet5(Swish, norm=True),
    "ResNet-20": resnet20,
    "PlainNet18, width 16": lambda: eighteen("plain", width=16),
    "ResNet18, width 16": lambda: eighteen("residual", width=16),
    "MobileNet18, width 16": lambda: eighteen("mobile", width=16),
}
RECIPES = {
    "pipeline": Recipe("LeNet-5", False, 64, 0.02, 5e-4, 15),
    "tuned": Recipe("LeNet-5 with batch norm and Swish", True, 128, 0.1, 1e-4, 40),
    "resnet20": Recipe("ResNet-20", True, 128, 0.2, 5e-4, 40, warm=0.25, nesterov=True),
    "plain18": eighteen_layers("PlainNet18, width 16"),
    "res18": eighteen_layers("ResNet18, width 16"),
    "mobile18": eighteen_layers("MobileNet18, width 16"),
}


def train(recipe: Recipe, seed: int) -> dict[str, Any]:
    """One run; the epoch is chosen on validation images, the figure is that of the test images."""
    lab.seed_everything(seed)
    model = NETWORKS[recipe.network]()
    data = lab.load(recipe.data, batch_size=recipe.batch_size, augment=recipe.augment)
    started = time.perf_counter()
    history = lab.fit(
        model,
        data,
        name="run",
        epochs=recipe.epochs,
        optimizer=lambda parameters: SGD(
            parameters,
            lr=recipe.learning_rate,
            momentum=0.9,
            weight_decay=recipe.weight_decay,
            nesterov=recipe.nesterov,
        ),
        schedule=lab.cosine
        if recipe.warm is None
        else lab.one_cycle(recipe.learning_rate, warm=recipe.warm),
        seed=seed,
    )
    return {
        "recipe": asdict(recipe),
        "seed": seed,
        "seconds": round(time.perf_counter() - started, 1),
        "best_validation_accuracy": history.best["val_accuracy"],
        "best_epoch": history.best["epoch"],
        "test_accuracy": lab.evaluate(model, data.test)[1],
        "epochs": history.epochs,
    }


@contextmanager
def folder_for(run: str, keep: Path | None) -> Iterator[Path]:
    """Where the run's files go: a folder that stays, or one that vanishes."""
    if keep is None:
        with tempfile.TemporaryDirectory() as scratch:
            yield Path(scratch)
        return
    (keep / run).mkdir(parents=True, exist_ok=True)
    yield keep / run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("recipes", nargs="+", choices=RECIPES)
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--keep", type=Path, help="keep the runs in this folder")
    parser.add_argument("--json", type=Path, default=Path("train_real.json"))
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    results = []
    for name in arguments.recipes:
        for seed in range(arguments.runs):
            with folder_for(f"{name}-{seed}", arguments.keep) as folder, chdir(folder):
                result = train(RECIPES[name], seed)
            results.append({"name": name, **result})
            print(
                f"{name}, seed {seed}: test {result['test_accuracy']:.2%}, validation "
                f"{result['best_validation_accuracy']:.2%} (epoch {result['best_epoch']} of "
                f"{RECIPES[name].epochs}), {result['seconds']:.0f} s",
                flush=True,
            )
            content = {"command": sys.argv, "machine": machine(), "results": results}
            arguments.json.write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main()
