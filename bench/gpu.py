"""Train what the notebooks ask for, with their own code, on the official images and a GPU.

    SKIPGRADE_DATA=folder python bench/gpu.py 07 05 --seconds 500 --together 4 --json gpu.json

Each run is a process of its own, `--together` of them at a time; the JSON file is written again
after each. When `--seconds` are over, what has not finished is told with the epochs it has. Nothing
but what a student installs is needed. `--list` names the runs, `--epochs 2` tries them out.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import chdir
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from models import Swish, lenet5
from notebooks import names
from surroundings import machine
from torch import nn
from torch.optim import SGD

from skipgrade import lab

Trained = tuple[lab.History, nn.Module, Any]  # history, network with its best weights, test images


@dataclass(frozen=True)
class Run:
    train: Callable[[int], Trained]  # with the number of epochs
    epochs: int
    batch: int
    seeds: int


def recipe_01(epochs: int) -> Trained:
    return _simple(lenet5(), epochs, 64, augment=False, lr=0.02, l2=5e-4, schedule=lab.cosine)


def recipe_02(epochs: int) -> Trained:
    net = lenet5(Swish, norm=True)
    return _simple(net, epochs, 128, augment=True, lr=0.1, l2=1e-4, schedule=lab.cosine)


def recipe_05(epochs: int) -> Trained:
    net = names("05-resnet20-tuning", "setup", "shortcut", "block", "resnet")["ResNet20"](16)
    schedule = lab.one_cycle(0.2, warm=0.25)
    return _simple(
        net, epochs, 128, augment=True, lr=0.2, l2=5e-4, schedule=schedule, nesterov=True
    )


def _simple(
    model: nn.Module,
    epochs: int,
    batch: int,
    *,
    augment: bool,
    lr: float,
    l2: float,
    schedule: Any,
    nesterov: bool = False,
) -> Trained:
    data = lab.load("cifar10", batch_size=batch, augment=augment)
    history = lab.fit(
        model,
        data,
        name="run",
        epochs=epochs,
        optimizer=partial(SGD, lr=lr, momentum=0.9, weight_decay=l2, nesterov=nesterov),
        schedule=schedule,
    )
    return history, model, data.test


def recipe_04(network: str, epochs: int) -> Trained:
    """Its curves show test accuracy, and no image is held back; see the notebook."""
    cells = [
        "setup",
        "budget",
        "plain-block",
        "plain-net",
        "res-block",
        "resnet",
        "conv-dw",
        "mobile-net",
        "train-helper",
    ]
    found = names("04-plain-residual-mobile", *cells)
    found["data"] = lab.load("cifar100", batch_size=found["BATCH"], augment=True, val=0)
    found["EPOCHS"] = epochs
    history = found["train"](found[network], "run")
    model = found[network](width=found["WIDTH"])
    lab.checkpoint.load_weights(model, Path("run-best.safetensors"))
    return history, model, found["data"].test


def recipe_06(network: str, epochs: int) -> Trained:
    """Images by `lab.load`: cropped and flipped as by the notebook's transforms, and faster."""
    cells = [
        "setup",
        "budget",
        "basic-block",
        "resnet18",
        "bottleneck",
        "resnet50",
        "recipe",
        "nets",
        "train-helper",
    ]
    found = names("06-depth-and-shortcuts", *cells)
    data = lab.load("cifar10", batch_size=found["BATCH"], augment=True)
    found |= {
        "train_loader": data.train,
        "val_loader": data.val,
        "EPOCHS": {18: epochs, 50: epochs},
    }
    history = found["train"](network)
    model = found["build"](network)
    lab.checkpoint.load_weights(model, Path(f"{network}-best.safetensors"))
    return history, model, data.test


def recipe_07(remedy: bool, epochs: int) -> Trained:
    cells = [
        "setup",
        "budget",
        "load-data",
        "flips",
        "with-flips",
        "strides",
        "sizes",
        "block",
        "network",
        "schedule",
        "measure",
    ]
    found = names("07-resnet-cifar100", *cells)
    model = found["ResNet"](found["WIDTH"])
    data = found["with_flips"](found["data"])
    if remedy:
        data = lab.load("cifar100", batch_size=found["BATCH"], val=2500, augment=True)
    history = lab.fit(
        model,
        data,
        name="run",
        epochs=epochs,
        optimizer=lambda parameters: torch.optim.Adam(parameters, lr=0.001),
        schedule=found["step_down"],
    )
    return history, model, data.test


RUNS = {
    "07 resnet": Run(partial(recipe_07, False), 50, 100, 3),
    "05 resnet20, 80 epochs": Run(recipe_05, 80, 128, 10),
    "06 resnet18": Run(partial(recipe_06, "resnet18"), 30, 128, 3),
    "04 plain": Run(partial(recipe_04, "PlainNet18"), 15, 128, 3),
    "04 residual": Run(partial(recipe_04, "ResNet18"), 15, 128, 3),
    "04 mobile": Run(partial(recipe_04, "MobileNet18"), 15, 128, 3),
    "05 resnet20, 40 epochs": Run(recipe_05, 40, 128, 10),
    "06 plain18": Run(partial(recipe_06, "plain18"), 30, 128, 3),
    "07 remedy": Run(partial(recipe_07, True), 50, 100, 3),
    "01 lenet5": Run(recipe_01, 15, 64, 3),
    "02 tuned": Run(recipe_02, 40, 128, 3),
    "06 resnet50": Run(partial(recipe_06, "resnet50"), 30, 128, 1),
    "06 plain50": Run(partial(recipe_06, "plain50"), 30, 128, 1),
    "05 resnet20, 120 epochs": Run(recipe_05, 120, 128, 10),
}


def one(name: str, seed: int, epochs: int) -> dict[str, Any]:
    """Train this run in the current folder; what is written of it."""
    seeded = lab.seed_everything
    with patch.multiple(
        lab, seed_everything=lambda asked: seeded(asked + seed), fit=partial(lab.fit, seed=seed)
    ):
        lab.seed_everything(0)
        started = time.perf_counter()
        history, model, test = RUNS[name].train(epochs)
        seconds = time.perf_counter() - started
    return {
        "best_epoch": history.best["epoch"],
        "best_validation_accuracy": history.best["val_accuracy"],
        "test_accuracy": lab.evaluate(model, test)[1],
        "seconds": round(seconds, 1),
        "epochs": history.epochs,
    }


def start(name: str, seed: int, epochs: int, folder: Path) -> subprocess.Popen[bytes]:
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, __file__, "--one", name, str(seed), str(epochs), str(folder)]
    with (folder / "log.txt").open("wb") as log:
        return subprocess.Popen(command, stdout=log, stderr=log)


def told(folder: Path) -> dict[str, Any]:
    """What a run has left: its result, or as many epochs as it came to."""
    if (folder / "result.json").is_file():
        return json.loads((folder / "result.json").read_text())
    histories = [lab.History.read(path) for path in folder.glob("*-history.json")]
    return {"stopped": True, "epochs": histories[0].epochs if histories else []}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("sets", nargs="*", help="assignments, or names as --list has them")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--seconds", type=float, default=3600)
    parser.add_argument("--together", type=int, default=1)
    parser.add_argument("--seeds", type=int)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--keep", type=Path, default=Path("build/gpu"))
    parser.add_argument("--json", type=Path, default=Path("gpu.json"))
    parser.add_argument("--one", nargs=4, metavar=("NAME", "SEED", "EPOCHS", "FOLDER"))
    asked = parser.parse_args()
    if asked.one:
        name, seed, epochs, folder = asked.one
        with chdir(folder):
            result = one(name, int(seed), int(epochs))
            Path("result.json").write_text(json.dumps(result, indent=1) + "\n")
        return
    if asked.list:
        print(*(f"{name}: {run.epochs} epochs" for name, run in RUNS.items()), sep="\n")
        return
    chosen = [
        (name, seed)
        for some in asked.sets
        for name in RUNS
        if name == some or name.split()[0] == some
        for seed in range(asked.first, asked.first + (asked.seeds or RUNS[name].seeds))
    ]
    measure(chosen, asked)


def measure(chosen: list[tuple[str, int]], asked: argparse.Namespace) -> None:
    """Train all that is chosen, some at a time, until time is up."""
    end = time.monotonic() + asked.seconds
    waiting, running, results = list(chosen), {}, []
    content = {"command": sys.argv, "machine": machine(), "together": asked.together}
    while (waiting or running) and time.monotonic() < end:
        while waiting and len(running) < asked.together:
            name, seed = waiting.pop(0)
            folder = asked.keep.resolve() / f"{name.replace(' ', '-').replace(',', '')}-{seed}"
            epochs = asked.epochs or RUNS[name].epochs
            running[name, seed] = start(name, seed, epochs, folder), folder
        for key, (process, folder) in list(running.items()):
            if process.poll() is not None:
                del running[key]
                results.append(_line(key, told(folder)))
                asked.json.write_text(json.dumps(content | {"runs": results}, indent=1) + "\n")
        time.sleep(0.1)
    for key, (process, folder) in running.items():
        process.kill()
        process.wait()
        results.append(_line(key, told(folder)))
    asked.json.write_text(json.dumps(content | {"runs": results}, indent=1) + "\n")


def _line(key: tuple[str, int], result: dict[str, Any]) -> dict[str, Any]:
    name, seed = key
    reached = f"test {result['test_accuracy']:.2%}" if "test_accuracy" in result else "not finished"
    print(f"{name}, seed {seed}: {reached}, {len(result['epochs'])} epochs", flush=True)
    return {"name": name, "seed": seed, "batch": RUNS[name].batch, **result}


if __name__ == "__main__":
    main()
