"""Is a sweep the loop of `lab.fit` that it stands for, and does no run of it disturb another?"""

import io
import os
import signal
import sys
import time
from pathlib import Path

import pytest
import torch
from jupyter_client.manager import start_new_kernel
from safetensors.torch import load_file

from skipgrade import lab
from skipgrade.lab import forks, sweeping
from skipgrade.lab.sweep_progress import Board, Outcome
from tests.lab.sweeps import RATES, grid, noting_step, numbers, processes, sgd


@pytest.fixture
def in_turn(monkeypatch) -> None:
    monkeypatch.setattr(sweeping, "cores", lambda: 1)


@pytest.fixture(params=["together", "in_turn"])
def way(request) -> str:
    request.getfixturevalue(request.param)
    return request.param


@pytest.mark.parametrize("step", [None, noting_step])
def test_each_run_is_what_fit_alone_gives(net, loaders, way, step):
    found = lab.sweep(net, grid(), loaders, name="lr-{}", epochs=3, step=step, schedule=lab.cosine)
    assert list(found) == list(RATES)
    for lr in RATES:
        lab.seed_everything(0)
        alone = lab.fit(
            net(),
            loaders,
            name=f"alone-{lr}",
            epochs=3,
            optimizer=sgd(lr),
            step=step,
            schedule=lab.cosine,
        )
        assert numbers(found[lr]) == numbers(alone)
        assert found[lr].settings == alone.settings
        assert lab.History.read(f"lr-{lr}-history.json") == found[lr]
        for kind in ("best", "last"):
            swept, own = (load_file(f"{name}-{lr}-{kind}.safetensors") for name in ("lr", "alone"))
            assert all(torch.equal(value, own[key]) for key, value in swept.items())
    assert len({str(numbers(history)) for history in found.values()}) == len(RATES)


def test_runs_train_in_processes_of_their_own_or_in_this_one(net, loaders, way):
    lab.sweep(net, grid(), loaders, name="lr-{}", epochs=1, step=noting_step)
    if way == "together":
        assert os.getpid() not in processes() and len(processes()) == len(RATES)
    else:
        assert processes() == {os.getpid()}


def test_an_entry_may_hold_any_setting_of_fit(loaders, together, net):
    found = lab.sweep(
        net, {"a": {}, "b": {"seed": 3, "epochs": 1}}, loaders, name="run-{}", epochs=2
    )
    assert [len(history) for history in found.values()] == [2, 1]
    assert [history.settings["seed"] for history in found.values()] == [0, 3]


def test_first_weights_follow_from_the_seed(loaders, way):
    def build():
        return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(27, 3))

    seeds = {"a": {"seed": 1}, "again": {"seed": 1}, "other": {"seed": 2}}
    found = lab.sweep(build, seeds, loaders, name="run-{}", epochs=1)
    assert numbers(found["a"]) == numbers(found["again"]) != numbers(found["other"])


def test_finished_runs_are_not_trained_again(net, loaders, way, capsys):
    first = lab.sweep(net, grid(RATES[:2]), loaders, name="lr-{}", epochs=2, step=noting_step)
    Path("pids").unlink()
    again = lab.sweep(net, grid(), loaders, name="lr-{}", epochs=2, step=noting_step)
    assert len(processes()) == 1
    assert {lr: again[lr] for lr in RATES[:2]} == first
    assert capsys.readouterr().out.count("already trained for 2 epochs") == 2


def test_a_longer_sweep_goes_on(net, loaders, way):
    lab.sweep(net, grid(), loaders, name="lr-{}", epochs=1)
    found = lab.sweep(net, grid(), loaders, name="lr-{}", epochs=3)
    whole = lab.sweep(net, grid(), loaders, name="whole-{}", epochs=3)
    for lr in RATES:
        assert numbers(found[lr]) == numbers(whole[lr])


def test_a_run_that_raises_stops_no_other_and_is_told(net, loaders, way, capsys):
    def step(*given):
        if given[-1].param_groups[0]["lr"] != 0.02:
            raise ValueError("no such luck")
        return noting_step(*given)

    with pytest.raises(lab.LabError) as raised:
        lab.sweep(net, grid(), loaders, name="lr-{}", epochs=2, step=step)
    assert "2 of 3 runs failed" in str(raised.value)
    assert "lr-0.5, lr-0.1: ValueError: no such luck" in str(raised.value)
    assert len(lab.History.read("lr-0.02-history.json")) == 2
    said = capsys.readouterr().out
    assert "lr-0.5 failed: ValueError" in said and "lr-0.1 failed: ValueError" in said
    assert said.count("Traceback") == 1, "the same error is traced once"
    assert 'raise ValueError("no such luck")' in said


def test_a_run_that_breaks_down_is_told_and_kept(net, loaders, way, capsys):
    rates = {"high": {"optimizer": sgd(1e30)}, "low": {"optimizer": sgd(0.1)}}
    found = lab.sweep(net, rates, loaders, name="lr-{}", epochs=2)
    assert found["high"].stopped and not found["high"].epochs
    assert len(found["low"]) == 2 and found["low"].stopped is None
    assert "lr-high stopped: the loss became" in capsys.readouterr().out


def test_a_process_that_dies_is_told_and_disturbs_no_other(net, loaders, together):
    def step(*given):
        if given[-1].param_groups[0]["lr"] == 0.5:
            os.kill(os.getpid(), signal.SIGKILL)
        return noting_step(*given)

    with pytest.raises(lab.LabError, match=r"1 of 3 runs failed.*\s+lr-0.5: .*status -9 .*memory"):
        lab.sweep(net, grid(), loaders, name="lr-{}", epochs=2, step=step)
    assert all(len(lab.History.read(f"lr-{lr}-history.json")) == 2 for lr in RATES[1:])


def test_a_stub_is_said_to_be_one(loaders, way):
    def build():
        raise NotImplementedError("not filled in yet")

    with pytest.raises(NotImplementedError, match="not filled in yet"):
        lab.sweep(build, grid(), loaders, name="lr-{}", epochs=1)


def test_other_settings_than_those_on_disk_are_refused(net, loaders, way):
    lab.sweep(net, grid(), loaders, name="lr-{}", epochs=1)
    other = {**grid(), 0.1: {"optimizer": sgd(0.3)}}
    with pytest.raises(lab.LabError, match=r"1 of 3 runs failed[\s\S]*optimizer lr: 0.1 then"):
        lab.sweep(net, other, loaders, name="lr-{}", epochs=1)


def test_runs_of_one_name_are_refused(net, loaders):
    with pytest.raises(lab.LabError, match=r"Two runs would be named 'lr'.*\{\}"):
        lab.sweep(net, grid(), loaders, name="lr", epochs=1)


@pytest.mark.parametrize(
    ("settings", "told"),
    [({"epochs": 1, "lr": 0.1}, "unexpected keyword argument 'lr'"), ({}, "'epochs'")],
)
def test_what_fit_does_not_take_is_refused_before_anything_trains(net, loaders, settings, told):
    with pytest.raises(lab.LabError, match=f"cannot train lr-0.5: .*{told}"):
        lab.sweep(net, grid(), loaders, name="lr-{}", **settings)
    assert not list(Path().glob("lr-*"))


def test_grading_reads_what_was_handed_in(net, loaders, together, monkeypatch):
    found = lab.sweep(net, grid(), loaders, name="lr-{}", epochs=2)
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    monkeypatch.setattr(forks, "run", lambda *_, **__: pytest.fail("nothing is trained"))
    assert lab.sweep(net, grid(), loaders, name="lr-{}", epochs=2) == found
    Path("lr-0.1-history.json").unlink()
    with pytest.raises(lab.LabError, match=r"lr-0.1-history.json is missing"):
        lab.sweep(net, grid(), loaders, name="lr-{}", epochs=2)


def test_each_run_has_its_share_of_the_cores(net, loaders, together, monkeypatch):
    """Even when this process has computed on several threads: a fork does not have those."""
    torch.set_num_threads(2)
    for _ in range(3):
        torch.randn(400, 400) @ torch.randn(400, 400) + torch.ones(400, 400)
    monkeypatch.setattr(sweeping, "cores", lambda: 4)

    def step(model, images, labels, loss_fn, optimizer):
        torch.ones(400, 400) @ torch.ones(400, 400) + torch.ones(400, 400)
        return noting_step(model, images, labels, loss_fn, optimizer)

    lab.sweep(net, grid(RATES[:2]), loaders, name="lr-{}", epochs=1, step=step)
    assert {line.split()[1] for line in Path("pids").read_text().splitlines()} == {"2"}
    assert torch.get_num_threads() == 2


def test_what_a_step_prints_is_seen(net, loaders, way, capsys):
    def step(*given):
        print("rate", given[-1].param_groups[0]["lr"], end="")
        print(" is the rate")
        return noting_step(*given)

    lab.sweep(net, grid(), loaders, name="lr-{}", epochs=1, step=step)
    said = capsys.readouterr().out
    for lr in RATES:
        assert said.count(f"rate {lr} is the rate\n") == 5


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_shows_where_each_run_stands(net, loaders, together, monkeypatch):
    monkeypatch.setattr(sys, "stdout", out := Terminal())

    def step(*given):
        time.sleep(0.1)
        return noting_step(*given)

    lab.sweep(net, grid(), loaders, name="lr-{}", epochs=2, step=step)
    text = out.getvalue()
    assert "3 runs" in text and "30" in text
    assert "0 of 3 done, lr-0.5 epoch 1/2, lr-0.1 epoch 1/2" in text
    assert "2 of 3 done, lr-0.02 epoch 2/2" in text
    for lr in RATES:
        assert f"\rlr-{lr} epoch 2/2: loss" in text


def test_a_log_file_gets_a_line_for_each_epoch_and_nothing_else(net, loaders, together, capsys):
    lab.sweep(net, grid(), loaders, name="lr-{}", epochs=2)
    told = sorted(line.partition(":")[0] for line in capsys.readouterr().out.splitlines())
    assert told == sorted(f"lr-{lr} epoch {epoch}/2" for lr in RATES for epoch in (1, 2))


def test_the_bar_ends_full_whatever_became_of_the_runs():
    class Bar:
        steps_done = 0

        def steps(self, count: int, state: str) -> None:
            self.steps_done += count
            self.state = state

        def line(self, text: str) -> None: ...

    bar = Bar()
    board = Board(["a", "b", "c"], [10, 10, 10], bar)  # type: ignore[arg-type]
    board.heard(0, Outcome())
    board.heard(1, Outcome(error="ValueError: x"))
    for run, status in enumerate((0, 0, 1)):
        board.ended(run, status)
    assert bar.steps_done == 30 and bar.state == "3 of 3 done"
    assert [outcome.error for outcome in board.outcomes] == [
        "",
        "ValueError: x",
        "its process ended with status 1",
    ]


CELLS = (
    """
import os
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import torch
from torch import nn
from torch.optim import SGD
from torch.utils.data import DataLoader, TensorDataset

from skipgrade import lab
from skipgrade.lab import sweeping

torch.set_num_threads(2)
sweeping.cores = lambda: 4
images = torch.randn(60, 12, generator=torch.Generator().manual_seed(1))
data = TensorDataset(images, (images[:, 0] > 0).long())
loaders = DataLoader(data, 10, shuffle=True), DataLoader(data, 60)


class Net(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Linear(12, 8), nn.BatchNorm1d(8), nn.Dropout(0.2), nn.Linear(8, 2))


def step(model, images, labels, loss_fn, optimizer):
    optimizer.zero_grad()
    loss = loss_fn(model(images), labels)
    loss.backward()
    optimizer.step()
    (torch.ones(500, 500) @ torch.ones(500, 500)).sum()
    Path(f"pid-{os.getpid()}").touch()
    return loss.item()
""",
    "lab.fit(Net(), loaders, name='alone', epochs=1, step=step)",
    """
grid = {lr: {"optimizer": partial(SGD, lr=lr)} for lr in (0.5, 0.1)}
found = lab.sweep(Net, grid, loaders, name="lr-{}", epochs=2, step=step)
print([len(history) for history in found.values()], len(list(Path().glob("pid-*"))))
""",
)


@pytest.mark.skipif(not forks.possible(), reason="runs train one after the other here")
def test_it_works_in_a_notebook_with_what_the_notebook_defines():
    """Nothing there can be imported, and its kernel has threads of its own and torch's."""
    manager, client = start_new_kernel(kernel_name="python3", cwd=str(Path.cwd()))
    said: list[str] = []

    def hear(message):
        content = message["content"]
        said.append(content.get("text", "") or "\n".join(content.get("traceback", [])))

    try:
        for cell in CELLS:
            reply = client.execute_interactive(cell, timeout=300, output_hook=hear)
            assert reply["content"]["status"] == "ok", "\n".join(said)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    told = "".join(said)
    assert "[2, 2] 3" in told, told
    for lr in (0.5, 0.1):
        assert f"lr-{lr} epoch 2/2: loss" in told
