"""What a lying process earns in 08: nothing without networks, runs and figures."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from skipgrade import lab
from skipgrade.judging.files import HandIn
from tests.assignments.test_08_runs import epochs
from tests.forged import says
from tests.forged.liars import replayed
from tests.forged.makers import RunOnce

TRIAL = RunOnce("08-transfer-learning")
CELLS = list(TRIAL.source.tests)
STUBS = dict.fromkeys(TRIAL.cells, "pass")
OF_CODE = ["test-prepare", "test-net", "test-freeze", "test-hundred-net", "test-first", "test-last"]
NAMED: dict[str, float] = {}  # cell -> the share that hangs on the process's word


@pytest.fixture(autouse=True, scope="module")
def as_in_grading() -> Iterator[None]:
    """Backbones are random then and cost nothing."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NBGRADER_EXECUTION", "autograde")
        yield


@pytest.fixture(scope="module")
def files(as_in_grading: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights and histories of the three runs, made without training."""
    folder = tmp_path_factory.mktemp("files")
    for name in ("transfer", "hundred"):
        model = TRIAL.solution[f"build_{name}"]()
        save_file(model.state_dict(), folder / f"{name}-best.safetensors")
        lab.History(name, epochs(3), {"frozen": "0" * 64}).write(folder / f"{name}-history.json")
    lab.History("own", epochs(9, 2.0)).write(folder / "own-history.json")
    return folder


def nothing(name: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Held-out images that are all alike, of every class."""
    return torch.zeros(100, 3, 32, 32, dtype=torch.uint8), torch.arange(100) % 10


@pytest.mark.parametrize("cell", OF_CODE)
def test_answers_of_another_grading_earn_nothing(cell: str, files: Path, tmp_path: Path) -> None:
    right, wrong = replayed(TRIAL, cell, files, tmp_path, holdout=nothing)
    assert right.share == 1.0, right.reasons
    assert wrong.share == NAMED.get(cell, 0.0), wrong


@pytest.mark.parametrize("word", says.ALL)
def test_one_answer_for_everything(word: str, files: Path) -> None:
    """Beside a right hand-in's files, but with stubs for a notebook."""
    for cell in CELLS:
        verdict = TRIAL.verdict(
            cell, STUBS, folder=files, party=lambda _: says.Says(word), holdout=nothing,
            handed_in=HandIn(files, None, "mark"),
        )  # fmt: skip
        assert verdict.share == 0.0, (cell, verdict)
