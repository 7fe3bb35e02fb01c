"""What a lying process earns in 07: nothing without blocks, networks, runs and figures."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from skipgrade.judging.checks import runs
from skipgrade.judging.files import HandIn
from tests.assignments import test_07_runs as runs_of
from tests.forged import says
from tests.forged.liars import replayed
from tests.forged.makers import RunOnce

TRIAL = RunOnce("07-resnet-cifar100")
CELLS = list(TRIAL.source.tests)
OF_FILES = ["test-run", "test-overfitting", "test-remedy", "test-accuracy"]
STUBS = dict.fromkeys(TRIAL.cells, "pass")
NAMED: dict[str, float] = {}  # cell -> the share that hangs on the process's word
ALWAYS = 7  # the class that the weights handed in see in every image


@pytest.fixture(autouse=True)
def few_images(monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights that were never trained need no closer look."""
    monkeypatch.setattr(runs, "LOOKED_AT", 60)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A hand-in of two runs whose weights and histories agree, made without training."""
    folder = tmp_path_factory.mktemp("files")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        runs_of.given()
        net = TRIAL.solution["build_graded"]()
        head = [module for module in net.modules() if isinstance(module, torch.nn.Linear)][-1]
        with torch.no_grad():
            head.weight.zero_()
            head.bias.copy_(torch.arange(100) == ALWAYS)
        save_file(net.state_dict(), f"{TRIAL.solution['graded_run']}-best.safetensors")
    return folder


def easy(name: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Held-out images on which the weights handed in are always right."""
    return torch.zeros(400, 3, 32, 32, dtype=torch.uint8), torch.full((400,), ALWAYS)


OF_CODE = [cell for cell in CELLS if cell not in OF_FILES]


@pytest.mark.parametrize("cell", OF_CODE)
def test_answers_of_another_grading_earn_nothing(cell: str, files: Path, tmp_path: Path) -> None:
    right, wrong = replayed(TRIAL, cell, files, tmp_path, holdout=easy)
    assert right.share == 1.0, right.reasons
    assert wrong.share == NAMED.get(cell, 0.0), wrong


@pytest.mark.parametrize("word", says.ALL)
def test_one_answer_for_everything(word: str, files: Path) -> None:
    """Beside a right hand-in's files, but with stubs for a notebook."""
    for cell in CELLS:
        verdict = TRIAL.verdict(
            cell, STUBS, folder=files, party=lambda _: says.Says(word), holdout=easy,
            handed_in=HandIn(files, None, "mark"),
        )  # fmt: skip
        assert verdict.share == 0.0, (cell, verdict)
