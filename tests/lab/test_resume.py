"""Can a student go on after a disconnect, and never with the wrong run?"""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import nn
from torch.optim import SGD, Adam

from skipgrade import lab


class Disconnected(Exception):
    pass


def breaking_step(at: int):
    """The plain step, which breaks off in the middle of an epoch."""
    count = 0

    def step(model, images, labels, loss_fn, optimizer):
        nonlocal count
        count += 1
        if count == at:
            raise Disconnected
        optimizer.zero_grad()
        loss = loss_fn(model(images), labels)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


class Tiring(SGD):
    """Keeps a plain number in its state, and changes its own learning rate."""

    def step(self, closure=None):
        for group in self.param_groups:
            for weight in group["params"]:
                state = self.state[weight]
                state["count"] = state.get("count", 0) + 1
                weight.data.mul_(1 - 1e-3 * state["count"])
            group["lr"] *= 0.95
        return super().step(closure)


def files(name: str) -> dict[str, dict[str, torch.Tensor]]:
    return {kind: load_file(f"{name}-{kind}.safetensors") for kind in ("best", "last", "resume")}


@pytest.mark.parametrize(
    "optimizer",
    [
        lambda p: SGD(p, lr=0.05, momentum=0.9, weight_decay=1e-3),
        lambda p: Adam(p, lr=0.01),
        lambda p: Tiring(p, lr=0.05),
    ],
)
@pytest.mark.parametrize(
    "schedule",
    [
        None,
        lab.cosine,
        lab.one_cycle(0.1),
        lambda o, total: torch.optim.lr_scheduler.CosineAnnealingLR(o, total),
        lambda o, total: torch.optim.lr_scheduler.OneCycleLR(o, 0.1, total),
    ],
)
def test_a_resumed_run_is_the_uninterrupted_one_bit_for_bit(net, loaders, optimizer, schedule):
    settings = {"epochs": 5, "optimizer": optimizer, "schedule": schedule}
    whole = lab.fit(net(), loaders, name="whole", step=breaking_step(10**9), **settings)
    for stop in (3 * 5 + 2, 5):  # in the fourth epoch, then on the last batch of the first after
        with pytest.raises(Disconnected):
            lab.fit(net(), loaders, name="parts", step=breaking_step(stop), **settings)
    model = net()
    parts = lab.fit(model, loaders, name="parts", step=breaking_step(10**9), **settings)
    for column in ("train_loss", "train_accuracy", "val_loss", "val_accuracy", "learning_rate"):
        assert parts[column] == whole[column], column
    for kind, tensors in files("whole").items():
        again = files("parts")[kind]
        assert tensors.keys() == again.keys()
        assert all(torch.equal(value, again[key]) for key, value in tensors.items()), kind


def test_the_labs_own_loaders_resume_exactly(monkeypatch):
    """Shuffling, random crops and flips included."""
    from skipgrade.lab import builtin

    monkeypatch.setattr(builtin, "TRAIN_COUNT", 300)
    monkeypatch.setattr(builtin, "TEST_COUNT", 50)
    lab.data._drawn.cache_clear()

    def model():
        torch.manual_seed(0)
        return nn.Sequential(nn.Conv2d(3, 4, 3, stride=4), nn.Flatten(), nn.LazyLinear(10))

    def fit(name, step, epochs=3):
        network = model()
        network(torch.zeros(1, 3, 32, 32))
        data = lab.load("cifar10", batch_size=50, augment=True)
        return lab.fit(network, data, name=name, epochs=epochs, step=step)

    whole = fit("whole", breaking_step(10**9))
    with pytest.raises(Disconnected):
        fit("parts", breaking_step(9))
    parts = fit("parts", breaking_step(10**9))
    lab.data._drawn.cache_clear()
    assert parts["train_loss"] == whole["train_loss"]
    assert parts["val_loss"] == whole["val_loss"]


def test_a_finished_run_returns_at_once_with_the_best_weights(net, loaders, capsys):
    history = lab.fit(net(), loaders, name="net", epochs=3)
    best = load_file("net-best.safetensors")
    model = net()
    again = lab.fit(model, loaders, name="net", epochs=3)
    assert again == history and "already trained for 3 epochs" in capsys.readouterr().out
    assert all(torch.equal(value.cpu(), best[key]) for key, value in model.state_dict().items())


def test_more_epochs_go_on_from_the_old_ones(net, loaders):
    first = lab.fit(net(), loaders, name="net", epochs=2, schedule=lab.cosine)
    longer = lab.fit(net(), loaders, name="net", epochs=4, schedule=lab.cosine)
    assert len(longer) == 4 and longer.epochs[:2] == first.epochs
    assert longer["learning_rate"][2] == pytest.approx(0.005), "half way along the longer cosine"


def test_fewer_epochs_than_trained_are_refused(net, loaders):
    lab.fit(net(), loaders, name="net", epochs=3)
    with pytest.raises(lab.LabError, match=r"already been trained for 3 epochs.*lab\.forget"):
        lab.fit(net(), loaders, name="net", epochs=2)


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"optimizer": lambda p: SGD(p, lr=0.02, momentum=0.9)}, "optimizer lr: 0.01 then, 0.02"),
        ({"optimizer": lambda p: Adam(p, lr=0.01)}, "optimizer: SGD then, Adam now"),
        ({"schedule": lab.cosine}, "schedule: the lab's own then, cosine now"),
        ({"schedule": lab.one_cycle(0.1)}, "max_lr=0.1"),
        ({"seed": 3}, "seed: 0 then, 3 now"),
        ({"loss": nn.MSELoss()}, "loss: .*MSELoss"),
    ],
)
def test_other_settings_under_an_old_name_are_refused(net, loaders, changed, named):
    lab.fit(net(), loaders, name="net", epochs=1)
    with pytest.raises(lab.LabError, match=named) as caught:
        lab.fit(net(), loaders, name="net", epochs=1, **changed)
    assert "another name" in str(caught.value) and "lab.forget('net')" in str(caught.value)


def test_another_model_under_an_old_name_is_refused(net, loaders):
    lab.fit(net(8), loaders, name="net", epochs=1)
    with pytest.raises(lab.LabError, match="layers"):
        lab.fit(net(9), loaders, name="net", epochs=1)
    swapped = net(8)
    swapped.layers[3] = nn.Tanh()
    with pytest.raises(lab.LabError, match="layers"):
        lab.fit(swapped, loaders, name="net", epochs=1)


def test_the_class_name_of_the_model_may_change(net, loaders):
    lab.fit(net(), loaders, name="net", epochs=1)
    renamed = type("Renamed", (type(net()),), {})()
    assert len(lab.fit(renamed, loaders, name="net", epochs=1)) == 1


def test_forget_makes_room_for_other_settings(net, loaders):
    lab.fit(net(), loaders, name="net", epochs=2)
    lab.fit(net(), loaders, name="net2", epochs=1)
    lab.forget("net")
    assert {path.name.partition("-")[0] for path in Path().iterdir()} == {"net2"}
    assert len(lab.fit(net(), loaders, name="net", epochs=1, seed=5)) == 1


def test_a_damaged_resume_file_is_named(net, loaders):
    lab.fit(net(), loaders, name="net", epochs=1)
    path = Path("net-resume.safetensors")
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(lab.LabError, match=r"net-resume\.safetensors cannot be read"):
        lab.fit(net(), loaders, name="net", epochs=2)


def test_weights_are_not_overwritten_when_the_resume_file_is_lost(net, loaders):
    lab.fit(net(), loaders, name="net", epochs=2)
    Path("net-resume.safetensors").unlink()
    before = Path("net-best.safetensors").read_bytes()
    with pytest.raises(lab.LabError, match=r"net-resume\.safetensors is not"):
        lab.fit(net(), loaders, name="net", epochs=3)
    assert Path("net-best.safetensors").read_bytes() == before


@pytest.mark.parametrize("kind", ["best.safetensors", "last.safetensors", "history.json"])
def test_files_lost_between_two_writes_come_back(net, loaders, kind):
    """A kill can strike after any of an epoch's files; the resume file restores the others."""
    lab.fit(net(), loaders, name="net", epochs=1)
    path = Path(f"net-{kind}")
    before = path.read_bytes()
    path.unlink()
    lab.fit(net(), loaders, name="net", epochs=1)
    assert path.read_bytes() == before


@pytest.mark.skipif(sys.platform == "win32", reason="kills a process the POSIX way")
def test_a_killed_run_leaves_files_that_load_and_goes_on(tmp_path):
    script = tmp_path / "train.py"
    script.write_text(
        textwrap.dedent("""
        import sys, torch
        from torch.utils.data import DataLoader, TensorDataset
        from skipgrade import lab
        torch.manual_seed(0)
        images, labels = torch.randn(64, 3, 4, 4), torch.arange(64) % 2
        loader = DataLoader(TensorDataset(images, labels), 8)
        model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(48, 2))
        lab.fit(model, (loader, loader), name="net", epochs=int(sys.argv[1]))
        """)
    )
    command = [sys.executable, str(script)]
    run = subprocess.Popen([*command, "100000"], stdout=subprocess.PIPE, text=True, cwd=tmp_path)
    assert run.stdout
    for line in run.stdout:
        if "epoch" in line and int(line.split("epoch")[1].split("/")[0]) >= 20:
            break
    os.kill(run.pid, signal.SIGKILL)
    run.wait()
    run.stdout.close()
    history = lab.History.read("net-history.json")
    done = len(history)
    assert done >= 20
    for kind in ("best", "last", "resume"):
        assert load_file(f"net-{kind}.safetensors")
    assert not list(Path().glob("*.json.*"))
    on_disk = subprocess.run(
        [*command, str(done + 2)], cwd=tmp_path, capture_output=True, text=True
    )
    assert on_disk.returncode == 0, on_disk.stderr
    assert "going on after epoch" in on_disk.stdout
    assert len(lab.History.read("net-history.json")) == done + 2


@pytest.mark.parametrize("name", ["", "../net", "a/b", "-x", "a b"])
def test_names_that_cannot_be_file_names_are_refused(net, loaders, name):
    with pytest.raises(lab.LabError, match="name="):
        lab.fit(net(), loaders, name=name, epochs=1)
