"""How long the judge takes for each network's accuracy on held-out images.

    .venv/bin/python bench/evaluating.py [--threads T] [--seconds S] [--json FILE]

The solution's networks at the width the notebooks ask for, with weights as they are drawn: what a
forward pass takes does not hang on what was learned. Each runs as the judge runs a submission's,
as a program, for `S` seconds. How many images are looked at until the verdict is certain is drawn:
200 orders of as many right answers as a reference run has.
"""

import argparse
import io
import os
import statistics
import time
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ |= {"SKIPGRADE_DATASET": "builtin", "MPLBACKEND": "agg"}
os.environ["NBGRADER_EXECUTION"] = "autograde"  # backbones are random then

import torch
from surroundings import save
from torch import Tensor

from skipgrade.judging.checks.accuracy import BATCH, earned, outlook, scores_of
from skipgrade.judging.checks.network import student_network
from skipgrade.judging.checks.preparing import preparation
from skipgrade.judging.judge.answerers import LocalNotebook
from skipgrade.judging.judge.handed_in import HandedIn
from skipgrade.judging.judge.holdout import open_images
from skipgrade.judging.judge.trial import Trial
from tests.assignments.variants import Assignment

HELD_OUT = 10_000
ORDERS = 200


@dataclass(frozen=True)
class Case:
    title: str
    assignment: str
    network: str
    prepare: str | None
    bars: tuple[float, ...]
    reached: float  # by a reference run, see docs/results.md


CASES = [
    Case("01 LeNet-5", "01-lenet5-pipeline", "LeNet5()", None, (0.55, 0.60, 0.63), 0.658),
    Case("02 batch norm, Swish", "02-lenet5-tuning", "LeNet5Swish()", None, (0.66, 0.70), 0.749),
    Case("03 model two", "03-cnn-design", "ModelTwo()", None, (0.70, 0.75), 0.832),
    Case("04 PlainNet18", "04-plain-residual-mobile", "PlainNet18()", None, (0.31, 0.62), 0.693),
    Case("04 ResNet18", "04-plain-residual-mobile", "ResNet18()", None, (0.325, 0.65), 0.727),
    Case("04 MobileNet18", "04-plain-residual-mobile", "MobileNet18()", None, (0.29, 0.58), 0.658),
    Case("05 ResNet-20", "05-resnet20-tuning", "ResNet20()", None, (), 0.917),
    Case(
        "06 ResNet-18", "06-depth-and-shortcuts", "ResNet18(width=64)", None,
        (0.10, 0.85, 0.88, 0.89), 0.925,
    ),
    Case(
        "06 ResNet-50", "06-depth-and-shortcuts", "ResNet50(width=64)", None,
        (0.10, 0.85, 0.88, 0.89), 0.81,
    ),
    Case("07 twelve blocks", "07-resnet-cifar100", "ResNet()", None, (0.46, 0.52), 0.575),
    Case("08 transfer", "08-transfer-learning", "build_transfer()", "prepare", (0.80, 0.85), 0.88),
]  # fmt: skip


def scored(case: Case) -> Any:
    """What gives the scores of raw images, as `check.accuracy` has it."""
    with redirect_stdout(io.StringIO()):
        names = Assignment(case.assignment).solution
    notebook = LocalNotebook(names)
    trial = Trial(notebook, notebook, open_images, True, "0", HandedIn(Path()))
    network = student_network(trial, case.network, "a network", "")
    weights = eval(case.network, names).state_dict()
    prepared = preparation(trial, case.prepare, "cifar10")
    return lambda images: scores_of(network, weights, prepared(images), "a network")


def per_second(case: Case, seconds: float) -> float:
    score = scored(case)
    images = torch.randint(0, 256, (BATCH, 3, 32, 32), dtype=torch.uint8)
    score(images)
    began, rounds = time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        score(images)
        rounds += 1
    return rounds * BATCH / (time.perf_counter() - began)


def looked_at(case: Case) -> int:
    """Images until the verdict is certain, the median of some orders."""
    tiers = {bar: (place + 1) / len(case.bars) for place, bar in enumerate(case.bars)}
    if not tiers:
        return 4_000  # a table's first 2,000 images and their mirror images are computed again
    right = torch.arange(HELD_OUT) < round(case.reached * HELD_OUT)
    return round(statistics.median(_until_certain(right, tiers, seed) for seed in range(ORDERS)))


def _until_certain(right: Tensor, tiers: dict[float, float], seed: int) -> int:
    order = torch.randperm(HELD_OUT, generator=torch.Generator().manual_seed(seed))
    seen = correct = 0
    fewest, most = 0, HELD_OUT
    while earned(fewest, HELD_OUT, tiers) != earned(most, HELD_OUT, tiers):
        correct += int(right[order[seen : seen + BATCH]].sum())
        seen += BATCH
        fewest, most = outlook(correct, seen, HELD_OUT)
    return seen


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("cases", nargs="*", metavar="01", help="default: all")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--json", type=Path, default=Path("build/bench-evaluating.json"))
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    found = []
    print(f"{'':22}{'images/s':>10}{'all':>10}{'looked at':>12}{'takes':>9}")
    for case in CASES:
        if arguments.cases and case.title[:2] not in arguments.cases:
            continue
        speed, looked = per_second(case, arguments.seconds), looked_at(case)
        found.append({"network": case.title, "images_s": speed, "looked_at": looked})
        times = f"{HELD_OUT / speed:8.1f} s{looked:12}{looked / speed:7.1f} s"
        print(f"{case.title:22}{speed:10.0f}{times}", flush=True)
    save(arguments.json, {"threads": arguments.threads, "networks": found})


if __name__ == "__main__":
    main()
