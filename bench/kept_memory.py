"""What it is worth on a CPU that the memory a batch has freed stays with the process.

    .venv/bin/python bench/kept_memory.py lenet5 resnet20 [--rounds R] [--json FILE]

`lab.fit` trains each network on drawn images with and without it, in turn, each time in a
process of its own, with one thread. Seconds and pages asked of the system are those of the
training alone.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import nullcontext, redirect_stdout
from pathlib import Path
from unittest.mock import patch

os.environ |= {"SKIPGRADE_DATASET": "builtin", "OMP_NUM_THREADS": "1"}

import torch
from steps import NETWORKS
from surroundings import save
from torch.optim import SGD
from torch.utils.data import DataLoader, TensorDataset

from skipgrade import lab

BATCH, STEPS = 128, 40
WAYS = ("with", "without")


def trained(network: str, way: str) -> dict[str, float]:
    """One epoch in this process."""
    build, _ = NETWORKS[network]
    torch.manual_seed(0)
    images = TensorDataset(torch.rand(STEPS * BATCH, 3, 32, 32), torch.arange(STEPS * BATCH) % 10)
    few = TensorDataset(*(part[:BATCH] for part in images.tensors))
    loaders = DataLoader(images, BATCH, shuffle=True), DataLoader(few, BATCH)
    model = build()
    kept = nullcontext() if way == "with" else patch("skipgrade.lab.running.keep_freed_memory")
    since, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF)
    with kept, redirect_stdout(sys.stderr):
        lab.fit(model, loaders, name=way, epochs=1, optimizer=lambda p: SGD(p, lr=0.02))
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "seconds": time.perf_counter() - since,
        "pages": used.ru_minflt - before.ru_minflt,
        "peak_mib": used.ru_maxrss / 1024,
    }


def elsewhere(network: str, way: str) -> dict[str, float]:
    """The same in a new process: what the C library has been told cannot be taken back."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, Path(__file__).resolve(), network, "--way", way],
            cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True,
        )  # fmt: skip
    found: dict[str, float] = json.loads(done.stdout)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("networks", nargs="*", default=["lenet5", "resnet20"], metavar="NETWORK")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--way", choices=WAYS, help="train once, here, and print what it took")
    parser.add_argument("--json", type=Path, metavar="FILE", help="keep the figures")
    options = parser.parse_args()
    if options.way:
        print(json.dumps(trained(options.networks[0], options.way)))
        return
    found = {}
    print(f"{'network':<16}{'without':>10}{'with':>10}{'ratio':>8}   pages without, with; peak MiB")
    for network in options.networks:
        runs: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
        for number in range(options.rounds):
            for way in WAYS if number % 2 else reversed(WAYS):
                runs[way].append(elsewhere(network, way))
        middle = {
            way: {name: statistics.median(run[name] for run in all_of) for name in all_of[0]}
            for way, all_of in runs.items()
        }
        kept, given_back = middle["with"], middle["without"]
        ratio = given_back["seconds"] / kept["seconds"]
        print(
            f"{network:<16}{given_back['seconds']:>8.2f} s{kept['seconds']:>8.2f} s{ratio:>8.2f}   "
            f"{given_back['pages']:,.0f}, {kept['pages']:,.0f}; "
            f"{given_back['peak_mib']:,.0f}, {kept['peak_mib']:,.0f}",
            flush=True,
        )
        found[network] = {"median": middle, "ratio": ratio, "runs": runs}
    if options.json:
        save(options.json, {"steps": STEPS, "batch": BATCH, "networks": found})


if __name__ == "__main__":
    main()
