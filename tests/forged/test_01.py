"""01: what does a process earn that replays, or makes up, its answers?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from skipgrade import lab
from skipgrade.classroom import sample
from skipgrade.judging.judge.handed_in import HandedIn
from skipgrade.judging.questions.programs import program
from skipgrade.judging.verdict import Verdict
from tests.forged.liars import replayed, stubs
from tests.forged.makers import MADE_UP, MakesUp, RunOnce

TRIAL = RunOnce("01-lenet5-pipeline")
CELLS = list(TRIAL.source.tests)
# What a right initial loss is, everybody knows: ln 10, give or take 0.1.
NAMED = {"initial-loss-test": 0.25}


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """An honest hand-in's runs."""
    folder = tmp_path / "honest"
    folder.mkdir()
    sample.unpack(sample.HERE / "trained" / "correct", folder)
    return folder


def runs(folder: Path) -> dict[str, Any]:
    return {
        name: lab.History.read(folder / f"{run}-history.json")
        for name, run in (("history", "lenet5"), ("kaiming_history", "kaiming"))
    }


@pytest.mark.parametrize("cell", CELLS)
def test_answers_of_another_grading_earn_nothing(cell: str, files: Path, tmp_path: Path) -> None:
    right, wrong = replayed(TRIAL, cell, files, tmp_path, given=runs(files))
    assert right.share == 1.0, right.reasons
    assert wrong.share == NAMED.get(cell, 0.0), wrong


@pytest.mark.parametrize("cell", ["accuracy-test", "bonus-init-test"])
def test_honest_files_without_a_network_earn_nothing(
    cell: str, files: Path, tmp_path: Path
) -> None:
    _, wrong = replayed(TRIAL, cell, files, tmp_path, given=runs(files), handed_in=files)
    assert wrong.share == 0.0


@pytest.mark.parametrize("made_up", MADE_UP)
def test_made_up_answers_earn_nothing(made_up: str, tmp_path: Path) -> None:
    theirs = HandedIn(tmp_path, stubs(TRIAL, tmp_path), "mark")
    for cell in CELLS:
        verdict = TRIAL.verdict(
            cell, party=lambda _: MakesUp(MADE_UP[made_up]), handed_in=theirs, seed="second"
        )
        assert verdict.share == 0.0, (cell, verdict)


def accuracy(folder: Path, **more: Any) -> Verdict:
    return TRIAL.verdict("accuracy-test", folder=folder, given=runs(folder), **more)


def test_noise_with_an_honest_history_earns_nothing(files: Path) -> None:
    path = files / "lenet5-best.safetensors"
    save_file({k: 0.1 * torch.randn_like(t) for k, t in load_file(path).items()}, path)
    assert accuracy(files).share == 0.0
    save_file({k: torch.full_like(t, torch.nan) for k, t in load_file(path).items()}, path)
    assert accuracy(files).share == 0.0


def test_weights_of_another_file_than_the_one_named_earn_nothing(files: Path) -> None:
    good = files / "lenet5-best.safetensors"
    good.rename(files / "other.safetensors")
    save_file(
        {k: torch.randn_like(t) for k, t in load_file(files / "other.safetensors").items()}, good
    )
    looks_elsewhere = """
    from safetensors.torch import load_file
    class LeNet5(nn.Module):
        def __init__(self):
            super().__init__()
            self.features = nn.Sequential(
                nn.Conv2d(3, 6, 5), nn.ReLU(), nn.MaxPool2d(2),
                nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2))
            self.classifier = nn.Sequential(
                nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10))
        def forward(self, images):
            w = load_file("other.safetensors")
            x = images
            for name, at in (("features", 0), ("features", 3)):
                x = nn.functional.conv2d(x, w[f"{name}.{at}.weight"], w[f"{name}.{at}.bias"])
                x = nn.functional.max_pool2d(x.relu(), 2)
            x = x.flatten(1)
            for at in (0, 2, 4):
                x = nn.functional.linear(x, w[f"classifier.{at}.weight"], w[f"classifier.{at}.bias"])
                x = x.relu() if at < 4 else x
            return x
    """
    assert accuracy(files, changed={"lenet5": looks_elsewhere}).share == 0.0


def test_one_program_for_all_questions(files: Path, tmp_path: Path) -> None:
    """A process that has only ResNet-like things to tell cannot use LeNet-5's weights."""
    other = {"net": torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3072, 10))}
    told = program(other, "net", [[[2, 3, 32, 32], "float32"]])
    for cell in ("lenet5-size", "lenet5-forward", "accuracy-test", "bonus-init-test"):
        scratch = tmp_path / cell
        scratch.mkdir()
        _, wrong = replayed(
            TRIAL, cell, files, scratch, given=runs(files), handed_in=files, networks=told
        )
        assert wrong.share == (0.75 if cell == "lenet5-size" else 0.0), (cell, wrong)
