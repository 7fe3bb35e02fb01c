"""On a GPU: is a recorded step the step that was written, and is nothing recorded that is not?"""

import random
import sys
from contextlib import redirect_stdout
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import nn
from torch.optim import SGD, Adam
from torch.utils.data import DataLoader

from skipgrade import lab
from skipgrade.lab import data
from skipgrade.lab.loaders import Data, make_loaders
from skipgrade.lab.recording import STEPS_BEFORE, Heard, Recorder, recordable, traces

on_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")


@pytest.fixture(autouse=True)
def official(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the drawn images are trained on in exact arithmetic; these here count as official."""
    monkeypatch.setattr("skipgrade.lab.fitting.source", lambda: "official")


@pytest.fixture
def photos() -> Data:
    """Ten classes of coloured noise, with a last batch that is not full."""
    source = torch.Generator().manual_seed(0)

    def some(count: int) -> data.Images:
        labels = torch.randint(10, (count,), generator=source)
        colours = torch.randint(256, (10, 3, 1, 1), generator=torch.Generator().manual_seed(1))
        noise = torch.randint(-90, 91, (count, 3, 32, 32), generator=source)
        pixels = (colours[labels] + noise).clamp(0, 255).to(torch.uint8)
        return data.Images(pixels, labels, [str(number) for number in range(10)])

    splits = {"train": some(1000), "val": some(300), "test": some(300)}
    return make_loaders("cifar10", splits, batch_size=64, augment=True, seed=0)


class Small(nn.Module):
    """Convolution, batch norm, dropout; `between` is called in the middle of each pass."""

    def __init__(self, between=lambda maps: maps, flat=lambda maps: maps.flatten(1)) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, stride=2, padding=1)
        self.point = nn.Conv2d(8, 8, 1, stride=2, bias=False)
        self.norm = nn.BatchNorm2d(8)
        self.linear = nn.Linear(8 * 64, 10)
        self.dropout: nn.Module = nn.Dropout(0.1)
        self.between, self.flat, self.calls = between, flat, 0

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        maps = torch.relu(self.norm(self.point(self.conv(images))))
        return self.linear(self.dropout(self.flat(self.between(maps))))


def trained(monkeypatch: pytest.MonkeyPatch, photos, name: str, **options: Any) -> tuple:
    """A run with the lab's own step: its history, and how many of its steps were replayed."""
    replayed: list[int] = []
    replay = "skipgrade.lab.recording.Recording.replay"
    from skipgrade.lab.recording import Recording

    original = Recording.replay

    def counted(self, *batch):
        replayed.append(1)
        return original(self, *batch)

    with monkeypatch.context() as patch:
        patch.setattr(replay, counted)
        torch.manual_seed(1)
        model = options.pop("model", None) or Small()
        usual: dict[str, Any] = {"epochs": 4, "optimizer": lambda p: SGD(p, lr=0.02, momentum=0.9)}
        history = lab.fit(model, photos, name=name, **(usual | options))
    return history, len(replayed), model


@on_gpu
@pytest.mark.parametrize("make", [lambda p: SGD(p, lr=0.02, momentum=0.9), lambda p: Adam(p, 1e-3)])
@pytest.mark.parametrize("short", [torch.float16, torch.bfloat16, None])
def test_a_recorded_run_learns_what_the_same_run_learns_unrecorded(
    monkeypatch, photos, make, short
):
    monkeypatch.setattr("skipgrade.lab.steps.short_floats", lambda: short)
    recorded, replayed, _ = trained(monkeypatch, photos, "recorded", optimizer=make)
    monkeypatch.setattr("skipgrade.lab.recording.recordable", lambda *_: False)
    plain, none, _ = trained(monkeypatch, photos, "plain", optimizer=make)
    assert none == 0 and replayed == 4 * 15 - 4, "15 full batches an epoch, 4 before the recording"
    assert recorded["train_loss"] == pytest.approx(plain["train_loss"], rel=0.05)
    assert recorded["val_accuracy"] == pytest.approx(plain["val_accuracy"], abs=0.05)
    assert recorded["train_loss"][-1] < recorded["train_loss"][0]


@on_gpu
def test_without_dropout_and_in_float32_it_is_the_same_run_to_the_last_digits(monkeypatch, photos):
    monkeypatch.setattr("skipgrade.lab.steps.short_floats", lambda: None)
    torch.backends.cudnn.deterministic = True
    still = Small()
    still.dropout = nn.Identity()
    start = {key: value.clone() for key, value in still.state_dict().items()}
    recorded, replayed, _ = trained(monkeypatch, photos, "recorded", model=still)
    monkeypatch.setattr("skipgrade.lab.recording.recordable", lambda *_: False)
    again = Small()
    again.dropout = nn.Identity()
    again.load_state_dict(start)
    plain, _, _ = trained(monkeypatch, photos, "plain", model=again)
    torch.backends.cudnn.deterministic = False
    assert replayed
    for column in ("train_loss", "train_accuracy", "val_loss", "val_accuracy"):
        assert recorded[column] == pytest.approx(plain[column], rel=1e-4), column


class Counting(Small):
    def forward(self, images: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        return super().forward(images)


COUNTED = 0


def counted(maps: torch.Tensor) -> torch.Tensor:
    global COUNTED
    COUNTED += 1
    return maps


@on_gpu
@pytest.mark.parametrize(
    "model",
    [
        lambda: Small(between=lambda maps: maps * (1 + maps.mean().item())),
        lambda: Small(between=lambda maps: maps if maps.mean() > 0 else -maps),
        lambda: Small(between=lambda maps: maps * random.uniform(0.9, 1.1)),
        lambda: Small(between=lambda maps: maps * float(0.9 + 0.2 * torch.rand(()))),
        lambda: Small(between=lambda maps: maps + maps.new_tensor(0.1).cpu().to(maps.device)),
        lambda: Small(between=counted),
        lambda: Small(between=lambda maps: (print(tuple(maps.shape)), maps)[1]),
        Counting,
    ],
    ids=["item", "if", "random", "torch.rand", "to the CPU", "global", "print", "counter"],
)
def test_what_a_recording_would_leave_out_is_not_recorded_and_trains(monkeypatch, photos, model):
    torch.manual_seed(1)
    history, replayed, _ = trained(monkeypatch, photos, "run", model=model())
    assert replayed == 0
    assert history["train_loss"][-1] < history["train_loss"][0]
    _, replayed, _ = trained(monkeypatch, photos, "after", model=Small())
    assert replayed, "a network that can be recorded still is"


@on_gpu
def test_a_run_is_resumed_with_its_recording(monkeypatch, photos):
    monkeypatch.setattr("skipgrade.lab.steps.short_floats", lambda: None)
    model = Small()
    model.dropout = nn.Identity()
    start = {key: value.clone() for key, value in model.state_dict().items()}
    straight, _, _ = trained(monkeypatch, photos, "straight", model=model)
    for epochs in (2, 4):
        model = Small()
        model.dropout = nn.Identity()
        model.load_state_dict(start)
        broken, replayed, _ = trained(monkeypatch, photos, "broken", epochs=epochs, model=model)
        assert replayed
    assert broken["train_loss"] == pytest.approx(straight["train_loss"], rel=1e-3)


@on_gpu
def test_a_network_that_flattens_with_view_trains_in_the_ordinary_order(monkeypatch, photos):
    model = Small(flat=lambda maps: maps.view(len(maps), -1))
    history, replayed, model = trained(monkeypatch, photos, "view", model=model)
    assert replayed and history["train_loss"][-1] < history["train_loss"][0]


@on_gpu
def test_the_model_comes_back_in_the_ordinary_order_with_its_best_weights(monkeypatch, photos):
    _, _, model = trained(monkeypatch, photos, "run")
    assert model.conv.weight.is_contiguous()
    for key, value in load_file("run-best.safetensors").items():
        assert torch.equal(value, model.state_dict()[key].cpu())
    _, accuracy = lab.evaluate(model, photos.val)
    best = lab.History.read("run-history.json").best
    assert accuracy == pytest.approx(best["val_accuracy"], abs=0.01)


@on_gpu
def test_a_students_own_step_and_loader_run_as_written(monkeypatch, photos):
    seen: list[torch.Tensor] = []

    def step(model, images, labels, loss, optimizer):
        seen.append(images)
        optimizer.zero_grad()
        value = loss(model(images), labels)
        value.backward()
        optimizer.step()
        return value

    mine = DataLoader(photos.train.dataset, 64, collate_fn=lambda batch: batch)
    history, replayed, _ = trained(monkeypatch, (mine, photos.val), "own", step=step)
    assert replayed == 0 and history["train_loss"][-1] < history["train_loss"][0]
    assert all(images.is_cuda and images.is_contiguous() for images in seen)


@on_gpu
def test_a_students_own_loss_is_not_recorded(monkeypatch, photos):
    def loss(scores, labels):
        return nn.functional.cross_entropy(scores, labels) * random.uniform(0.9, 1.1)

    _, replayed, _ = trained(monkeypatch, photos, "own", loss=loss)
    assert replayed == 0
    _, replayed, _ = trained(
        monkeypatch, photos, "smooth", loss=nn.CrossEntropyLoss(label_smoothing=0.1)
    )
    assert replayed


def test_hooks_and_foreign_losses_are_told_apart():
    assert recordable(Small(), nn.functional.cross_entropy)
    assert recordable(Small(), nn.CrossEntropyLoss(label_smoothing=0.1))
    assert not recordable(Small(), lambda scores, labels: scores.sum())
    hooked = Small()
    hooked.conv.register_forward_hook(lambda *_: None)
    assert not recordable(hooked, nn.functional.cross_entropy)


@pytest.mark.parametrize(
    "act",
    [
        lambda model: random.random(),
        lambda model: torch.rand(()),
        lambda model: setattr(model, "calls", model.calls + 1),
        lambda model: counted(torch.zeros(())),
    ],
    ids=["random", "torch", "attribute", "global"],
)
def test_what_a_pass_leaves_behind_in_python_is_seen(act):
    model = Small()
    before = traces(model)
    assert traces(model) == before
    act(model)
    assert traces(model) != before


def test_what_a_pass_prints_is_passed_on_and_heard(capsys):
    heard = Heard(sys.stdout)
    with redirect_stdout(heard):
        pass
    assert not heard.anything
    with redirect_stdout(heard):
        print("shape", (2, 3))
    assert heard.anything and capsys.readouterr().out == "shape (2, 3)\n"


def test_a_count_in_a_function_around_the_network_is_seen():
    calls = 0

    class Enclosed(nn.Module):
        def forward(self, images):
            nonlocal calls
            calls += 1
            return images

    model = Enclosed()
    before = traces(model)
    model(torch.zeros(1))
    assert traces(model) != before


def test_a_network_that_may_not_be_recorded_runs_as_it_is():
    """Also on a machine without a GPU: the recorder then only passes on."""
    recorder = Recorder(Small(), lambda scores, labels: scores.sum())
    weight = nn.Parameter(torch.ones(1))
    passed = recorder(lambda x, y: (x, y), weight, weight, SGD([weight], lr=0.1))
    assert passed == (weight, weight)


def test_a_step_that_cannot_be_recorded_after_all_runs_as_it_is(monkeypatch):
    def refuse(*_):
        raise RuntimeError("operation not permitted when stream is capturing")

    monkeypatch.setattr("skipgrade.lab.recording.Recording", refuse)
    recorder = Recorder(Small(), lambda scores, labels: scores.sum())
    aside: Any = object()
    recorder._wanted, recorder._aside, recorder._steps = True, aside, STEPS_BEFORE
    weight = nn.Parameter(torch.ones(1))
    optimizer = SGD([weight], lr=0.1)
    for _ in range(2):
        assert recorder(lambda x, y: (x, y), weight, weight, optimizer) == (weight, weight)
    assert not recorder._wanted
