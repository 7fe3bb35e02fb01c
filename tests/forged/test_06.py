"""06: what does a process earn that replays, or makes up, its answers?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pytest
import torch
from safetensors.torch import load_file, save_file

from skipgrade import lab
from skipgrade.judging.judge.handed_in import HandedIn
from skipgrade.judging.questions.programs import program
from skipgrade.judging.verdict import Verdict
from tests.forged.liars import replayed, stubs
from tests.forged.makers import MADE_UP, MakesUp, RunOnce

TRIAL = RunOnce("06-depth-and-shortcuts")
CELLS = list(TRIAL.source.tests)
OF_FILES = [
    "test-comparison", "test-errors-table", "test-accuracy", "test-bonus-final",
]  # fmt: skip
NAMES = ("resnet18", "plain18", "resnet50", "plain50")
ALWAYS = 3  # the class that the weights handed in see in every image
SETTINGS = {"optimizer": "SGD", "optimizer lr": 0.1, "batch size": 64}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A hand-in of four runs whose weights and files agree, made without training."""
    folder = tmp_path_factory.mktemp("honest")
    count = len(lab.raw("cifar10", "test")[1])
    for number, name in enumerate(NAMES):
        network = TRIAL.solution["build"](name)
        with torch.no_grad():
            network[-1].weight.zero_()
            network[-1].bias.copy_(torch.arange(10) == ALWAYS)
        save_file(
            {key: value.contiguous() for key, value in network.state_dict().items()},
            folder / f"{name}-best.safetensors",
        )
        size = sum(parameter.numel() for parameter in network.parameters())
        run = lab.History(name, settings={**SETTINGS, "parameters": size})
        for epoch in (1, 2):
            loss = 2.5 - 0.1 * epoch - 0.01 * number
            run.epochs.append(
                {
                    "epoch": epoch, "train_loss": loss, "train_accuracy": 0.1, "val_loss": loss,
                    "val_accuracy": 0.05 + 0.01 * epoch, "learning_rate": 0.1, "seconds": 1.0,
                }
            )  # fmt: skip
        run.write(folder / f"{name}-history.json")
        lab.write_predictions(str(folder / f"{name}-predictions.csv"), torch.full((count,), ALWAYS))
    return folder


def after_training(folder: Path) -> dict[str, Any]:
    """The names of the notebook when all its cells have run in this folder."""
    histories = {name: lab.History.read(folder / f"{name}-history.json") for name in NAMES}
    figure, axes = plt.subplots()
    for name, run in histories.items():
        axes.plot(run["epoch"], run["train_loss"], label=name)
    axes.set(xlabel="epoch", ylabel="loss")
    axes.legend()
    truth = lab.raw("cifar10", "stand-in")[1]
    matrix = TRIAL.solution["confusion_matrix"](truth, torch.full(truth.shape, ALWAYS), 10)
    return {
        "histories": histories,
        "loss_figure": figure,
        "test_errors": dict.fromkeys(NAMES, float((truth != ALWAYS).double().mean())),
        "truth": truth,
        "final_matrix": matrix,
        "final_rates": TRIAL.solution["class_rates"](matrix),
    }


def easy(name: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Held-out images on which the weights handed in are always right."""
    return torch.zeros(400, 3, 32, 32, dtype=torch.uint8), torch.full((400,), ALWAYS)


@pytest.mark.parametrize("cell", CELLS)
def test_answers_of_another_grading_earn_nothing(cell: str, files: Path, tmp_path: Path) -> None:
    right, wrong = replayed(TRIAL, cell, files, tmp_path, make_given=after_training, holdout=easy)
    assert right.share == 1.0, right.reasons
    assert wrong.share == 0.0, wrong


@pytest.mark.parametrize("cell", OF_FILES)
def test_honest_files_without_a_network_earn_nothing(
    cell: str, files: Path, tmp_path: Path
) -> None:
    _, wrong = replayed(
        TRIAL, cell, files, tmp_path, make_given=after_training, handed_in=files, holdout=easy
    )
    assert wrong.share == 0.0, wrong


@pytest.mark.parametrize("cell", OF_FILES)
def test_another_network_does_not_go_with_honest_files(
    cell: str, files: Path, tmp_path: Path
) -> None:
    other = {"net": torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3072, 10))}
    told = program(other, "net", [[[2, 3, 32, 32], "float32"]])
    _, wrong = replayed(
        TRIAL, cell, files, tmp_path, make_given=after_training, handed_in=files, holdout=easy,
        networks=told,
    )  # fmt: skip
    assert wrong.share == 0.0, wrong


@pytest.mark.parametrize("made_up", MADE_UP)
def test_made_up_answers_earn_nothing(made_up: str, files: Path, tmp_path: Path) -> None:
    empty = HandedIn(tmp_path, stubs(TRIAL, tmp_path), "mark")
    for cell in CELLS:
        verdict = TRIAL.verdict(
            cell, party=lambda _: MakesUp(MADE_UP[made_up]), seed="second", holdout=easy,
            handed_in=HandedIn(files, None, "mark") if cell in OF_FILES else empty,
        )  # fmt: skip
        assert verdict.share == 0.0, (cell, verdict)


def judged(cell: str, folder: Path, **more: Any) -> Verdict:
    return TRIAL.verdict(cell, folder=folder, given=after_training(folder), holdout=easy, **more)


@pytest.fixture
def theirs(files: Path, tmp_path: Path) -> Path:
    """A copy of the hand-in to be tampered with."""
    folder = tmp_path / "theirs"
    folder.mkdir()
    for path in files.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


def test_noise_does_not_get_better_by_the_histories_of_others(theirs: Path) -> None:
    for name in NAMES:
        run = lab.History.read(theirs / f"{name}-history.json")
        run.epochs[-1]["val_accuracy"] = 0.93
        run.write(theirs / f"{name}-history.json")
    assert judged("test-comparison", theirs).share == 0.0


def test_predictions_of_others_do_not_go_with_weights_of_ones_own(theirs: Path) -> None:
    truth = lab.raw("cifar10", "test")[1]
    lab.write_predictions(str(theirs / "resnet18-predictions.csv"), truth)
    assert judged("test-errors-table", theirs).share == 0.0


def test_a_network_that_takes_its_weights_from_elsewhere_earns_nothing(theirs: Path) -> None:
    good = theirs / "resnet18-best.safetensors"
    good.rename(theirs / "other.safetensors")
    weights = load_file(theirs / "other.safetensors")
    save_file({key: torch.zeros_like(value) for key, value in weights.items()}, good)
    elsewhere = TRIAL.cells["final"] + (
        "\n_build = build_final\n"
        "class Elsewhere(nn.Module):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.own = _build()\n"
        "        self.other = [_build().eval()]\n"
        f"        self.other[0].load_state_dict(load_file({str(theirs / 'other.safetensors')!r}))\n"
        "    def forward(self, x):\n"
        "        return self.other[0](x) + 0 * self.own(x)\n"
        "def build_final():\n"
        "    return Elsewhere()\n"
    )
    assert judged("test-accuracy", theirs, changed={"final": elsewhere}).share == 0.0


@pytest.mark.parametrize("number", [torch.nan, torch.inf])
def test_weights_that_are_no_numbers_earn_nothing(theirs: Path, number: float) -> None:
    path = theirs / "resnet18-best.safetensors"
    broken = {key: torch.full_like(value, number) if value.is_floating_point() else value
              for key, value in load_file(path).items()}  # fmt: skip
    save_file(broken, path)
    assert judged("test-accuracy", theirs).share == 0.0
    assert judged("test-errors-table", theirs).share == 0.0
