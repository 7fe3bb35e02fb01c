"""What trained weights of ResNet-20 get right in final tests like 05's, made with drawn-up keys.

SKIPGRADE_DATA=folder .venv/bin/python bench/final_test.py run-best.safetensors ... [--packs 2]
"""

import argparse
from pathlib import Path
from typing import Any

import torch
from notebooks import names
from safetensors.torch import load_file

from skipgrade import lab
from skipgrade.classroom import holdout


@torch.no_grad()
def right(net: torch.nn.Module, pixels: torch.Tensor, labels: torch.Tensor) -> tuple[float, float]:
    """The share of images it gets right, and that of images averaged with their mirror images."""
    mean, std = (torch.tensor(part).view(3, 1, 1) for part in lab.normalisation("cifar10"))
    alone, both = 0, 0
    for some, wanted in zip(pixels.split(500), labels.split(500), strict=True):
        images = (some / 255 - mean) / std
        scores = net(images)
        alone += int((scores.argmax(1) == wanted).sum())
        both += int(((scores + net(images.flip(3))).argmax(1) == wanted).sum())
    return alone / len(labels), both / len(labels)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("weights", nargs="+", type=Path)
    parser.add_argument("--packs", type=int, default=2)
    asked = parser.parse_args()
    build: Any = names("05-resnet20-tuning", "setup", "shortcut", "block", "resnet")["ResNet20"]
    for number in range(asked.packs):
        pack, labels = holdout.make(f"a key for measuring only, number {number}")
        ordinary = torch.argsort(pack.new_numbers())[labels]
        for path in asked.weights:
            net = build(16).eval()
            net.load_state_dict(load_file(path))
            alone, both = right(net, pack.images, ordinary)
            print(f"pack {number}, {path}: {alone:.2%}, mirrored {both:.2%}", flush=True)


if __name__ == "__main__":
    main()
