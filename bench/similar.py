"""How well `skipgrade similar` tells disguised copies of weights from honest work.

    .venv/bin/python bench/similar.py [--json FILE]

Twenty small networks are trained on the drawn images: every one from another seed, or (ten of
them) all from the seed the notebooks set, with other rates, strengths and batch sizes. Copies of
four of them are disguised in six ways each. All pairs of the twenty are compared, and each copy
with its original and with the others.
"""

import argparse
import itertools
import sys
import tempfile
from collections.abc import Callable
from contextlib import chdir, redirect_stdout
from functools import partial
from io import StringIO
from pathlib import Path

import torch
from models import lenet5
from safetensors.torch import load_file, save_file
from surroundings import save
from torch import Tensor, nn
from torch.optim import SGD

from skipgrade import lab
from skipgrade.classroom.similar.comparing import NAMED
from skipgrade.classroom.similar.weights import likeness, matrices, sketch, worth_a_look

Weights = dict[str, Tensor]
LAYERS = (0, 3, 7, 9, 11)  # of bench/models.py's LeNet-5 that have weights


def train(number: int, epochs: int) -> Weights:
    """An honest run: half of them start alike, and differ in what a student would choose."""
    seed = number if number % 2 else 0
    lab.seed_everything(seed)
    net = lenet5()
    rate = (0.01, 0.02, 0.03, 0.05, 0.08)[number % 5]
    data = lab.load("cifar10", batch_size=(32, 64, 96, 128)[number % 4], augment=number % 3 == 0)
    with redirect_stdout(StringIO()):
        lab.fit(
            net,
            data,
            name=f"honest-{number}",
            epochs=epochs,
            optimizer=partial(SGD, lr=rate, momentum=0.9, weight_decay=(0, 1e-4, 5e-4)[number % 3]),
            seed=seed,
        )
    return {name: tensor.clone() for name, tensor in net.state_dict().items()}


def renamed(weights: Weights) -> Weights:
    return {f"net.part{99 - i}.{name[-6:]}": t for i, (name, t) in enumerate(weights.items())}


def reordered(weights: Weights) -> Weights:
    """Channels in another order, so that the network computes what it did."""
    found = dict(weights)
    order = torch.arange(3)
    for layer in LAYERS:
        weight, bias = found[f"{layer}.weight"], found[f"{layer}.bias"]
        places = weight.shape[1] // len(order)
        inputs = (order[:, None] * places + torch.arange(places)).flatten()
        order = torch.randperm(len(weight)) if layer != LAYERS[-1] else torch.arange(len(weight))
        found[f"{layer}.weight"] = weight[:, inputs][order].contiguous()
        found[f"{layer}.bias"] = bias[order].contiguous()
    return found


def halved(weights: Weights) -> Weights:
    return {name: tensor.half() for name, tensor in weights.items()}


def scaled(weights: Weights) -> Weights:
    """Each channel larger by a factor that the next layer takes back."""
    found = dict(weights)
    for layer, following in itertools.pairwise(LAYERS):
        factors = torch.rand(len(found[f"{layer}.bias"])) + 0.5
        found[f"{layer}.weight"] = found[f"{layer}.weight"] * factors.view(
            -1, *[1] * (found[f"{layer}.weight"].ndim - 1)
        )
        found[f"{layer}.bias"] = found[f"{layer}.bias"] * factors
        after = found[f"{following}.weight"]
        inputs = factors.repeat_interleave(after.shape[1] // len(factors))
        found[f"{following}.weight"] = after / inputs.view(1, -1, *[1] * (after.ndim - 2))
    return found


def trained_on(weights: Weights) -> Weights:
    """Fifty more steps at a small rate."""
    net = lenet5()
    net.load_state_dict(weights)
    step = SGD(net.parameters(), lr=0.005, momentum=0.9)
    for images, labels in itertools.islice(lab.load("cifar10", batch_size=64, seed=9).train, 50):
        step.zero_grad()
        nn.functional.cross_entropy(net(images), labels).backward()
        step.step()
    return net.state_dict()


DISGUISES: dict[str, Callable[[Weights], Weights]] = {
    "renamed": renamed,
    "reordered": reordered,
    "in float16": halved,
    "scaled and reordered": lambda weights: reordered(scaled(weights)),
    "trained on": trained_on,
    "all of these": lambda weights: halved(renamed(reordered(scaled(trained_on(weights))))),
}


def written(weights: Weights, path: Path) -> Path:
    save_file({name: tensor.contiguous() for name, tensor in weights.items()}, path)
    return path


def alike(one: Path, other: Path) -> tuple[bool, float]:
    some, others = matrices(one), matrices(other)
    return worth_a_look(sketch(some), sketch(others)), likeness(some, others)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--json", type=Path, default=Path("build/bench-similar.json"))
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        honest = [
            written(train(number, asked.epochs), Path(f"{number}.safetensors"))
            for number in range(20)
        ]
        pairs = {f"{a.stem}-{b.stem}": alike(a, b) for a, b in itertools.combinations(honest, 2)}
        copies = {}
        for number, (name, disguise) in itertools.product((0, 1, 6, 7), DISGUISES.items()):
            torch.manual_seed(number)
            copy = written(disguise(load_file(honest[number])), Path("copy.safetensors"))
            copies[f"{number}, {name}"] = alike(honest[number], copy)
    for name, (looked_at, found) in copies.items():
        print(f"copy of {name:<26} {'looked at' if looked_at else 'PASSED BY'}, alike {found:.3f}")
    named = [name for name, (looked_at, found) in pairs.items() if looked_at and found >= NAMED]
    caught = sum(looked_at and found >= NAMED for looked_at, found in copies.values())
    closest = sorted(found for _, found in pairs.values())[-3:]
    print(
        f"{caught} of {len(copies)} copies named; {len(named)} of {len(pairs)} honest pairs named"
    )
    print("the honest pairs most alike:", ", ".join(f"{value:.3f}" for value in closest))
    save(asked.json, {"command": sys.argv, "honest": pairs, "copies": copies})


if __name__ == "__main__":
    main()
