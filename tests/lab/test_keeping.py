"""With SKIPGRADE_RUNS set, what does a student lose when the machine is gone, files and all?"""

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from skipgrade import lab

KILLS = 20
SEED = 7

# Trains in children that are killed at the nth event: a step, or either side of a file's rename.
PROGRAM = """
import json, os, random, shutil, signal, sys
from pathlib import Path
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from skipgrade import lab

torch.set_num_threads(1)
draw = random.Random(int(sys.argv[1]))
kept, machine = Path("kept").resolve(), Path("machine").resolve()
left = 0


def event():
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)


replace = Path.replace


def rename(path, target):
    event()
    done = replace(path, target)
    event()
    return done


def train(name):
    torch.manual_seed(0)
    images = torch.randn(60, 12, generator=torch.Generator().manual_seed(1))
    labels = (images[:, 0] > 0).long()
    data = TensorDataset(images, labels)
    loaders = DataLoader(data, 10, shuffle=True), DataLoader(data, 60)
    net = nn.Sequential(nn.Linear(12, 8), nn.BatchNorm1d(8), nn.Dropout(0.2), nn.Linear(8, 2))

    def step(model, images, labels, loss_fn, optimizer):
        event()
        optimizer.zero_grad()
        loss = loss_fn(model(images), labels)
        loss.backward()
        optimizer.step()
        return loss.item()

    lab.fit(net, loaders, name=name, epochs=30, step=step, schedule=lab.cosine)


def done():
    path = kept / "run-resume.safetensors"
    if not path.exists():
        return 0
    from safetensors import safe_open

    with safe_open(path, framework="pt") as file:
        return len(json.loads(file.metadata()["run"])["epochs"])


Path.replace = rename
finished_before_kill, after = [], []
killed = 0
while True:
    shutil.rmtree(machine, ignore_errors=True)
    machine.mkdir()
    os.chdir(machine)
    before = done()
    left = draw.randrange(1, 60) if killed < int(sys.argv[2]) else 0
    child = os.fork()
    if child == 0:
        os.environ["SKIPGRADE_RUNS"] = str(kept)
        train("run")
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        killed += 1
        history = machine / "run-history.json"
        local = len(json.loads(history.read_text())["epochs"]) if history.exists() else 0
        finished_before_kill.append(max(before, local))
        after.append(done())
    elif os.WEXITSTATUS(status) == 0:
        break
    else:
        sys.exit("a resumed run ended with an error")
left = 0
train("whole")
Path("report.json").write_text(json.dumps([killed, finished_before_kill, after]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="kills processes the POSIX way")
def test_a_machine_lost_twenty_times_costs_an_epoch_each_at_most(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    subprocess.run(
        [sys.executable, "-c", textwrap.dedent(PROGRAM), str(SEED), str(KILLS)],
        check=True,
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
    )
    machine = tmp_path / "machine"
    killed, finished, after = json.loads((machine / "report.json").read_text())
    assert killed == KILLS
    assert all(done >= known - 1 for known, done in zip(finished, after, strict=True))
    assert after == sorted(after) and after[-1] > 3, "kills that never let an epoch end say nothing"
    run, whole = (lab.History.read(machine / f"{name}-history.json") for name in ("run", "whole"))
    for column in ("train_loss", "train_accuracy", "val_loss", "val_accuracy", "learning_rate"):
        assert run[column] == whole[column], column
    for kind in ("best", "last"):
        ours, theirs = (load_file(machine / f"{n}-{kind}.safetensors") for n in ("run", "whole"))
        assert all(torch.equal(value, theirs[key]) for key, value in ours.items()), kind


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "drive" / "01"
    folder.parent.mkdir()
    monkeypatch.setenv("SKIPGRADE_RUNS", str(folder))
    return folder


def wipe() -> None:
    for path in Path().glob("run-*"):
        path.unlink()


def test_a_finished_run_comes_back_whole(net, loaders, kept: Path) -> None:
    history = lab.fit(net(), loaders, name="run", epochs=3)
    before = {path.name: path.read_bytes() for path in Path().glob("run-*")}
    wipe()
    assert lab.fit(net(), loaders, name="run", epochs=3).epochs == history.epochs
    assert {path.name: path.read_bytes() for path in Path().glob("run-*")} == before


def test_a_folder_named_later_gets_the_best_weights_too(net, loaders, kept: Path, monkeypatch):
    with monkeypatch.context() as without:
        without.delenv("SKIPGRADE_RUNS")
        lab.fit(net(), loaders, name="run", epochs=3)
    best = Path("run-best.safetensors").read_bytes()
    lab.fit(net(), loaders, name="run", epochs=3)
    wipe()
    lab.fit(net(), loaders, name="run", epochs=3)
    assert Path("run-best.safetensors").read_bytes() == best


def test_forget_deletes_what_was_kept(net, loaders, kept: Path) -> None:
    lab.fit(net(), loaders, name="run", epochs=1)
    assert list(kept.iterdir())
    lab.forget("run")
    assert not list(kept.iterdir())


def test_a_drive_that_is_not_mounted_is_named(net, loaders, monkeypatch) -> None:
    monkeypatch.setenv("SKIPGRADE_RUNS", "/content/drive/MyDrive/01")
    with pytest.raises(lab.LabError, match=r"no folder /content/drive/MyDrive.*drive\.mount"):
        lab.fit(net(), loaders, name="run", epochs=1)
    assert not list(Path().glob("run-*"))
