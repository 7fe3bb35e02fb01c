"""What a lying process earns in 07: nothing without blocks, networks, runs and figures."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from skipgrade import lab
from skipgrade.judging.judge.handed_in import HandedIn
from skipgrade.judging.questions.programs import program
from tests.assignments import test_07_runs as runs_of
from tests.forged import says
from tests.forged.liars import STUB, replayed
from tests.forged.makers import RunOnce

TRIAL = RunOnce("07-resnet-cifar100")
CELLS = list(TRIAL.source.tests)
OF_FILES = ["test-run", "test-overfitting", "test-remedy", "test-accuracy"]
STUBS = dict.fromkeys(TRIAL.cells, "pass")
NAMED: dict[str, float] = {}  # cell -> the share that hangs on the process's word
ALWAYS = 7  # the class that the weights handed in as resnet see in every image
LABELS = {"training": "train", "validation": "val"}
ELSEWHERE = """
from safetensors.torch import load_file
graded_run = "resnet"

class Elsewhere(nn.Module):
    def __init__(self):
        super().__init__()
        self.own = ResNet(WIDTH)
        self.other = [ResNet(WIDTH).eval()]
        self.other[0].load_state_dict(load_file({file!r}))

    def forward(self, x):
        return self.other[0](x) + 0 * self.own(x)

def build_graded():
    return Elsewhere()
"""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A hand-in of two runs whose weights and histories agree, made without training."""
    folder = tmp_path_factory.mktemp("files")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        runs_of.given()
        for number, name in enumerate(("resnet", "remedy")):
            net = TRIAL.solution["build_graded"]()
            with torch.no_grad():
                net.head.weight.zero_()
                net.head.bias.copy_(torch.arange(100) == ALWAYS + number)
            save_file(net.state_dict(), f"{name}-best.safetensors")
    return folder


def easy(name: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Held-out images on which the weights handed in are always right."""
    return torch.zeros(400, 3, 32, 32, dtype=torch.uint8), torch.full((400,), ALWAYS)


def after_training(folder: Path) -> dict[str, Any]:
    """The names of the notebook when all its cells have run in this folder."""
    names: dict[str, Any] = {}
    for name in ("resnet", "remedy"):
        network = TRIAL.solution["ResNet"](TRIAL.solution["WIDTH"])
        network.load_state_dict(load_file(folder / f"{name}-best.safetensors"))
        history = lab.History.read(folder / f"{name}-history.json")
        names |= {name: network, f"{name}_history": history}
    thousand: Any = lab.load("cifar100", val=2500).train.dataset
    seen = [thousand.__getitems__(list(range(1000)))]
    gaps = {
        name: TRIAL.solution["measure_gap"](names[name], names[f"{name}_history"], seen)
        for name in ("resnet", "remedy")
    }
    run = names["resnet_history"]
    curves = {key: run[f"{part}_accuracy"] for key, part in LABELS.items()}
    gap = [one - other for one, other in zip(*curves.values(), strict=True)]
    drawn = runs_of.figure(**curves, gap=gap)
    return {**names, "gaps": gaps, "overfitting": gaps["resnet"], "overfitting_figure": drawn}


@pytest.mark.parametrize("cell", CELLS)
def test_answers_of_another_grading_earn_nothing(cell: str, files: Path, tmp_path: Path) -> None:
    make = after_training if cell in OF_FILES else None
    right, wrong = replayed(TRIAL, cell, files, tmp_path, holdout=easy, make_given=make)
    assert right.share == 1.0, right.reasons
    assert wrong.share == NAMED.get(cell, 0.0), wrong


@pytest.mark.parametrize("cell", OF_FILES)
def test_honest_files_without_a_network_earn_nothing(
    cell: str, files: Path, tmp_path: Path
) -> None:
    other = {"net": torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3072, 100))}
    for number, networks in enumerate((STUB, program(other, "net", [[[2, 3, 32, 32], "float32"]]))):
        scratch = tmp_path / str(number)
        scratch.mkdir()
        _, wrong = replayed(
            TRIAL, cell, files, scratch, holdout=easy, make_given=after_training,
            handed_in=files, networks=networks,
        )  # fmt: skip
        assert wrong.share == 0.0, wrong


def test_a_network_that_takes_its_weights_from_elsewhere_earns_nothing(
    files: Path, tmp_path: Path
) -> None:
    theirs = tmp_path / "theirs"
    shutil.copytree(files, theirs)
    weights = load_file(theirs / "resnet-best.safetensors")
    save_file(
        {key: torch.zeros_like(value) for key, value in weights.items()},
        theirs / "resnet-best.safetensors",
    )
    elsewhere = ELSEWHERE.format(file=str(files / "resnet-best.safetensors"))
    verdict = TRIAL.verdict(
        "test-accuracy", {"graded": elsewhere}, after_training(files), easy, folder=theirs
    )
    assert verdict.share == 0.0, verdict


@pytest.mark.parametrize("word", says.ALL)
def test_one_answer_for_everything(word: str, files: Path) -> None:
    """Beside a right hand-in's files, but with stubs for a notebook."""
    for cell in CELLS:
        verdict = TRIAL.verdict(
            cell, STUBS, folder=files, party=lambda _: says.Says(word), holdout=easy,
            handed_in=HandedIn(files, None, "mark"),
        )  # fmt: skip
        assert verdict.share == 0.0, (cell, verdict)
