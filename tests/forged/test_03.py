"""What a lying process earns in 03: nothing without functions, networks and files of its own."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from skipgrade import lab
from skipgrade.judging.judge.answerers import QUESTION_TIMEOUT_S, LocalNotebook
from skipgrade.judging.judge.handed_in import HandedIn
from tests.assignments.cnn_design import TRIAL, drawn, history, labelled_by, write_run
from tests.forged import says
from tests.forged.liars import PROGRAMS, replayed

CELLS = list(TRIAL.source.tests)
OF_RUNS = ["test-three-conv-figure", "test-accuracies", "test-model-one", "test-model-two",
           "test-trials", "test-results", "test-accuracy-figure", "test-loss-figure"]  # fmt: skip
NAMED: dict[str, float] = {}  # cell -> the share that hangs on the process's word
STUBS = dict.fromkeys(TRIAL.cells, "pass")
RUNS = {"three-conv": "ThreeConvNet", "model-one": "ModelOne", "model-two": "ModelTwo"}
TRIALS = ("try-a", "try-b", "try-c")  # of ModelTwo, each at another rate
FIGURES = {
    "three_conv_figure": ("three-conv", "loss"),
    "accuracy_figure": ("model-two", "accuracy"),
    "loss_figure": ("model-two", "loss"),
}


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
            best += 0.02 if name == "model-two" else 0.0
            write_run(history(name, 8, best, layers=build), net, test)
        write_trials(net, best)
    return folder


def write_trials(net: torch.nn.Module, best: float) -> None:
    for number, name in enumerate(TRIALS):
        told = {"layers": "ModelTwo", "optimizer lr": 0.1 * number}
        write_run(history(name, 3, best, **told), net)


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
        "trials": {name: lab.History.read(folder / f"{name}-history.json") for name in TRIALS},
    } | {
        figure: drawn({part: found[name][f"{part}_{what}"] for part in parts})
        for figure, (name, what) in FIGURES.items()
    }


def holdout(cell: str, files: Path) -> Any:
    """What the cell is graded with."""
    of_models = {"test-model-one": "model-one", "test-model-two": "model-two"}
    return seen_by(of_models.get(cell, "three-conv"), files)


@functools.cache
def seen_by(name: str, files: Path) -> Any:
    """Images of which this network has nine in ten right; asked once, since `files` stay."""
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
        handed_in=HandedIn(files, None, "mark"),
    )  # fmt: skip
    assert verdict.share == 0.0, verdict


@pytest.mark.parametrize("cell", OF_RUNS)
def test_noise_beside_the_history_of_a_good_run(files: Path, tmp_path: Path, cell: str) -> None:
    """Figures and tables show what the histories say; the weights are those of no run."""
    for number, (name, build) in enumerate(RUNS.items()):
        best = 0.7 + 0.01 * number
        write_run(history(name, 8, best, layers=build), TRIAL.solution[build](), best)
    write_trials(TRIAL.solution["ModelTwo"](), 0.7)
    verdict = TRIAL.verdict(cell, given=given(tmp_path), holdout=holdout(cell, files))
    assert verdict.share == 0.0, verdict


class Swaps(LocalNotebook):
    """Tells one network where it is asked for another."""

    def __init__(self, namespace: dict[str, Any], swapped: dict[str, str]) -> None:
        super().__init__(namespace)
        self._swapped = swapped

    def ask(self, kind: str, *, seconds: float = QUESTION_TIMEOUT_S, **request: Any) -> Any:
        if kind in PROGRAMS:
            request["expression"] = self._swapped.get(request["expression"], request["expression"])
        return super().ask(kind, seconds=seconds, **request)


@pytest.mark.parametrize(
    ("cell", "swapped"),
    [
        ("test-three-conv", {"ThreeConvNet()": "ModelOne()"}),
        ("test-different", {"ModelTwo()": "ModelOne()"}),
        ("test-different", {"ModelOne()": "ThreeConvNet()", "ModelTwo()": "ThreeConvNet()"}),
        ("test-model-one", {"ModelOne()": "ModelTwo()"}),
        ("test-model-two", {"ModelTwo()": "ModelOne()"}),
        ("test-results", {"ModelOne()": "ModelTwo()", "ModelTwo()": "ModelOne()"}),
    ],
)
def test_the_program_of_another_network(files: Path, cell: str, swapped: dict[str, str]) -> None:
    verdict = TRIAL.verdict(
        cell, given=given(files), folder=files, holdout=holdout(cell, files),
        party=lambda names: Swaps(names, swapped),
    )  # fmt: skip
    assert verdict.share == 0.0, verdict


HIDES = """
class Hidden(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))
        self.inside = [ModelTwo().eval()]  # no part of this network, for all that state_dict says
    def forward(self, x):
        return self.weight * self.inside[0](x)
ModelOne = Hidden
"""
LOOKS_UP = """
class Table(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))
        self.keys = torch.rand(500)
        self.labels = F.one_hot(torch.arange(500) % 10).float()
    def forward(self, x):
        nearest = (x.mean((1, 2, 3))[:, None] - self.keys).abs().argmin(1)
        return self.weight * self.labels[nearest]
ModelOne = Table
"""


@pytest.mark.parametrize("code", [HIDES, LOOKS_UP])
def test_a_network_that_brings_its_answers_along(tmp_path: Path, code: str) -> None:
    """Weights of another file, or a table of images and labels, that no weights file holds."""
    run = history("model-one", 8)
    write_run(run, torch.nn.Module())
    save_file({"weight": torch.ones(1)}, "model-one-best.safetensors")
    changed = {"models": TRIAL.cells["models"] + code}
    verdict = TRIAL.verdict("test-model-one", changed, given={"one_history": run})
    assert verdict.share == 0.0
    assert any(word in str(verdict.reasons) for word in ("numbers", "look-up", "argmin")), verdict
