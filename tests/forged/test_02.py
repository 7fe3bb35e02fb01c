"""02: what does a process earn that replays, or makes up, its answers?"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from skipgrade.judging.judge.handed_in import HandedIn
from skipgrade.judging.questions.programs import program
from tests.assignments import tuning
from tests.assignments.cnn_design import labelled_by
from tests.assignments.tuning import TRIAL
from tests.forged.liars import replayed, stubs, working_folder
from tests.forged.makers import MADE_UP, MakesUp

CELLS = list(TRIAL.source.tests)
WITH_RUNS = [
    "test-bn-evidence", "test-lr-sweep", "test-l2-sweep", "test-tuned", "test-bonus-weights"
]  # fmt: skip


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("honest")
    tuning.write_runs(folder)
    return folder


@pytest.fixture
def files(kept: Path, tmp_path: Path) -> Path:
    """An honest hand-in's runs, to be spoilt."""
    return Path(shutil.copytree(kept, tmp_path / "honest"))


def given(files: Path, folder: Path, mark: str = "first") -> dict[str, Any]:
    """What the notebook finds in the marked histories."""
    return tuning.results(working_folder(files, folder, mark))


def holdout(right: float = 0.8) -> Any:
    return labelled_by(tuning.trained("LeNet5Swish")[0], right)


@pytest.mark.parametrize("cell", CELLS)
def test_answers_of_another_grading_earn_nothing(cell: str, kept: Path, tmp_path: Path) -> None:
    known = given(kept, tmp_path / "known") if cell in WITH_RUNS else None
    right, wrong = replayed(TRIAL, cell, kept, tmp_path, given=known, holdout=holdout())
    assert right.share == 1.0, right.reasons
    assert wrong.share == 0.0, wrong


@pytest.mark.parametrize("cell", WITH_RUNS)
def test_honest_files_without_a_network_earn_nothing(cell: str, kept: Path, tmp_path: Path) -> None:
    known = given(kept, tmp_path / "known")
    _, wrong = replayed(TRIAL, cell, kept, tmp_path, given=known, handed_in=kept, holdout=holdout())
    assert wrong.share == 0.0


@pytest.mark.parametrize("made_up", MADE_UP)
def test_made_up_answers_earn_nothing(made_up: str, kept: Path, tmp_path: Path) -> None:
    theirs = HandedIn(tmp_path, stubs(TRIAL, tmp_path), "mark")
    for cell in CELLS:
        for handed_in in (theirs, HandedIn(kept, None, "mark")):
            verdict = TRIAL.verdict(
                cell,
                party=lambda _: MakesUp(MADE_UP[made_up]),
                handed_in=handed_in,
                seed="second",
                holdout=holdout(),
            )
            assert verdict.share == 0.0, (cell, verdict)


def spoil(path: Path, change: Any) -> None:
    save_file(
        {
            name: change(tensor) if tensor.is_floating_point() else tensor
            for name, tensor in load_file(path).items()
        },
        path,
    )


@pytest.mark.parametrize(
    ("cell", "run"),
    [
        ("test-bn-evidence", "bn-large"),
        ("test-lr-sweep", "lr-0.05"),
        ("test-l2-sweep", "l2-0.01"),
        ("test-tuned", "tuned"),
        ("test-bonus-weights", "l1"),
    ],
)
def test_a_history_without_its_weights_earns_nothing(cell: str, run: str, files: Path) -> None:
    known, weights = tuning.results(files), files / f"{run}-best.safetensors"

    def earned() -> float:
        return TRIAL.verdict(cell, folder=files, given=known, holdout=holdout()).share

    assert earned() == 1.0
    spoil(weights, lambda t: 0.3 * torch.randn(t.shape) + 1)
    assert earned() == 0.0
    spoil(weights, lambda t: torch.full_like(t, torch.nan))
    assert earned() == 0.0
    shutil.copy(files / "plain-small-best.safetensors", weights)  # of another shape
    assert earned() == 0.0
    weights.unlink()
    assert earned() == 0.0


@pytest.mark.parametrize("cell", ["test-lenet-bn", "test-lenet-swish", *WITH_RUNS])
def test_the_program_of_another_network_earns_nothing(
    cell: str, kept: Path, tmp_path: Path
) -> None:
    told = program(TRIAL.solution, "LeNet5()", [[[2, 3, 32, 32], "float32"]])
    known = given(kept, tmp_path / "known")
    _, wrong = replayed(
        TRIAL, cell, kept, tmp_path, given=known, handed_in=kept, networks=told, holdout=holdout()
    )
    assert wrong.share == 0.0
