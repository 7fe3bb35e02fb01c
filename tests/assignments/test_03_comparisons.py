"""03, what compares runs: the table of final values, figures of the better model, and trials."""

from __future__ import annotations

import copy
from typing import Any

import matplotlib.pyplot as plt
import pytest
import torch
from matplotlib.figure import Figure
from torch import Tensor

from skipgrade import lab
from tests.assignments.cnn_design import MODELS, TRIAL, drawn, history, measured, write_run

# Part 4 -------------------------------------------------------------------------------------


@pytest.fixture
def both_runs() -> dict[str, lab.History]:
    runs = {}
    for name, build, _ in MODELS:
        torch.manual_seed(1)
        net = TRIAL.solution[build]()
        pixels, labels = (torch.cat(part) for part in zip(*first_test_batches(), strict=True))
        with torch.no_grad():
            test = float((net.eval()(pixels).argmax(1) == labels).float().mean())
        runs[name] = history(name, 10, 0.11 if name == "model-one" else 0.13)
        write_run(runs[name], net, test)
    return runs


def first_test_batches() -> list[tuple[Tensor, Tensor]]:
    batches = iter(lab.load("cifar10").test)
    return [next(batches), next(batches)]


TABLE = ("train_loss", "train_accuracy", "val_loss", "val_accuracy", "test_accuracy")


def table(runs: dict[str, lab.History], row: int | None = None) -> dict[str, dict[str, float]]:
    return {
        name: {
            column: measured(run)[column][run.best["epoch"] - 1 if row is None else row]
            for column in TABLE
        }
        for name, run in runs.items()
    }


def table_share(results: Any) -> float:
    return TRIAL.verdict("test-results", given={"results": results}).share


def test_the_table_of_final_values(both_runs: dict[str, lab.History]) -> None:
    right = table(both_runs)
    assert table_share(right) == 1
    rounded = {name: {k: round(v, 3) for k, v in row.items()} for name, row in right.items()}
    assert table_share(rounded | {"three-conv": {}}) == 1
    one_wrong = copy.deepcopy(right)
    one_wrong["model-one"]["val_loss"] = 0.1
    assert table_share(one_wrong) == pytest.approx(0.94)
    percent = copy.deepcopy(right)
    for row in percent.values():
        row.update({k: 100 * v for k, v in row.items() if "accuracy" in k})
    assert table_share(percent) <= 0.3
    assert table_share(table(both_runs, row=-1)) < 0.6  # the last epoch, not the one handed in
    assert table_share({"model-one": right["model-one"]}) == 0
    assert table_share(None) == 0


def test_a_test_accuracy_the_weights_do_not_have(both_runs: dict[str, lab.History]) -> None:
    run = both_runs["model-two"]
    write_run(run, TRIAL.solution["ModelTwo"](), test=0.86)
    assert table_share(table(both_runs)) == pytest.approx(0.8)


def test_a_row_counts_as_far_as_the_weights_do_what_the_history_says(
    both_runs: dict[str, lab.History],
) -> None:
    both_runs["model-one"] = history("model-one", 10, 0.6)
    write_run(both_runs["model-one"], TRIAL.solution["ModelOne"](), test=0.6)
    assert table_share(table(both_runs)) == pytest.approx(0.5)
    both_runs["model-two"] = history("model-two", 10, 0.7)
    write_run(both_runs["model-two"], TRIAL.solution["ModelTwo"](), test=0.7)
    assert table_share(table(both_runs)) == 0
    for quantity in ("accuracy", "loss"):
        assert best_share(quantity, "model-two", best_figures("model-two", quantity)) == 0


def best_figures(name: str, quantity: str, factor: int = 1) -> Figure:
    found = TRIAL.solution["curves"](name)
    return drawn(
        {
            part: [factor * value for value in found[f"{part}_{quantity}"]]
            for part in ("train", "val", "test")
        }
    )


def best_share(quantity: str, best_model: Any, figure: Any) -> float:
    given = {"best_model": best_model, f"{quantity}_figure": figure}
    return TRIAL.verdict(f"test-{quantity}-figure", given=given).share


@pytest.mark.parametrize("quantity", ["accuracy", "loss"])
def test_figures_of_the_better_model(both_runs: dict[str, lab.History], quantity: str) -> None:
    other = "loss" if quantity == "accuracy" else "accuracy"
    assert best_share(quantity, "model-two", best_figures("model-two", quantity)) == 1
    assert best_share(quantity, "model-two", best_figures("model-two", quantity).axes[0]) == 1
    assert best_share(quantity, "model-one", best_figures("model-one", quantity)) == 0.5
    assert best_share(quantity, "model-two", best_figures("model-one", quantity)) == 0
    assert best_share(quantity, "model-two", best_figures("model-two", other)) == 0
    for name in ("ModelTwo", None, ["model-two"], 2):
        assert best_share(quantity, name, best_figures("model-two", quantity)) == 0
    assert best_share(quantity, "model-two", plt.figure()) == 0


def test_accuracies_in_percent_are_as_good_as_fractions(both_runs: dict[str, lab.History]) -> None:
    assert best_share("accuracy", "model-two", best_figures("model-two", "accuracy", 100)) == 1
    assert best_share("loss", "model-two", best_figures("model-two", "loss", 100)) == 0


# Part 3: trials -----------------------------------------------------------------------------


def trial_runs(*names: str, epochs: int = 3, **settings: Any) -> dict[str, lab.History]:
    """Runs of ModelTwo, one rate each, beside its final one; all weights guess."""
    torch.manual_seed(0)
    net = TRIAL.solution["ModelTwo"]()
    write_run(history("model-two", 8, layers="two"), net)
    write_run(history("model-one", 8, layers="one"), TRIAL.solution["ModelOne"]())
    found = {}
    for number, name in enumerate(names):
        told = {"layers": "two", "optimizer lr": 0.1 * number, "seed": number, **settings}
        found[f"{name} changed"] = history(name, epochs, **told)
        write_run(found[f"{name} changed"], net)
    return found


def trials_share(runs: Any) -> float:
    return TRIAL.verdict("test-trials", given={"trials": runs}).share


def test_three_trials_that_differ_in_their_settings() -> None:
    assert trials_share(trial_runs("try-a", "try-b", "try-c", "try-d")) == 1
    others = trial_runs("try-a", "try-b", "try-c")
    other = next(iter(others.values()))
    other.settings["layers"] = "something smaller"
    other.write(f"{other.name}-history.json")
    assert trials_share(others) == 1, "trials of other networks, beside those as handed in"


def test_trials_that_compare_nothing() -> None:
    assert trials_share({}) == 0
    assert trials_share(trial_runs("try-a", "try-b")) == pytest.approx(2 / 3)
    assert trials_share(trial_runs("try-a", "other", "third")) == pytest.approx(1 / 3)
    same: dict[str, Any] = {"optimizer lr": 0.1}
    assert trials_share(trial_runs("try-a", "try-b", "try-c", **same)) == pytest.approx(1 / 3)
    assert trials_share(trial_runs("try-a", "try-b", "try-c", layers="others")) == 0
    assert trials_share(trial_runs("try-a", "try-b", "try-c", epochs=1)) == 0


def test_trials_of_other_lengths() -> None:
    runs = trial_runs("try-a", "try-b", "try-c")
    last = history("try-c", 5, layers="two")
    write_run(last, TRIAL.solution["ModelTwo"]())
    assert trials_share({**runs, "longer": last}) == pytest.approx(2 / 3)


def test_trials_whose_weights_are_not_theirs() -> None:
    runs = trial_runs("try-a", "try-b", "try-c")
    for run in runs.values():
        claim = history(run.name, 3, best=0.6, **run.settings)
        claim.write(f"{run.name}-history.json")
    assert trials_share(runs) == 0
