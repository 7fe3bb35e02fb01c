"""02, what training leaves behind: which tables, figures and files earn their points?"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pytest

from tests.assignments import tuning
from tests.assignments.cnn_design import labelled_by
from tests.assignments.tuning import TRIAL, curves


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    tuning.write_runs(folder)
    return folder


@pytest.fixture
def files(kept: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(kept, tmp_path / "runs"))


SWEEPS = {"bn": "test-bn-evidence", "lr": "test-lr-sweep", "l2": "test-l2-sweep"}


def earned(cell: str, files: Path, right: float = 0.8, **given: Any) -> float:
    net = tuning.trained("LeNet5Swish")[0]
    found = {**tuning.results(files), **given}
    return TRIAL.verdict(cell, folder=files, given=found, holdout=labelled_by(net, right)).share


def rewrite(path: Path, **changes: Any) -> None:
    content = json.loads(path.read_text())
    for key, value in changes.items():
        content[key] = value(content[key])
    path.write_text(json.dumps(content))


@pytest.mark.parametrize("part", SWEEPS)
def test_tables_and_figures(part: str, files: Path) -> None:
    cell, cost = SWEEPS[part], {"bn": 0.4}.get(part, 0.5)
    told = tuning.results(files)
    table, runs = told[f"{part}_results"], told[f"{part}_runs"]
    values = {key: run["val_accuracy"] for key, run in runs.items()}
    first = next(iter(table))

    def earned_with(kind: str, value: Any) -> float:
        return earned(cell, files, **{f"{part}_{kind}": value})

    assert earned(cell, files) == 1
    rounded = {key: round(value, 3) for key, value in table.items()}
    assert earned_with("results", rounded) == 1
    assert earned_with("figure", curves(values)) == 1
    wrong: list[Any] = [
        {key: 100 * value for key, value in table.items()},
        {**table, first: table[first] + 0.01},
        {**table, first: float("nan")},
    ]
    for other in wrong:
        assert earned_with("results", other) == pytest.approx(1 - cost)
    for other in ({}, None, {**table, first: "much"}):
        assert earned_with("results", other) <= 1 - cost
    for figure in (
        curves({key: run["val_loss"] for key, run in runs.items()}),
        curves({key: values[key] for key in list(values)[1:]}),
        curves({key: [100 * one for one in value] for key, value in values.items()}),
        plt.figure(),
        None,
    ):
        assert earned_with("figure", figure) == pytest.approx(1 - {"bn": 0.3}.get(part, 0.5))


@pytest.mark.parametrize(
    ("cell", "run"),
    [("test-bn-evidence", "bn-small"), ("test-lr-sweep", "lr-0.01"), ("test-l2-sweep", "l2-0.0")],
)
def test_runs_that_differ_in_more(cell: str, run: str, files: Path) -> None:
    path = files / f"{run}-history.json"
    right = path.read_text()
    rewrite(path, settings=lambda s: {**s, "optimizer lr": 0.3, "optimizer weight_decay": 0.3})
    assert earned(cell, files) == 0
    for odd in ("0.01", [1], None):
        path.write_text(right)
        rewrite(path, settings=lambda s, odd=odd: dict.fromkeys(s, odd))
        assert earned(cell, files) == 0
    path.write_text(right)
    rewrite(path, epochs=lambda rows: rows[:-1])
    assert earned(cell, files) == 0


def test_a_run_that_breaks_down_at_once_counts_as_guessing(files: Path) -> None:
    rewrite(files / "plain-large-history.json", epochs=lambda rows: [], stopped=lambda s: "NaN")
    (files / "plain-large-best.safetensors").unlink()
    assert tuning.results(files)["bn_results"]["plain-large"] == 0.1
    assert earned("test-bn-evidence", files) == 1


def test_a_gap_that_is_claimed_but_not_there(files: Path) -> None:
    shutil.copy(files / "plain-large-history.json", files / "bn-large-history.json")
    rewrite(files / "bn-large-history.json", settings=lambda s: {**s, "parameters": 62_232})
    assert earned("test-bn-evidence", files) == 0
    shutil.copy(files / "bn-small-history.json", files / "plain-large-history.json")
    rewrite(
        files / "plain-large-history.json",
        settings=lambda s: {**s, "parameters": 62_006, "optimizer lr": 0.2},
    )
    assert earned("test-bn-evidence", files) == 0  # the weights of plain-large only guess


def test_tuned(files: Path) -> None:
    assert earned("test-tuned", files, right=0.75) == 1
    assert earned("test-tuned", files, right=0.68) == 0.5
    assert earned("test-tuned", files, right=0.6) == 0
    large = {
        "build-tuned": "def build_tuned(): return nn.Sequential(LeNet5Swish(), nn.Linear(10, 900))"
    }
    found, net = tuning.results(files), tuning.trained("LeNet5Swish")[0]
    assert TRIAL.verdict("test-tuned", large, folder=files, given=found).share == 0
    frozen = {"build-tuned": (
        "def build_tuned():\n    net = LeNet5Swish()\n    net.more = nn.Linear(100, 100)\n"
        "    net.more.requires_grad_(False)\n    return net")}  # fmt: skip
    assert TRIAL.verdict("test-tuned", frozen, folder=files, given=found).share == 0
    rewrite(
        files / "tuned-history.json",
        epochs=lambda rows: [{**rows[0], "epoch": number} for number in range(1, 102)],
    )
    holdout = labelled_by(net, 0.9)
    assert TRIAL.verdict("test-tuned", folder=files, given=found, holdout=holdout).share == 0


def test_sparsity(files: Path) -> None:
    cell, told = "test-bonus-weights", tuning.results(files)["sparsity"]
    assert earned(cell, files) == 1
    assert earned(cell, files, weights_figure=plt.figure()) == 0.5
    for wrong in (
        {key: 100 * share for key, share in told.items()},
        {"L1": told["L2"], "L2": told["L1"]},
        {"L1": float("nan"), "L2": told["L2"]},
    ):
        assert earned(cell, files, sparsity=wrong) == 0.5
    rewrite(files / "l2-history.json", settings=lambda s: {**s, "optimizer weight_decay": 0.0})
    assert earned(cell, files) == 0
    rewrite(files / "l2-history.json", settings=lambda s: {**s, "optimizer weight_decay": 1e-3})
    shutil.copy(files / "l2-best.safetensors", files / "l1-best.safetensors")
    assert earned(cell, files) == 0
