"""The runs `bench/gpu.py` knows: each trains what a notebook asks for, with its own cells."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from models import Swish, lenet5
from notebooks import names
from torch import nn
from torch.optim import SGD
from torchvision.models import resnet18

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


def recipe_03(model: str, epochs: int) -> Trained:
    """Model two is also tried without one of its parts, as the notebook's trials do it."""
    found = names("03-cnn-design", "setup", "train-helper", "three-conv", "models")
    adam = partial(torch.optim.AdamW, lr=0.004, weight_decay=0.02)
    momentum = partial(SGD, momentum=0.9, weight_decay=5e-4)
    rise_and_fall = lab.one_cycle(0.004)
    without_norm = partial(found["ModelTwo"], norm=lambda _filters: nn.Identity())
    build, batch, augment, optimizer, schedule = {
        "three convolutions": (found["ThreeConvNet"], 64, False, partial(momentum, lr=0.02), None),
        "model one": (
            found["ModelOne"],
            128,
            True,
            partial(momentum, lr=0.1, nesterov=True),
            lab.one_cycle(0.1),
        ),
        "model two": (found["ModelTwo"], 128, True, adam, rise_and_fall),
        "without batch norm": (without_norm, 128, True, adam, rise_and_fall),
        "without augmentation": (found["ModelTwo"], 128, False, adam, rise_and_fall),
        "constant rate": (found["ModelTwo"], 128, True, adam, None),
    }[model]
    net = build()
    data = lab.load("cifar10", batch_size=batch, augment=augment)
    return _trained(net, data, epochs, optimizer, schedule, fit=found["train"])


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


def recipe_05(epochs: int) -> Trained:
    net = names("05-resnet20-tuning", "setup", "shortcut", "block", "resnet")["ResNet20"](16)
    schedule = lab.one_cycle(0.2, warm=0.25)
    return _simple(
        net, epochs, 128, augment=True, lr=0.2, l2=5e-4, schedule=schedule, nesterov=True
    )


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
    return _trained(model, data, epochs, partial(torch.optim.Adam, lr=0.001), found["step_down"])


SIDE = 128  # of the enlarged images in 08: with 256 learning CIFAR-100 takes four times as long
BACKBONE_EPOCHS = 30


def recipe_08(kind: str, epochs: int) -> Trained:
    """A ResNet-18 that has learned CIFAR-100 is taken to CIFAR-10, as 08 does it with ImageNet's.

    "frozen": all but the last stage and the head stay as they are. "from scratch": the same
    network without what it has learned, all of it learning.
    """
    found = names("08-transfer-learning", "setup", "net", "freeze")
    body = resnet18(weights=None)
    with patch.object(lab, "backbone", lambda: body):
        if kind == "frozen":
            model = found["TransferNet"](100, size=SIDE)
            lab.fit(
                model,
                lab.load("cifar100", batch_size=128, augment=True),
                name="backbone",
                epochs=BACKBONE_EPOCHS,
                optimizer=partial(SGD, lr=0.1, momentum=0.9, weight_decay=5e-4, nesterov=True),
                schedule=lab.one_cycle(0.1),
            )
        model = found["TransferNet"](10, size=SIDE)
    if kind == "frozen":
        model = found["freeze"](model)
    data = lab.load("cifar10", batch_size=32)
    return _trained(model, data, epochs, partial(torch.optim.Adam, lr=5e-4), lab.cosine)


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
    optimizer = partial(SGD, lr=lr, momentum=0.9, weight_decay=l2, nesterov=nesterov)
    return _trained(model, data, epochs, optimizer, schedule)


def _trained(
    model: nn.Module, data: Any, epochs: int, optimizer: Any, schedule: Any, fit: Any = None
) -> Trained:
    settings = {"epochs": epochs, "optimizer": optimizer, "schedule": schedule}
    return (fit or lab.fit)(model, data, name="run", **settings), model, data.test


RUNS = {
    "07 resnet": Run(partial(recipe_07, False), 50, 100, 3),
    "05 resnet20, 80 epochs": Run(recipe_05, 80, 128, 10),
    "06 resnet18": Run(partial(recipe_06, "resnet18"), 60, 128, 3),
    "06 resnet18, 30 epochs": Run(partial(recipe_06, "resnet18"), 30, 128, 2),
    "04 plain": Run(partial(recipe_04, "PlainNet18"), 15, 128, 3),
    "04 residual": Run(partial(recipe_04, "ResNet18"), 15, 128, 3),
    "04 mobile": Run(partial(recipe_04, "MobileNet18"), 15, 128, 3),
    "05 resnet20, 40 epochs": Run(recipe_05, 40, 128, 10),
    "06 plain18": Run(partial(recipe_06, "plain18"), 60, 128, 1),
    "07 remedy": Run(partial(recipe_07, True), 50, 100, 3),
    "01 lenet5": Run(recipe_01, 15, 64, 3),
    "02 tuned": Run(recipe_02, 40, 128, 3),
    "03 three convolutions": Run(partial(recipe_03, "three convolutions"), 10, 64, 3),
    "03 model one": Run(partial(recipe_03, "model one"), 10, 128, 3),
    "03 model two": Run(partial(recipe_03, "model two"), 10, 128, 3),
    "03 trial, as planned": Run(partial(recipe_03, "model two"), 3, 128, 1),
    "03 trial, without batch norm": Run(partial(recipe_03, "without batch norm"), 3, 128, 1),
    "03 trial, without augmentation": Run(partial(recipe_03, "without augmentation"), 3, 128, 1),
    "03 trial, constant rate": Run(partial(recipe_03, "constant rate"), 3, 128, 1),
    "08 frozen": Run(partial(recipe_08, "frozen"), 5, 32, 1),
    "08 from scratch": Run(partial(recipe_08, "from scratch"), 5, 32, 1),
    "06 resnet50": Run(partial(recipe_06, "resnet50"), 30, 128, 1),
    "06 plain50": Run(partial(recipe_06, "plain50"), 30, 128, 1),
    "06 resnet18, 164 epochs": Run(partial(recipe_06, "resnet18"), 164, 128, 1),
    "05 resnet20, 120 epochs": Run(recipe_05, 120, 128, 10),
}
