"""Train the course's two LeNet-5 on the real CIFAR-10 and measure them on its test images.

    SKIPGRADE_DATA=folder .venv/bin/python bench/train_real.py pipeline tuned --runs 3

`pipeline` is what assignment 01 asks for, `tuned` what 02 does. One line a run; everything else,
machine and versions included, goes into the JSON file.
"""

import argparse
import json
import sys
import tempfile
import time
from contextlib import chdir
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from models import Swish, lenet5
from surroundings import machine
from torch.optim import SGD

from skipgrade import lab


@dataclass(frozen=True)
class Recipe:
    """One way to train; a cosine takes the learning rate to zero."""

    tuned: bool
    augment: bool
    batch_size: int
    learning_rate: float
    weight_decay: float
    epochs: int


RECIPES = {
    "pipeline": Recipe(False, False, 64, 0.02, 5e-4, 15),
    "tuned": Recipe(True, True, 128, 0.1, 1e-4, 40),
}


def train(recipe: Recipe, seed: int) -> dict[str, Any]:
    """One run; the epoch is chosen on validation images, the figure is that of the test images."""
    lab.seed_everything(seed)
    model = lenet5(Swish, norm=True) if recipe.tuned else lenet5()
    data = lab.load("cifar10", batch_size=recipe.batch_size, augment=recipe.augment)
    started = time.perf_counter()
    history = lab.fit(
        model,
        data,
        name="run",
        epochs=recipe.epochs,
        optimizer=lambda parameters: SGD(
            parameters, lr=recipe.learning_rate, momentum=0.9, weight_decay=recipe.weight_decay
        ),
        schedule=lab.cosine,
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("recipes", nargs="+", choices=RECIPES)
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--json", type=Path, default=Path("train_real.json"))
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    results = []
    for name in arguments.recipes:
        for seed in range(arguments.runs):
            with tempfile.TemporaryDirectory() as scratch, chdir(scratch):
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
