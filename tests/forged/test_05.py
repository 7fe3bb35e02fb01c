"""What a lying process earns in 05: nothing without the right networks, files and figures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from skipgrade import lab
from tests.assignments.test_05_resnet20_tuning import drawn, run, three
from tests.assignments.variants import Assignment
from tests.forged import says
from tests.forged.liars import replayed

NAME = "05-resnet20-tuning"
CELLS = ["test-shortcut", "test-block", "test-resnet20", "test-trials", "test-final"]
NAMED: dict[str, float] = {}  # cell -> the share that hangs on the process's word


@pytest.fixture(scope="module")
def trial() -> Assignment:
    return Assignment(NAME)


@pytest.fixture(scope="module")
def files(trial: Assignment, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A right hand-in: three trials and a final network that is right on the images of `pack`."""
    folder = tmp_path_factory.mktemp("files")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        three(trial)
        torch.manual_seed(0)
        save_file(_final(trial).state_dict(), "resnet20-best.safetensors")
        run("resnet20", [0.05, 0.1])
        lab.write_predictions("predictions.csv", pack(trial)("pack")[1])
    return folder


def _final(trial: Assignment) -> Any:
    torch.manual_seed(0)
    net = trial.solution["ResNet20"](4).eval()
    with torch.no_grad():
        net.linear.weight.mul_(50)
    return net


def pack(trial: Assignment) -> Any:
    """Images on which that network is always right."""
    net = _final(trial)
    pixels = torch.randint(256, (40, 3, 32, 32), generator=torch.Generator().manual_seed(1))
    pixels = (pixels // (torch.arange(40) % 8 + 1).view(-1, 1, 1, 1)).to(torch.uint8)
    mean, std = (torch.tensor(part).view(1, 3, 1, 1) for part in lab.normalisation("cifar10"))
    with torch.no_grad():
        labels = net((pixels.float() / 255 - mean) / std).argmax(1)
    labels[0] = 9  # so that ten classes are known; the net may be wrong once
    return lambda name: (pixels, labels)


def given(files: Path) -> dict[str, Any]:
    trials = {name: lab.History.read(files / f"{name}-history.json") for name in "abc"}
    return {"trials": trials, "trials_figure": drawn(trials)}


@pytest.mark.parametrize("handed_in", ["nothing", "everything"])
@pytest.mark.parametrize("cell", CELLS)
def test_replayed_answers(
    trial: Assignment, files: Path, tmp_path: Path, cell: str, handed_in: str
) -> None:
    """With stubs for a notebook, and with another's files beside them."""
    right, wrong = replayed(
        trial, cell, files, tmp_path, given=None, make_given=given, holdout=pack(trial),
        handed_in=files if handed_in == "everything" else None,
    )  # fmt: skip
    assert right.share == 1.0, right
    assert wrong.share == NAMED.get(cell, 0.0), wrong


@pytest.mark.parametrize("word", says.ALL)
@pytest.mark.parametrize("cell", CELLS)
def test_constants(trial: Assignment, tmp_path: Path, cell: str, word: str) -> None:
    verdict = trial.verdict(
        cell, folder=tmp_path, party=lambda _: says.Says(word), holdout=pack(trial)
    )
    assert verdict.share == 0.0, verdict


def test_the_predictions_of_another_network(trial: Assignment, files: Path, tmp_path: Path) -> None:
    """Rows that are right beside weights that are noise."""
    noise = {k: torch.randn_like(v) if v.is_floating_point() else v
             for k, v in _final(trial).state_dict().items()}  # fmt: skip
    for path in files.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    save_file(noise, tmp_path / "resnet20-best.safetensors")
    verdict = trial.verdict("test-final", folder=tmp_path, holdout=pack(trial))
    assert verdict.share == 0.0, verdict
