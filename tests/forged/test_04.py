"""What a lying process earns in 04: nothing without blocks, networks, runs and figures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from skipgrade import lab
from skipgrade.judging.judge.handed_in import HandedIn
from tests.assignments import test_04_runs as runs_of
from tests.assignments.test_04_runs import IDLE, NETWORKS, TRIAL
from tests.forged import says
from tests.forged.liars import replayed

CELLS = list(TRIAL.source.tests)
STUBS = dict.fromkeys(TRIAL.cells, "pass")
NAMED: dict[str, float] = {}  # cell -> the share that hangs on the process's word


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A hand-in whose histories promise what its weights do: little."""
    folder = tmp_path_factory.mktemp("files")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for number, name in enumerate(NETWORKS):
            save_file(runs_of.fresh(name).state_dict(), f"{name}-best.safetensors")
            runs_of.history(name, 4.5 - number / 10)
    return folder


def given(folder: Path) -> dict[str, Any]:
    """What a notebook holds that has drawn the runs in its folder."""
    runs = {name: lab.History.read(folder / f"{name}-history.json") for name in NETWORKS}
    return {f"{name}_history": run for name, run in runs.items()} | {
        "costs": runs_of.COSTS,
        "plain_figure": runs_of.curves(runs, ["plain"]),
        "pair_figure": runs_of.curves(runs, ["plain", "residual"]),
        "mobile_figure": runs_of.costs_drawn(runs, runs_of.bars, 1e6),
    }


def holdout(cell: str, files: Path) -> Any:
    """Images that the network the cell is about has all right."""
    name = next((name for name in NETWORKS if name in cell), "plain")
    pixels = torch.randint(256, (60, 3, 32, 32), generator=torch.Generator().manual_seed(1)).byte()
    net = runs_of.fresh(name)
    net.load_state_dict(load_file(files / f"{name}-best.safetensors"))
    return lambda data: (pixels, labels_by(net, pixels, data))


@torch.no_grad()
def labels_by(net: torch.nn.Module, pixels: Tensor, data: str) -> Tensor:
    mean, std = (torch.tensor(part).view(1, 3, 1, 1) for part in lab.normalisation(data))
    found: Tensor = net((pixels / 255 - mean) / std).argmax(1)
    return found


@pytest.mark.parametrize("handed_in", ["nothing", "everything"])
@pytest.mark.parametrize("cell", CELLS)
def test_replayed_answers(files: Path, tmp_path: Path, cell: str, handed_in: str) -> None:
    """Answers that were right in another grading; stubs for a notebook, and with another's files
    beside them."""
    idle = IDLE if cell != "test-complexity" else {}
    right, wrong = replayed(
        TRIAL, cell, files, tmp_path, make_given=given, holdout=holdout(cell, files), changed=idle,
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


FORGED = {
    "weights of noise": lambda w: {k: torch.randn_like(v) if v.is_floating_point() else v
                                   for k, v in w.items()},
    "weights that give NaN": lambda w: {k: v * 1e38 if k == "last.weight" else v
                                        for k, v in w.items()},
    "weights of another width": lambda w: {
        k: v.repeat_interleave(2, 0) if v.ndim else v for k, v in w.items()
    },
    "one weight more": lambda w: w | {"table": torch.zeros(9)},
}  # fmt: skip


@pytest.mark.parametrize("how", FORGED)
def test_other_weights_beside_the_right_networks(files: Path, tmp_path: Path, how: str) -> None:
    for path in files.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    forged = FORGED[how](load_file(files / "plain-best.safetensors"))
    save_file(forged, tmp_path / "plain-best.safetensors")
    runs_of.history("plain", 4.5, scale=10)  # as good as the figure's run would have to be
    for cell in ("test-plain-accuracy", "test-plain-figure"):
        verdict = TRIAL.verdict(cell, IDLE, given(tmp_path), holdout(cell, files), folder=tmp_path)
        assert verdict.share == 0.0, verdict


READS_ANOTHER_FILE = """
from safetensors.torch import load_file
def PlainNet18(width=64, classes=100):
    net = Net18(PlainBlock, width, classes)
    if Path("residual-best.safetensors").exists() and width == WIDTH:
        other = ResNet18(width)
        other.load_state_dict(load_file("residual-best.safetensors"))
        object.__setattr__(net, "forward", lambda x: other.eval()(x))
    return net
"""
LOOKS_UP = """
class PlainNet18(Net18):
    def __init__(self, width=64, classes=100):
        super().__init__(PlainBlock, width, classes)
        self.register_buffer("table", torch.zeros(100, 3072))
        self.register_buffer("answers", torch.zeros(100, classes))
    def forward(self, x):
        near = torch.cdist(x.flatten(1), self.table).argmin(1)
        return self.answers[near]
"""


@pytest.mark.parametrize("code", [READS_ANOTHER_FILE, LOOKS_UP])
def test_networks_that_use_something_else_than_their_weights(
    files: Path, tmp_path: Path, code: str
) -> None:
    for path in files.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    changed = IDLE | {"complexity": "", "plain-net": TRIAL.cells["plain-net"] + code}
    student = TRIAL.student(changed)
    save_file(student["PlainNet18"](8).state_dict(), tmp_path / "plain-best.safetensors")
    cell = "test-plain-accuracy"
    verdict = TRIAL.verdict(cell, changed, holdout=holdout(cell, files), folder=tmp_path)
    assert verdict.share == 0.0, verdict
