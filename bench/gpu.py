"""Train what the notebooks ask for, with their own code, on the official images and a GPU.

    SKIPGRADE_DATA=folder python bench/gpu.py 07 05 --seconds 500 --together 4 --json gpu.json

Each run is a process of its own, `--together` of them at a time; the JSON file is written again
after each. When `--seconds` are over, what has not finished is told with the epochs it has. Nothing
but what a student installs is needed. `--list` names the runs, `"07 remedy:3-5"` asks for seeds 3
to 5 of one, `--epochs 2` tries them out.
"""

import argparse
import json
import subprocess
import sys
import time
from contextlib import chdir
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

from gpu_runs import RUNS
from surroundings import machine

from skipgrade import lab


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
    histories = sorted(folder.glob("*-history.json"), key=lambda path: path.stat().st_mtime)
    epochs = lab.History.read(histories[-1]).epochs if histories else []
    return {"stopped": True, "epochs": epochs}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("sets", nargs="*", help="assignments, or names as --list has them")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--seconds", type=float, default=3600)
    parser.add_argument("--together", type=int, default=1)
    parser.add_argument("--seeds", type=int, help="as many of each, unless the name says which")
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
    chosen = [run for some in asked.sets for run in _asked_for(some, asked.seeds)]
    measure(chosen, asked)


def _asked_for(some: str, seeds: int | None) -> list[tuple[str, int]]:
    """Runs of an assignment or of a name, each with its seed."""
    some, _, which = some.partition(":")
    first, _, last = which.partition("-")
    found = []
    for name, run in RUNS.items():
        if some in (name, name.split()[0]):
            end = int(last or first) + 1 if which else seeds or run.seeds
            found += [(name, seed) for seed in range(int(first or 0), end)]
    if not found:
        raise SystemExit(f"No run is called {some!r}; --list names them.")
    return found


def measure(chosen: list[tuple[str, int]], asked: argparse.Namespace) -> None:
    """Train all that is chosen, some at a time, until time is up."""
    end = time.monotonic() + asked.seconds
    running: dict[tuple[str, int], tuple[subprocess.Popen[bytes], Path]] = {}
    waiting, results = list(chosen), []
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
    results += [_line(key, told(folder)) for key, (_, folder) in running.items()]
    asked.json.write_text(json.dumps(content | {"runs": results}, indent=1) + "\n")
    for process, _ in running.values():  # only now: a process takes seconds to leave its GPU
        process.kill()


def _line(key: tuple[str, int], result: dict[str, Any]) -> dict[str, Any]:
    name, seed = key
    reached = f"test {result['test_accuracy']:.2%}" if "test_accuracy" in result else "not finished"
    print(f"{name}, seed {seed}: {reached}, {len(result['epochs'])} epochs", flush=True)
    return {"name": name, "seed": seed, "batch": RUNS[name].batch, **result}


if __name__ == "__main__":
    main()
