"""06, runs, errors and tiers: which right answers earn their points, which wrong ones do not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pytest
import torch
from safetensors.torch import save_file

from skipgrade import lab
from skipgrade.judging.verdict import Verdict
from skipgrade.lab.checkpoint import save_weights
from tests.assignments.depth import TINY, TRIAL

# 5: four runs and their figure -------------------------------------------------------------

NAMES = ("resnet18", "plain18", "resnet50", "plain50")
BUDGET = {"budget": "EPOCHS = {18: 3, 50: 3}\nWIDTH = {18: 1, 50: 1}\nBATCH = 64"}


def run(name: str, *, epochs: int = 3, best: float = 0.08, **settings: Any) -> lab.History:
    """Weights and a history as lab.fit would write them, without the training."""
    student = TRIAL.solution
    network = (student["ResNet18"] if "18" in name else student["ResNet50"])(1, "res" in name)
    usual = {
        "batch size": 64,
        "training images": 4500,
        "optimizer": "SGD",
        "optimizer lr": 0.1,
        "optimizer momentum": 0.9,
        "optimizer weight_decay": 1e-4,
        "schedule": "step_down",
        "parameters": sum(p.numel() for p in network.parameters()),
    }
    number = NAMES.index(name) if name in NAMES else 9
    rows = [
        {
            "epoch": epoch + 1,
            "train_loss": 2.0 - 0.3 * epoch - 0.1 * number,
            "train_accuracy": 0.3 + 0.1 * epoch,
            "val_loss": 1.9 - 0.2 * epoch - 0.1 * number,
            "val_accuracy": best - 0.01 * (epochs - 1 - epoch),
            "learning_rate": 0.1,
            "seconds": 1.0,
        }
        for epoch in range(epochs)
    ]
    history = lab.History(name, rows, {**usual, **settings})
    history.write(f"{name}-history.json")
    save_weights(network, Path(f"{name}-best.safetensors"))
    return history


def four_runs(**settings: dict[str, Any]) -> dict[str, lab.History]:
    return {name: run(name, **settings.get(name, {})) for name in NAMES}


def loss_figure(
    histories: dict[str, lab.History], *, parts: tuple[str, ...] = ("train",), labels: bool = True
) -> plt.Figure:
    figure, axes = plt.subplots()
    for name, history in histories.items():
        for part in parts:
            axes.plot(history["epoch"], history[f"{part}_loss"], label=f"{name} {part}")
    if labels:
        axes.set(xlabel="epoch", ylabel="loss")
        axes.legend()
    return figure


def compare(histories: dict[str, lab.History], figure: Any) -> Verdict:
    given = {"histories": histories, "loss_figure": figure}
    return TRIAL.verdict("test-comparison", BUDGET, given=given)


def test_figure_in_one_panel_or_by_the_lab() -> None:
    histories = four_runs()
    both = loss_figure(histories, parts=("train", "val"))
    for figure in (loss_figure(histories), both, lab.plot_history(*histories.values())):
        verdict = compare(histories, figure)
        assert verdict.share == 1.0, verdict.reasons


def test_wrong_figures() -> None:
    histories = four_runs()
    three = {name: histories[name] for name in NAMES[:3]}
    swapped = dict(zip(NAMES, [histories[name] for name in NAMES[::-1]], strict=True))
    for figure in (
        loss_figure(histories, parts=("val",)),
        loss_figure(three),
        loss_figure(histories, labels=False),
        loss_figure(swapped),
        plt.subplots()[0],
        "a figure",
        None,
    ):
        verdict = compare(histories, figure)
        assert verdict.share == 0.5 and verdict.reasons


@pytest.mark.parametrize(
    "settings",
    [
        {"plain18": {"epochs": 2}},
        {"plain50": {"optimizer lr": 0.01}},
        {"resnet18": {"batch size": 128}},
        {"resnet50": {"schedule": "cosine"}},
        {"plain18": {"parameters": 174_000}},
        {"resnet50": {"optimizer": "Adam"}},
        {name: {"epochs": 1} for name in NAMES},
    ],
)
def test_an_unfair_comparison_costs_half(settings: dict[str, dict[str, Any]]) -> None:
    histories = four_runs(**settings)
    verdict = compare(histories, loss_figure(histories))
    assert verdict.share == 0.5 and verdict.reasons


def test_another_recipe_for_both_of_a_depth_is_fair() -> None:
    other = {"epochs": 5, "optimizer lr": 0.05, "schedule": "cosine"}
    histories = four_runs(resnet18=other, plain18=other)
    verdict = compare(histories, loss_figure(histories))
    assert verdict.share == 1.0, verdict.reasons


def test_a_missing_run_earns_nothing() -> None:
    histories = four_runs()
    Path("plain50-history.json").unlink()
    verdict = compare(histories, loss_figure(histories))
    assert verdict.share == 0.0 and "plain50-history.json" in verdict.reasons[0]


def test_histories_that_promise_more_than_their_weights_do() -> None:
    """A quarter for each: all four cost everything, however they are drawn."""
    histories = four_runs(plain18={"best": 0.9})
    verdict = compare(histories, loss_figure(histories))
    assert verdict.share == 0.75 and "90.0%" in verdict.reasons[0]
    histories = four_runs(**{name: {"best": 0.9} for name in NAMES})
    assert compare(histories, loss_figure(histories)).share == 0.0


def test_weights_of_another_network() -> None:
    histories = four_runs()
    save_weights(TRIAL.solution["ResNet18"](2), Path("resnet18-best.safetensors"))
    verdict = compare(histories, loss_figure(histories))
    assert verdict.share == 0.75 and "does not fit" in verdict.reasons[0]


# 6: test errors and the tiers --------------------------------------------------------------


@pytest.fixture
def networks() -> dict[str, torch.nn.Module]:
    torch.manual_seed(0)
    student = TRIAL.student(TINY)
    return {name: student["build"](name).eval() for name in NAMES}


def hand_in_errors(networks: dict[str, torch.nn.Module]) -> dict[str, float]:
    """Weights and prediction files of four untrained networks; returns their test errors."""
    pixels, truth = lab.raw("cifar10", "test")
    mean, std = (torch.tensor(part).view(3, 1, 1) for part in lab.normalisation("cifar10"))
    errors = {}
    for name, network in networks.items():
        save_weights(network, Path(f"{name}-best.safetensors"))
        with torch.no_grad():
            batches = ((pixels.float() / 255 - mean) / std).split(500)
            predicted = torch.cat([network(batch).argmax(1) for batch in batches])
        lab.write_predictions(f"{name}-predictions.csv", predicted)
        errors[name] = float((predicted != truth).float().mean())
    return errors


def errors_verdict(errors: Any) -> Verdict:
    given = {"test_errors": errors, "histories": {}}
    return TRIAL.verdict("test-errors-table", TINY, given=given)


def test_errors_are_compared_with_files_and_files_with_weights(
    networks: dict[str, torch.nn.Module],
) -> None:
    errors = hand_in_errors(networks)
    assert errors_verdict(errors).share == 1.0, errors_verdict(errors).reasons
    tensors = {name: torch.tensor(error) for name, error in errors.items()}
    assert errors_verdict(tensors).share == 1.0
    for wrong in (
        {name: 100 * error for name, error in errors.items()},
        {name: 1 - error for name, error in errors.items()},
        dict.fromkeys(errors, float("nan")),
    ):
        assert errors_verdict(wrong).share == 0.5
    for nothing in ({}, None, dict.fromkeys(errors, "8 %")):
        assert errors_verdict(nothing).share == 0.0


def test_errors_counted_while_it_is_graded_are_right_too(
    networks: dict[str, torch.nn.Module],
) -> None:
    """The labels a submission is shown then are those of the stand-in, not the test images'."""
    errors = hand_in_errors(networks)
    shown = lab.raw("cifar10", "stand-in")[1]
    files = {name: lab.read_predictions(f"{name}-predictions.csv") for name in NAMES}
    counted = {name: float((file != shown).float().mean()) for name, file in files.items()}
    assert errors_verdict(counted).share == 1.0, errors_verdict(counted).reasons
    assert errors_verdict(counted | {"plain50": errors["plain50"]}).share == 0.5


def test_weights_that_are_no_numbers_or_not_there(networks: dict[str, torch.nn.Module]) -> None:
    errors = hand_in_errors(networks)
    broken = {key: tensor * torch.nan for key, tensor in networks["plain18"].state_dict().items()}
    save_file(broken, "plain18-best.safetensors")
    assert errors_verdict(errors).share == 0.0
    Path("plain18-best.safetensors").unlink()
    assert errors_verdict(errors).share == 0.0


def test_made_up_predictions_cost_half(networks: dict[str, torch.nn.Module]) -> None:
    errors = hand_in_errors(networks)
    lab.write_predictions("plain50-predictions.csv", lab.raw("cifar10", "test")[1])
    verdict = errors_verdict(errors | {"plain50": 0.0})
    assert verdict.share == 0.5 and "plain50" in verdict.reasons[0]
    lab.write_predictions("plain50-predictions.csv", torch.zeros(7, dtype=torch.int64))
    assert errors_verdict(errors).share == 0.0


# Reads the label off the first pixel; errs on the images whose second pixel says so.
MARKED = """
class Marked(nn.Module):
    def __init__(self, network):
        super().__init__()
        self.network = network
    def forward(self, x):
        label = x[:, 0, 0, 0] * 255
        wrong = (x[:, 1, 0, 0] > 0.5).float()
        used = sum(parameter.sum() for parameter in self.network.parameters())
        away = torch.arange(10) - (label + (1 - 10 * (label > 8.5)) * wrong)[:, None]
        return 0 * used - away**2
def test_transform(image):
    return transforms.functional.to_tensor(image)
FINAL = {final!r}
def build_final():
    return Marked({network})
"""


def final_verdict(
    monkeypatch: pytest.MonkeyPatch,
    correct: int,
    *,
    total: int = 10_000,
    source: str = "official",
    network: str = "ResNet18(width=16)",
    final: str = "resnet18",
    epochs: int = 5,
) -> Verdict:
    """The verdict on a network that is right about `correct` of `total` images."""
    row = {
        "train_loss": 1.0, "train_accuracy": 0.5, "val_loss": 1.0, "val_accuracy": 0.5,
        "learning_rate": 0.1, "seconds": 1.0,
    }  # fmt: skip
    rows = [{"epoch": number, **row} for number in range(1, epochs + 1)]
    lab.History(final, rows).write(Path(f"{final}-history.json"))
    labels = torch.arange(total) % 10
    pixels = torch.zeros(total, 3, 8, 8, dtype=torch.uint8)
    pixels[:, 0, 0, 0] = labels.to(torch.uint8)
    order = torch.randperm(total, generator=torch.Generator().manual_seed(correct))
    pixels[order[correct:], 1, 0, 0] = 255
    code = MARKED.format(final=final, network=network)
    student = TRIAL.student({"final": code})
    assert TRIAL.solution, "run before the images are normalised otherwise"
    save_weights(student["build_final"](), Path(f"{final}-best.safetensors"))
    monkeypatch.setattr(lab, "source", lambda: source)
    monkeypatch.setattr(lab, "normalisation", lambda name: ((0.0,) * 3, (1.0,) * 3))
    return TRIAL.verdict("test-accuracy", {"final": code}, holdout=lambda name: (pixels, labels))


@pytest.mark.parametrize(
    ("correct", "points"),
    [
        (10_000, 20),
        (8_901, 20),
        (8_900, 18),  # exactly 89 % is not above 89 %
        (8_800, 18),
        (8_799, 16),
        (8_500, 16),
        (8_499, 14),
        (5_000, 14),
        (1_001, 14),
        (1_000, 0),  # exactly 10 % is guessing
        (999, 0),
        (0, 0),
    ],
)
def test_tiers(monkeypatch: pytest.MonkeyPatch, correct: int, points: float) -> None:
    verdict = final_verdict(monkeypatch, correct)
    assert 20 * verdict.share == pytest.approx(points), verdict
    assert bool(verdict.reasons) == (points < 20)


@pytest.mark.parametrize(
    ("network", "epochs", "correct", "points"),
    [
        ("ResNet18(width=15)", 5, 8_499, 0),
        ("ResNet18(width=16)", 4, 8_499, 0),
        ("ResNet50(width=16)", 5, 1_001, 14),
        ("ResNet18(width=15)", 5, 8_500, 16),  # what reaches 85 % has shown enough
        ("ResNet18(width=16)", 4, 8_901, 20),
    ],
)
def test_the_lowest_tier_is_for_runs_of_some_substance(
    monkeypatch: pytest.MonkeyPatch, network: str, epochs: int, correct: int, points: float
) -> None:
    verdict = final_verdict(monkeypatch, correct, network=network, epochs=epochs)
    assert 20 * verdict.share == pytest.approx(points), verdict


def test_strictness_holds_for_any_number_of_images(monkeypatch: pytest.MonkeyPatch) -> None:
    assert final_verdict(monkeypatch, 1_780, total=2_000).share == pytest.approx(0.9)
    assert final_verdict(monkeypatch, 1_781, total=2_000).share == 1.0
    assert final_verdict(monkeypatch, 200, total=2_000).share == 0.0
    assert final_verdict(monkeypatch, 201, total=2_000).share == pytest.approx(0.7)


def test_tiers_of_the_drawn_images(monkeypatch: pytest.MonkeyPatch) -> None:
    def earned(correct: int) -> float:
        return final_verdict(monkeypatch, correct, total=2_000, source="builtin").share

    counts = [340, 339, 300, 299, 260, 259, 240, 239]
    shares = [1.0, 0.9, 0.9, 0.8, 0.8, 0.7, 0.7, 0.0]
    assert [earned(count) for count in counts] == pytest.approx(shares)


@pytest.mark.parametrize(
    ("network", "final", "share"),
    [
        ("ResNet50(width=1)", "resnet50", 1.0),
        ("ResNet18(width=2)", "final", 1.0),
        ("ResNet18(width=1, shortcut=False)", "resnet18", 0.0),
        ("ResNet50(width=1, shortcut=False)", "resnet50", 0.0),
        ("nn.Linear(4, 10)", "final", 0.0),
        ("nn.Conv2d(3, 8, 3)", "final", 0.0),
        ("ResNet18(width=1)", "plain18", 0.0),
    ],
)
def test_only_a_residual_network_counts(
    monkeypatch: pytest.MonkeyPatch, network: str, final: str, share: float
) -> None:
    verdict = final_verdict(monkeypatch, 10_000, network=network, final=final)
    assert verdict.share == share, verdict


@pytest.mark.parametrize(
    "code",
    [
        "FINAL = ''",
        "FINAL = None\nbuild_final = None",
        "FINAL = 'resnet18'\nbuild_final = lambda: 3",
        "FINAL = ['resnet18']\nbuild_final = lambda: build('resnet18')",
        "FINAL = 'resnet18'\nbuild_final = lambda: build('resnet18')",
    ],
)
def test_no_network_no_points(code: str) -> None:
    verdict = TRIAL.refuses("test-accuracy", {"final": code})
    assert verdict.share == 0.0, verdict.reasons
