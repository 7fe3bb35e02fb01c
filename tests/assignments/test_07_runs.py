"""07, what training leaves behind: which runs, figures, gaps and weights earn their points?"""

from __future__ import annotations

import functools
import json
import math
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from skipgrade import lab
from skipgrade.judging.verdict import Verdict
from tests.assignments.variants import Assignment

TRIAL = Assignment("07-resnet-cifar100")


TRAIN = [0.10, 0.32, 0.54, 0.81, 0.93]
VALIDATION = [0.012, 0.008, 0.03, 0.044, 0.043]  # as weights do that were never trained
RECIPE = {"optimizer": "Adam", "optimizer lr": 0.001, "batch size": 50}
RATES = [0.001] * 3 + [0.0001] * 2


def history(name: str, **changes: Any) -> lab.History:
    columns = {"train": TRAIN, "val": VALIDATION, "rates": RATES, "settings": RECIPE, **changes}
    made = lab.History(name, settings=columns["settings"])
    rows = zip(columns["train"], columns["val"], columns["rates"], strict=True)
    for number, (train, val, rate) in enumerate(rows, start=1):
        made.epochs.append(
            {
                "epoch": number,
                "train_loss": 3 - 2 * train,
                "train_accuracy": train,
                "val_loss": 3 - 2 * val,
                "val_accuracy": val,
                "learning_rate": rate,
                "seconds": 1.0,
            }
        )
    made.write(f"{name}-history.json")
    return made


@functools.cache
def network(name: str) -> nn.Module:
    torch.manual_seed(0)
    if name == "resnet":
        return TRIAL.solution["ResNet"](TRIAL.solution["WIDTH"])
    return nn.Sequential(nn.Flatten(), nn.Linear(3072, 100))


@functools.cache
def accuracy_on_seen(name: str) -> float:
    thousand: Any = lab.load("cifar100", val=2500).train.dataset
    images, labels = thousand.__getitems__(list(range(1000)))
    return lab.evaluate(network(name), [(images, labels)])[1]  # type: ignore[arg-type]


def gap_of(name: str, run: lab.History) -> dict[str, float]:
    training, best = accuracy_on_seen(name), run.best
    return {
        "running": best["train_accuracy"],
        "training": training,
        "validation": best["val_accuracy"],
        "gap": training - best["val_accuracy"],
    }


def given() -> dict[str, Any]:
    """The names a student's notebook holds after both runs, and their files."""
    better = [value + 0.02 for value in VALIDATION]
    columns = {"resnet": {}, "remedy": {"train": [0.09, 0.3, 0.5, 0.6, 0.62], "val": better}}
    histories = {name: history(name, **changes) for name, changes in columns.items()}
    for name in columns:
        save_file(network(name).state_dict(), f"{name}-best.safetensors")
    gaps = {name: gap_of(name, run) for name, run in histories.items()}
    names: dict[str, Any] = {name: network(name) for name in columns}
    names |= {f"{name}_history": run for name, run in histories.items()}
    return {**names, "gaps": gaps, "overfitting": gaps["resnet"]}


def figure(**curves: list[float]) -> Any:
    drawn, axes = plt.subplots()
    for label, values in curves.items():
        axes.plot(range(1, len(values) + 1), values, label=label)
    axes.set(xlabel="epoch", ylabel="accuracy")
    axes.legend()
    return drawn


GAP = [one - other for one, other in zip(TRAIN, VALIDATION, strict=True)]


def of_run(**changes: Any) -> Verdict:
    names = given()
    names["resnet_history"] = history("resnet", **changes)
    return TRIAL.verdict("test-run", given=names)


def test_a_run_by_the_recipe() -> None:
    assert of_run().share == 1.0
    longer = of_run(rates=[0.001] * 30 + [0.0001] * 20, train=[0.5] * 50, val=[0.05] * 50)
    assert longer.share == 1.0, longer.reasons


@pytest.mark.parametrize(
    "changes",
    [
        {"settings": {**RECIPE, "optimizer": "SGD"}},
        {"settings": {**RECIPE, "optimizer lr": 0.01}},
        {"settings": {**RECIPE, "batch size": 128}},
        {"settings": {}},
        {"rates": [0.001] * 51, "train": [0.5] * 51, "val": [0.05] * 51},
        {"val": [0.1, 0.2, 0.3, 0.4, 0.4]},
    ],
)
def test_a_run_by_another_recipe(changes: dict[str, Any]) -> None:
    assert of_run(**changes).share == 0.0


def test_a_run_without_the_drop_earns_half() -> None:
    assert of_run(rates=[0.001] * 5).share == 0.5


def test_a_run_that_is_missing() -> None:
    assert TRIAL.refuses("test-run").share == 0.0


def of_overfitting(**changes: Any) -> Verdict:
    names = given()
    names["overfitting_figure"] = figure(training=TRAIN, validation=VALIDATION, gap=GAP)
    return TRIAL.verdict("test-overfitting", given={**names, **changes})


def test_the_figure_of_the_gap() -> None:
    assert of_overfitting().share == 1.0
    two, (left, right) = plt.subplots(1, 2)
    left.plot(TRAIN, label="train accuracy")
    left.plot(VALIDATION, label="val accuracy")
    right.plot(GAP, label="gap: train - val")
    for axes in (left, right):
        axes.set(xlabel="epoch", ylabel="accuracy")
        axes.legend()
    verdict = of_overfitting(overfitting_figure=two)
    assert verdict.share == 1.0, verdict.reasons


@pytest.mark.parametrize(
    "changes",
    [
        {"overfitting": {"running": 0.9, "training": 0.9, "validation": 0.4, "gap": 0.5}},
        {"overfitting": None},
        {"overfitting": {"running": "much"}},
        {"overfitting_figure": "a figure"},
        {"overfitting_figure": lambda: figure(training=TRAIN, validation=VALIDATION)},
        {"overfitting_figure": lambda: figure(training=VALIDATION, validation=TRAIN, gap=GAP)},
        {
            "overfitting_figure": lambda: figure(
                training=[100 * v for v in TRAIN],
                validation=[100 * v for v in VALIDATION],
                gap=[100 * v for v in GAP],
            )
        },
    ],
)
def test_a_wrong_figure_of_the_gap(changes: dict[str, Any]) -> None:
    drawn = {key: value() if callable(value) else value for key, value in changes.items()}
    assert of_overfitting(**drawn).share <= 0.5


def of_remedy(**changes: Any) -> Verdict:
    return TRIAL.verdict("test-remedy", given={**given(), **changes})


def test_a_remedy_measured_right() -> None:
    assert of_remedy().share == 1.0


def test_a_remedy_measured_wrong() -> None:
    gaps = given()["gaps"]
    swapped = {"resnet": gaps["remedy"], "remedy": gaps["resnet"]}
    assert of_remedy(gaps=swapped).share == 0.0
    assert of_remedy(gaps={**gaps, "remedy": gaps["resnet"]}).share == 0.5
    assert of_remedy(gaps=[]).share == 0.0
    for key in ("running", "training", "validation", "gap"):
        shifted = {**gaps["remedy"], key: gaps["remedy"][key] + 0.008}
        assert of_remedy(gaps={**gaps, "remedy": shifted}).share == 0.5
    assert of_remedy(gaps={**gaps, "remedy": dict.fromkeys(gaps["remedy"], math.nan)}).share == 0.5


def test_a_remedy_that_is_the_first_run_under_another_name() -> None:
    names = given()
    names["remedy_history"] = history("remedy")
    assert TRIAL.refuses("test-remedy", given=names).share == 0.0
    history("remedy", train=TRAIN[:3], val=VALIDATION[:3], rates=RATES[:3])
    assert TRIAL.refuses("test-remedy", given=names).share == 0.0


def test_a_remedy_with_the_weights_of_the_first_run() -> None:
    names = given()
    Path("remedy-best.safetensors").write_bytes(Path("resnet-best.safetensors").read_bytes())
    verdict = TRIAL.refuses("test-remedy", given={**names, "remedy": names["resnet"]})
    assert verdict.share == 0.0 and "the weights of the run resnet" in verdict.reasons[0]


def test_histories_that_promise_more_than_their_weights_do() -> None:
    names = given()
    history("resnet", val=[0.1, 0.2, 0.3, 0.4, 0.4])
    assert TRIAL.verdict("test-overfitting", given=names).share == 0.0
    names = given()
    history("remedy", train=[0.09, 0.3, 0.5, 0.6, 0.62], val=[0.1, 0.2, 0.3, 0.4, 0.5])
    assert TRIAL.verdict("test-remedy", given=names).share == 0.0


def holdout(name: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Two hundred images whose top left pixel tells the class, as far as `perceiving` goes."""
    labels = torch.arange(200) % 100
    pixels = torch.zeros(200, 3, 32, 32, dtype=torch.uint8)
    pixels[:, 0, 0, 0] = (2 * labels).to(torch.uint8)
    return pixels, labels


PERCEIVING = """
graded_run = "{run}"

class Perceiving(nn.Module):
    def __init__(self):
        super().__init__()
        self.right = nn.Parameter(torch.zeros(()))

    def forward(self, images):
        mean, std = (part[0] for part in lab.normalisation("cifar100"))
        found = (images[:, 0, 0, 0] * std + mean) * 127.5
        known = found < self.right - 0.5
        away = torch.arange(100) - torch.where(known, found, found - 1)[:, None]
        return -(away**2)

def build_graded():
    return Perceiving()
"""


@pytest.mark.parametrize(("right", "share"), [(0.05, 1.0), (0.04, 1.0), (0.03, 0.5), (0.02, 0.0)])
@pytest.mark.parametrize("run", ["resnet", "remedy"])
def test_the_limits_of_the_drawn_images(right: float, share: float, run: str) -> None:
    names = given()
    save_file({"right": torch.tensor(100 * right)}, f"{run}-best.safetensors")
    changed = {"graded": PERCEIVING.format(run=run)}
    verdict = TRIAL.verdict("test-accuracy", changed, names, holdout)
    assert verdict.share == share, verdict.reasons


@pytest.mark.parametrize("run", ["tuned", "../resnet", "", "resnet' + '"])
def test_only_the_two_runs_are_graded(run: str) -> None:
    given()
    changed = {"graded": PERCEIVING.format(run=run)}
    assert TRIAL.refuses("test-accuracy", changed, holdout=holdout).share == 0.0


def test_fifty_epochs_are_the_limit() -> None:
    given()
    history("resnet", train=[0.5] * 51, val=[0.5] * 51, rates=[0.001] * 51)
    save_file({"right": torch.tensor(100.0)}, "resnet-best.safetensors")
    changed = {"graded": PERCEIVING.format(run="resnet")}
    assert TRIAL.refuses("test-accuracy", changed, holdout=holdout).share == 0.0


def test_the_release_states_the_limits_that_are_graded() -> None:
    path = Path(TRIAL.source.path)
    text = " ".join("".join(c["source"]) for c in json.loads(path.read_text())["cells"])
    assert "**4 points from 52% on, 2 points from 46% on**" in " ".join(text.split())
    assert "{0.52: 1.0, 0.46: 0.5}" in text
