"""How much faster the lab's own training step is in the machine's short floats than in float32.

    .venv/bin/python bench/precision.py [--json FILE]

Both train the same network on the same batch, in turn; the figures are images a second on one core
(on a GPU: on the GPU) and their ratio, the median of five rounds.
"""

import argparse
import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import torch
from models import eighteen, lenet5, resnet20
from surroundings import machine
from torch import nn

from skipgrade import lab
from skipgrade.lab.steps import LabStep

NETWORKS = {
    "LeNet-5": (lenet5, 16),
    "ResNet-20": (resnet20, 8),
    "ResNet18 of 04, width 16": (lambda: eighteen("residual", 16), 8),
    "ResNet18 of 04, width 64": (lambda: eighteen("residual"), 2),
}
BATCH, ROUNDS = 128, 5


def rate(step: LabStep, model: nn.Module, batches: int) -> float:
    """Images a second."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    images = torch.randn(BATCH, 3, 32, 32, device=lab.device())
    labels = torch.arange(BATCH, device=lab.device()) % 10
    step(model, images, labels, nn.functional.cross_entropy, optimizer)
    started = time.perf_counter()
    for _ in range(batches):
        loss = step(model, images, labels, nn.functional.cross_entropy, optimizer)
    loss.item()  # waits for a GPU
    return BATCH * batches / (time.perf_counter() - started)


def steps() -> dict[str, LabStep]:
    """The lab's own step as it is, and with its short floats taken away."""
    long = LabStep()
    long.short = None
    long.scaler = torch.amp.GradScaler(lab.device().type, enabled=False)
    return {"short": LabStep(), "float32": long}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--json", type=Path, default=Path("precision.json"))
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    short = LabStep().short
    if short is None:
        raise SystemExit(
            "This machine has no hardware for short floats: there is nothing to compare."
        )
    results: list[dict[str, Any]] = []
    print(f"{'images/s':<28} {str(short).removeprefix('torch.'):>10} {'float32':>8} {'ratio':>6}")
    for name, (build, batches) in NETWORKS.items():
        rates: dict[str, list[float]] = {"short": [], "float32": []}
        for _ in range(ROUNDS):
            for kind, step in steps().items():
                rates[kind].append(rate(step, build().to(lab.device()).train(), batches))
        ratio = statistics.median(
            a / b for a, b in zip(rates["short"], rates["float32"], strict=True)
        )
        results.append({"network": name, "type": str(short), "rates": rates, "ratio": ratio})
        medians = {kind: statistics.median(values) for kind, values in rates.items()}
        print(f"{name:<28} {medians['short']:>10.0f} {medians['float32']:>8.0f} {ratio:>6.2f}")
    content = {"command": sys.argv, "machine": machine(), "batch": BATCH, "results": results}
    arguments.json.write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main()
