"""What a lying process earns in 03: nothing without functions, networks and files of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from skipgrade import lab
from skipgrade.judging.files import HandIn
from tests.assignments.cnn_design import TRIAL, drawn, history, labelled_by, write_run
from tests.forged import says
from tests.forged.liars import replayed

CELLS = list(TRIAL.source.tests)
NAMED: dict[str, float] = {}  # cell -> the share that hangs on the process's word
STUBS = dict.fromkeys(TRIAL.cells, "pass")
RUNS = {"three-conv": "ThreeConvNet", "model-one": "ModelOne", "model-two": "ModelTwo"}
FIGURES = {"three_conv_figure": ("three-conv", "loss"), "accuracy_figure": ("model-two", "accuracy"),
           "loss_figure": ("model-two", "loss")}  # fmt: skip


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A hand-in whose histories say what its weights do: they guess."""
    folder = tmp_path_factory.mktemp("files")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for number, (name, build) in enumerate(RUNS.items()):
            torch.manual_seed(number)
            net = TRIAL.solution[build]()
            data = lab.load("cifar10")
            best, test = (lab.evaluate(net, part)[1] for part in (data.val, data.test))
            write_run(history(name, 8, best + (0.02 if name == "model-two" else 0.0)), net, test)
    return folder


def given(folder: Path) -> dict[str, Any]:
    """What a notebook holds that has drawn and tabled the runs in its folder."""
    names = {name: lab.History.read(folder / f"{name}-history.json") for name in RUNS}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        found = {name: TRIAL.solution["curves"](name) for name in RUNS}
    rows = {
        name: {column: curve[names[name].best["epoch"] - 1] for column, curve in curves.items()}
        for name, curves in found.items()
    }
    parts = ("train", "val", "test")
    return {
        "three_conv_history": names["three-conv"],
        "one_history": names["model-one"],
        "two_history": names["model-two"],
        "three_conv_accuracies": {
            word: rows["three-conv"][f"{part}_accuracy"]
            for word, part in zip(("training", "validation", "test"), parts, strict=True)
        },
        "results": rows,
        "best_model": "model-two",
    } | {
        figure: drawn({part: found[name][f"{part}_{what}"] for part in parts})
        for figure, (name, what) in FIGURES.items()
    }


def holdout(cell: str, files: Path) -> Any:
    """Images of which the network that the cell is about has nine in ten right."""
    name = {"test-model-one": "model-one", "test-model-two": "model-two"}.get(cell, "three-conv")
    net = TRIAL.solution[RUNS[name]]()
    net.load_state_dict(load_file(files / f"{name}-best.safetensors"))
    torch.manual_seed(0)
    return labelled_by(net, 0.9)


@pytest.mark.parametrize("handed_in", ["nothing", "everything"])
@pytest.mark.parametrize("cell", CELLS)
def test_replayed_answers(files: Path, tmp_path: Path, cell: str, handed_in: str) -> None:
    """Answers that were right in another grading; stubs for a notebook, and with another's files
    beside them."""
    right, wrong = replayed(
        TRIAL, cell, files, tmp_path, make_given=given, holdout=holdout(cell, files),
        handed_in=files if handed_in == "everything" else None,
    )  # fmt: skip
    assert right.share == 1.0, right
    assert wrong.share == NAMED.get(cell, 0.0), wrong


@pytest.mark.parametrize("word", says.ALL)
@pytest.mark.parametrize("cell", CELLS)
def test_one_answer_for_everything(files: Path, cell: str, word: str) -> None:
    """Beside a right hand-in's files, but with stubs for a notebook."""
    verdict = TRIAL.verdict(
        cell, STUBS, folder=files, party=lambda _: says.Says(word), holdout=holdout(cell, files),
        handed_in=HandIn(files, None, "mark"),
    )  # fmt: skip
    assert verdict.share == 0.0, verdict
