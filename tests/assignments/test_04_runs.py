"""Assignment 04: which figures and runs earn points, and which lose them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import matplotlib.pyplot as plt
import pytest
import torch
from matplotlib.figure import Figure
from safetensors.torch import save_file
from torch import nn

from skipgrade import lab
from skipgrade.judging.verdict import Verdict
from tests.assignments import mistakes
from tests.assignments.variants import Assignment

TRIAL = Assignment("04-plain-residual-mobile")
# Cells that take time and that these tests do not need: every verdict runs the whole notebook.
IDLE = dict.fromkeys(mistakes.IDLE["04"], "")

# Runs, and what is drawn of them --------------------------------------------------------------

SETTINGS = {
    "optimizer": "SGD", "optimizer lr": 0.1, "schedule": "_one_cycle(max_lr=0.1, warm=0.3)",
    "batch size": 32, "training images": 10_000,
}  # fmt: skip
COSTS = {
    "plain": (179_340, 8_989_028),
    "residual": (182_252, 9_101_668),
    "mobile": (31_428, 2_200_420),
}
PAPER_NAMES = {"plain": "PlainNet18", "residual": "ResNet18"}
NETWORKS = {"plain": "PlainNet18", "residual": "ResNet18", "mobile": "MobileNet18"}
SWAPPED = {"plain": "residual", "residual": "plain"}
Histories = dict[str, lab.History]


def history(
    name: str, start: float, *, epochs: int = 4, scale: float = 1, **changed: Any
) -> lab.History:
    rows = [
        {
            "epoch": number, "train_loss": start / number, "train_accuracy": 0.11 * number,
            "val_loss": 1.1 * start / number, "val_accuracy": scale * 0.016 * start * number / 4,
            "learning_rate": 0.1, "seconds": 1.0,
        }
        for number in range(1, epochs + 1)
    ]  # fmt: skip
    run = lab.History(name, rows, SETTINGS | changed)
    run.write(f"{name}-history.json")
    return run


def fresh(name: str) -> nn.Module:
    torch.manual_seed(0)
    net: nn.Module = TRIAL.solution[NETWORKS[name]](width=TRIAL.solution["WIDTH"]).eval()
    return net


@pytest.fixture
def runs() -> Histories:
    """Three runs that promise little more than guessing, with weights that do as much."""
    starts = {"plain": 4.5, "residual": 4.1, "mobile": 4.8}
    for name in starts:
        save_file(fresh(name).state_dict(), f"{name}-best.safetensors")
    return {name: history(name, start) for name, start in starts.items()}


def curves(runs: Histories, names: list[str], rows: int = 1, **other: Any) -> Figure:
    """Loss on one panel, accuracy on the other; `other` is what a variant does differently."""
    scale, loss = other.get("scale", 1), other.get("loss", "train_loss")
    figure, panels = plt.subplots(rows, 2, squeeze=False)
    for name in names:
        label = other.get("labels", {}).get(name, name)
        left = runs[name][loss]
        right = [scale * value for value in runs[name]["val_accuracy"]]
        panels[0][0].plot(left, label=label)
        panels[0][1].plot(range(1, len(right) + 1), right, label=label)
    panels[0][0].set(xlabel="epoch", ylabel="training loss")
    panels[0][1].set(xlabel="Epochs", ylabel="test accuracy")
    if other.get("legend", True):
        panels[0][1].legend()
    return figure


def twin(runs: Histories, names: list[str]) -> Figure:
    figure, left = plt.subplots()
    right = left.twinx()
    for name in names:
        left.plot(runs[name]["train_loss"], "--", label=f"{name}: training loss")
        right.plot(runs[name]["val_accuracy"], label=f"{name}: test accuracy")
    left.set(xlabel="epoch", ylabel="loss")
    right.set(ylabel="accuracy")
    figure.legend()
    left.legend()
    return figure


def costs_drawn(runs: Histories, how: Callable[[Any, list[str], list[float]], Any], unit: float,
                names: tuple[str, ...] = ("plain", "mobile")) -> Figure:  # fmt: skip
    figure = curves(runs, list(names), rows=2)
    for place, title in ((0, "parameters"), (1, "MACs")):
        axes = figure.get_axes()[2 + place]
        how(axes, list(names), [COSTS[name][place] / unit for name in names])
        axes.set_title(title)
    return figure


def bars(axes: Any, names: list[str], values: list[float]) -> None:
    axes.bar(names, values)


def in_millions(axes: Any, names: list[str], values: list[float]) -> None:
    for place, (name, value) in enumerate(zip(names, values, strict=True)):
        axes.bar(place, value / 1e6, label=name)
    axes.set_xticks([])
    axes.legend()


def titled_at_the_left(figure: Figure) -> Figure:
    for axes in figure.get_axes():
        axes.set_title(axes.get_title() or axes.get_ylabel(), loc="left")
        axes.set(title="", xlabel="", ylabel="")
    return figure


def retitled(figure: Figure, *titles: str) -> Figure:
    for axes, title in zip(figure.get_axes()[2:], titles, strict=True):
        axes.set_title(title)
    return figure


def named_epochs(runs: Histories, name: str) -> Figure:
    """Named below the figure, not below its panels."""
    figure = curves(runs, ["plain"])
    for axes in figure.get_axes():
        axes.set_xlabel("")
    figure.supxlabel(name)
    return figure


def noted(figure: Figure) -> Figure:
    from matplotlib.patches import Ellipse

    figure.get_axes()[2].add_patch(Ellipse((0.0, 0.1), 0.2, 0.1))
    return figure


def turned(how: str) -> Callable[[Any, list[str], list[float]], Any]:
    """Drawn with each other's values."""
    return lambda axes, names, values: getattr(axes, how)(names, values[::-1])


RIGHT_FIGURES: dict[str, tuple[str, Callable[[Histories], Figure]]] = {
    "two panels": ("plain", lambda r: curves(r, ["plain"])),
    "no legend": ("plain", lambda r: curves(r, ["plain"], legend=False)),
    "percent": ("plain", lambda r: curves(r, ["plain"], scale=100)),
    "two axes of one panel": ("plain", lambda r: twin(r, ["plain"])),
    "the lab's": ("plain", lambda r: lab.plot_history(r["plain"])),
    "both": ("pair", lambda r: curves(r, ["plain", "residual"])),
    "both, other names": (
        "pair", lambda r: curves(r, ["residual", "plain"], labels=PAPER_NAMES),
    ),
    "both in percent": (
        "pair", lambda r: curves(r, ["plain", "residual"], scale=100),
    ),
    "all three": ("pair", lambda r: curves(r, list(r))),
    "both, two axes": ("pair", lambda r: twin(r, ["plain", "residual"])),
    "both, the lab's": (
        "pair", lambda r: lab.plot_history(r["plain"], r["residual"]),
    ),
    "millions": ("mobile", lambda r: costs_drawn(r, bars, 1e6)),
    "plain numbers on a logarithmic axis": (
        "mobile", lambda r: costs_drawn(r, lambda axes, n, v: axes.bar(n, v, log=True), 1),
    ),
    "bars that lie": (
        "mobile", lambda r: costs_drawn(r, lambda axes, n, v: axes.barh(n, v), 1e3),
    ),
    "dots": (
        "mobile", lambda r: costs_drawn(r, lambda axes, n, v: axes.scatter(n, v), 1e9),
    ),
    "crosses": (
        "mobile", lambda r: costs_drawn(r, lambda axes, n, v: axes.plot(n, v, "x"), 1e6),
    ),
    "hundreds of thousands": ("mobile", lambda r: costs_drawn(r, bars, 1e5)),
    "a bar at a time, named in a legend": (
        "mobile", lambda r: costs_drawn(r, in_millions, 1),
    ),
    "titles at the left": (
        "mobile", lambda r: titled_at_the_left(costs_drawn(r, bars, 1e6)),
    ),
    "German titles": (
        "mobile", lambda r: retitled(costs_drawn(r, bars, 1e3), "Anzahl Parameter", "MFLOPs"),
    ),
    "something round a bar": ("mobile", lambda r: noted(costs_drawn(r, bars, 1e6))),
    "epochs of the whole figure": ("plain", lambda r: named_epochs(r, "Epoch")),
    "epochs in French": ("plain", lambda r: named_epochs(r, "époque")),
    "épocas": ("plain", lambda r: named_epochs(r, "Número de épocas")),
    "all three with costs": (
        "mobile", lambda r: costs_drawn(r, bars, 1e6, ("plain", "residual", "mobile")),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", RIGHT_FIGURES)
def test_figures_may_be_drawn_in_many_ways(name: str, runs: Histories) -> None:
    which, draw = RIGHT_FIGURES[name]
    found = verdict_on(f"test-{which}-figure", draw(runs), runs)
    assert found.share == 1.0, found.reasons
    assert not TRIAL.errors


WRONG_FIGURES: dict[str, tuple[str, float, Callable[[Histories], Any]]] = {
    "bars under each other's names": (
        "mobile", 0.75,
        lambda r: costs_drawn(r, lambda axes, n, v: axes.bar(n, v[::-1]), 1e6),
    ),
    "lying bars under each other's names": (
        "mobile", 0.75, lambda r: costs_drawn(r, turned("barh"), 1e6),
    ),
    "dots over each other's names": (
        "mobile", 0.75, lambda r: costs_drawn(r, turned("scatter"), 1e3),
    ),
    "stems over each other's names": (
        "mobile", 0.75, lambda r: costs_drawn(r, turned("stem"), 1e6),
    ),
    "each other's names in the legend": (
        "mobile", 0.75,
        lambda r: costs_drawn(r, lambda axes, n, v: in_millions(axes, n, v[::-1]), 1),
    ),
    "each other's titles": (
        "mobile", 0.75, lambda r: retitled(costs_drawn(r, bars, 1e6), "MACs", "parameters"),
    ),
    "parameters twice": (
        "mobile", 0.5,
        lambda r: costs_drawn(
            r, lambda axes, n, v: axes.bar(n, [COSTS[one][0] / 1e6 for one in n]), 1
        ),
    ),
    "one network's costs": (
        "mobile", 0.5, lambda r: costs_drawn(r, lambda axes, n, v: axes.bar(n[:1], v[:1]), 1e6),
    ),
    "steps for epochs": ("plain", 0.75, lambda r: named_epochs(r, "step")),
    "nothing drawn": ("plain", 0, lambda r: plt.figure()),
    "no figure": ("plain", 0, lambda r: None),
    "test loss": (
        "plain", 0, lambda r: curves(r, ["plain"], loss="val_loss"),
    ),
    "another network": ("plain", 0, lambda r: curves(r, ["mobile"])),
    "one network": ("pair", 0, lambda r: curves(r, ["residual"])),
    "no legend for two": (
        "pair", 0, lambda r: curves(r, ["plain", "residual"], legend=False),
    ),
    "labels swapped": (
        "pair", 0,
        lambda r: curves(r, ["plain", "residual"], labels=SWAPPED),
    ),
    "shortcuts where there are none": (
        "pair", 0,
        lambda r: curves(
            r, ["plain", "residual"],
            labels={"plain": "with shortcuts", "residual": "without shortcuts"},
        ),
    ),
    "no costs": (
        "mobile", 0.5, lambda r: curves(r, ["plain", "mobile"]),
    ),
    "costs without curves": (
        "mobile", 0.5,
        lambda r: costs_drawn(r | {"plain": r["residual"]}, bars, 1e6),
    ),
    "costs rounded away": (
        "mobile", 0.5,
        lambda r: costs_drawn(r, lambda axes, n, v: axes.bar(n, [round(x, 1) for x in v]), 1e6),
    ),
    "one panel nobody names": (
        "mobile", 0.75, lambda r: _unnamed(costs_drawn(r, bars, 1e6)),
    ),
}  # fmt: skip


def _unnamed(figure: Figure) -> Figure:
    figure.get_axes()[3].set_title("")
    return figure


def verdict_on(grade_id: str, figure: Any, runs: Histories) -> Verdict:
    given = {f"{name}_history": run for name, run in runs.items()} | {"costs": COSTS}
    given[grade_id.removeprefix("test-").replace("-", "_")] = figure
    found = TRIAL.verdict(grade_id, IDLE, given)
    assert not found.internal_error, found.internal_error
    return found


@pytest.mark.parametrize("name", WRONG_FIGURES)
def test_figures_that_show_something_else_lose_points(name: str, runs: Histories) -> None:
    which, left, draw = WRONG_FIGURES[name]
    found = verdict_on(f"test-{which}-figure", draw(runs), runs)
    assert found.share == left, found.reasons


@pytest.mark.parametrize("other", ["residual", "mobile"])
@pytest.mark.parametrize("change", [{"epochs": 3}, {"optimizer lr": 0.05}, {"batch size": 64}])
def test_runs_that_differ_in_more_than_the_network_are_no_comparison(
    other: str, change: dict[str, Any], runs: Histories
) -> None:
    runs[other] = history(other, 4.1, **change)
    if other == "residual":
        found = verdict_on("test-pair-figure", curves(runs, ["plain", "residual"]), runs)
    else:
        found = verdict_on("test-mobile-figure", costs_drawn(runs, bars, 1e6), runs)
    assert found.share == 0.5, found.reasons


@pytest.mark.parametrize(("which", "promised"), [("plain", "plain"), ("pair", "residual"),
                                                 ("mobile", "mobile")])  # fmt: skip
def test_a_history_is_believed_as_far_as_its_weights_go(
    which: str, promised: str, runs: Histories
) -> None:
    """A figure of a run that never was earns nothing, however well it is drawn."""
    runs[promised] = history(promised, 4.1, scale=10)
    draw = {"plain": lambda: curves(runs, ["plain"]),
            "pair": lambda: curves(runs, ["plain", "residual"]),
            "mobile": lambda: costs_drawn(runs, bars, 1e6)}[which]  # fmt: skip
    found = verdict_on(f"test-{which}-figure", draw(), runs)
    assert found.share == 0.0
    assert "do what its history says" in found.reasons[-1]
