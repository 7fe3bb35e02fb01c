"""Does a run say and keep what really happened?"""

import json
import math
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import nn
from torch.optim import SGD
from torch.utils.data import DataLoader, TensorDataset

from skipgrade import lab
from skipgrade.lab.steps import LabStep


def test_a_run_leaves_its_files_and_learns(net, loaders):
    history = lab.fit(net(), loaders, name="net", epochs=5)
    assert len(history) == 5 and history["epoch"] == [1, 2, 3, 4, 5]
    assert history["train_loss"][-1] < history["train_loss"][0]
    for file in ("net-history.json", "net-best.safetensors", "net-last.safetensors"):
        assert Path(file).is_file()
    assert lab.History.read("net-history.json") == history


def test_best_weights_are_those_of_the_best_epoch(net, loaders):
    """With a learning rate this high the last epoch is seldom the best."""
    model = net()
    history = lab.fit(
        model, loaders, name="net", epochs=6, optimizer=lambda p: SGD(p, lr=0.8, momentum=0.9)
    )
    assert history.best["val_accuracy"] == max(history["val_accuracy"])
    best = net()
    best.load_state_dict(load_file("net-best.safetensors"))
    loss, accuracy = lab.evaluate(best, loaders[1])
    assert (loss, accuracy) == (history.best["val_loss"], history.best["val_accuracy"])
    last = net()
    last.load_state_dict(load_file("net-last.safetensors"))
    assert lab.evaluate(last, loaders[1])[0] == history["val_loss"][-1]
    assert history.best["epoch"] < 6, "choose a seed where the last epoch is not the best"
    for key, value in model.state_dict().items():
        assert torch.equal(value, best.state_dict()[key]), "the model is left with the best weights"


def test_training_accuracy_is_that_of_the_scores_the_step_computed(net, loaders):
    right: list[int] = []

    def step(model, images, labels, loss_fn, optimizer):
        scores = model(images)
        right.append(int((scores.argmax(1) == labels).sum()))
        loss = loss_fn(scores, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        model(torch.zeros_like(images))  # a second pass must not be counted
        return loss.item()

    history = lab.fit(net(), loaders, name="net", epochs=2, step=step)
    per_epoch = len(loaders[0])
    expected = [sum(right[:per_epoch]) / 70, sum(right[per_epoch:]) / 70]
    assert history["train_accuracy"] == expected


def test_training_loss_weighs_every_image_alike(net, loaders):
    seen: list[tuple[float, int]] = []

    def step(model, images, labels, loss_fn, optimizer):
        loss = loss_fn(model(images), labels)
        seen.append((loss.item(), len(labels)))
        return loss

    history = lab.fit(net(), loaders, name="net", epochs=1, step=step)
    expected = sum(loss * count for loss, count in seen) / 70
    assert history["train_loss"] == [pytest.approx(expected, rel=1e-6)]


def test_the_students_own_step_is_the_only_one_used(net, loaders):
    def lazy(model, images, labels, loss_fn, optimizer):
        return loss_fn(model(images), labels).item()

    model = net()
    before = model.last.weight.clone()
    lab.fit(model, loaders, name="net", epochs=2, step=lazy)
    assert torch.equal(model.last.weight.cpu(), before)


def test_the_students_own_evaluate_fills_the_validation_columns(net, loaders):
    given = iter([(3.0, 0.25), (2.0, 0.75), (1.0, 0.5)])
    history = lab.fit(
        net(), loaders, name="net", epochs=3, evaluate=lambda model, loader, loss: next(given)
    )
    assert history["val_loss"] == [3.0, 2.0, 1.0]
    assert history.best["epoch"] == 2


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (lambda m, x, y, loss, o: (m(x), None)[1], "return its loss as a number"),
        (lambda m, x, y, loss, o: loss(m.forward(x), y).item(), "must call model"),
    ],
)
def test_a_step_that_cannot_be_used_is_explained(net, loaders, step, message):
    with pytest.raises(lab.LabError, match=message):
        lab.fit(net(), loaders, name="net", epochs=1, step=step)


@pytest.mark.parametrize(
    ("answer", "message"),
    [(None, "two numbers"), (0.5, "two numbers"), ((1.0, 63.0), "fraction")],
)
def test_an_evaluate_that_cannot_be_used_is_explained(net, loaders, answer, message):
    with pytest.raises(lab.LabError, match=message):
        lab.fit(net(), loaders, name="net", epochs=1, evaluate=lambda *_: answer)


def test_loss_and_optimizer_are_used_as_given(net, loaders):
    asked: list[float] = []

    def loss(scores, labels):
        asked.append(1.0)
        return nn.functional.cross_entropy(scores, labels) * 10

    history = lab.fit(
        net(), loaders, name="net", epochs=1, loss=loss, optimizer=lambda p: SGD(p, lr=0.0)
    )
    assert asked and history["train_loss"][0] > 5 and history["learning_rate"] == [0.0]


def test_a_run_that_diverges_says_so_and_saves_no_nan(net, loaders, capsys):
    plain = nn.Sequential(nn.Flatten(), nn.Linear(27, 50), nn.Linear(50, 3))
    history = lab.fit(
        plain, loaders, name="wild", epochs=3, optimizer=lambda p: SGD(p, lr=1e6, momentum=0.9)
    )
    assert history.stopped and "learning rate" in history.stopped and "1e+06" in history.stopped
    assert history.stopped in capsys.readouterr().out
    assert not Path("wild-best.safetensors").exists()
    assert "NaN" not in Path("wild-history.json").read_text()
    with pytest.raises(lab.LabError, match="no epoch was finished"):
        _ = history.best
    lab.plot_history(history)
    lab.plot_sweep({"1e6": history, "fine": lab.fit(net(), loaders, name="net", epochs=1)})


def test_a_run_that_diverges_later_keeps_the_good_epochs(net, loaders):
    losses = iter([*[0.1] * len(loaders[0]), *[math.nan] * len(loaders[0])])

    def step(model, images, labels, loss_fn, optimizer):
        model(images)
        return next(losses)

    history = lab.fit(net(), loaders, name="net", epochs=2, step=step)
    assert len(history) == 1 and "epoch 2" in str(history.stopped)
    lab.evaluate(net(), loaders[1])
    assert all(torch.isfinite(v).all() for v in load_file("net-best.safetensors").values())


def test_the_schedule_is_stepped_after_every_batch(net, loaders):
    rates: list[float] = []

    def step(model, images, labels, loss_fn, optimizer):
        rates.append(optimizer.param_groups[0]["lr"])
        return loss_fn(model(images), labels)

    def run(name, schedule):
        rates.clear()
        lab.fit(net(), loaders, name=name, epochs=4, schedule=schedule, step=step,
                optimizer=lambda p: SGD(p, lr=0.5))  # fmt: skip
        return list(rates)

    falling = run("cosine", lab.cosine)
    assert falling[0] == 0.5 and falling == sorted(falling, reverse=True) and falling[-1] < 0.01
    cycle = run("cycle", lab.one_cycle(0.4))
    assert max(cycle) == pytest.approx(0.4, rel=0.1) and cycle[0] < 0.1 and cycle[-1] < 0.04


def test_autograding_trains_nothing_and_gives_back_the_hand_in(net, loaders, monkeypatch):
    trained = net()
    history = lab.fit(trained, loaders, name="net", epochs=2)
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    before = {file: file.stat().st_mtime_ns for file in Path().iterdir()}
    fresh = net()

    def no_step(*_):
        raise AssertionError("trained while grading")

    assert lab.fit(fresh, loaders, name="net", epochs=50, step=no_step) == history
    for key, value in trained.state_dict().items():
        assert torch.equal(fresh.state_dict()[key].cpu(), value.cpu())
    assert {file: file.stat().st_mtime_ns for file in Path().iterdir()} == before


def test_nbgrader_validate_trains_as_a_run_all_does(net, loaders, monkeypatch):
    monkeypatch.setenv("NBGRADER_EXECUTION", "validate")
    assert len(lab.fit(net(), loaders, name="net", epochs=1).epochs) == 1
    assert Path("net-best.safetensors").is_file()


@pytest.mark.parametrize("file", ["net-history.json", "net-best.safetensors"])
@pytest.mark.parametrize("damage", ["missing", "cut", "garbage"])
def test_autograding_names_the_file_that_cannot_be_used(net, loaders, monkeypatch, file, damage):
    lab.fit(net(), loaders, name="net", epochs=1)
    path = Path(file)
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-9] if damage == "cut" else os.urandom(64))
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    with pytest.raises(lab.LabError, match=file):
        lab.fit(net(), loaders, name="net", epochs=1)


def test_autograding_refuses_weights_of_another_model(net, loaders, monkeypatch):
    lab.fit(net(width=9), loaders, name="net", epochs=1)
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    with pytest.raises(lab.LabError, match=r"net-best.safetensors does not fit .*shape"):
        lab.fit(net(width=8), loaders, name="net", epochs=1)


@pytest.mark.parametrize(
    "change",
    [
        {"epochs": []},
        {"format": "other"},
        {"epochs": [{"epoch": 1}]},
        {"val_accuracy": 2.0},
        {"val_accuracy": "0.9"},
        {"val_accuracy": True},
        {"train_loss": math.nan},
        {"epoch": 7},
    ],
)
def test_a_history_file_is_believed_only_when_it_is_well_formed(net, loaders, change):
    lab.fit(net(), loaders, name="net", epochs=1)
    content = json.loads(Path("net-history.json").read_text())
    for key, value in change.items():
        (content if key in content else content["epochs"][0])[key] = value
    Path("net-history.json").write_text(json.dumps(content))
    if change == {"epochs": []}:
        assert len(lab.History.read("net-history.json")) == 0
        return
    with pytest.raises(lab.LabError, match=r"net-history\.json is not a training history"):
        lab.History.read("net-history.json")


def test_an_empty_loader_is_refused(net, loaders):
    nothing = DataLoader(TensorDataset(torch.zeros(0, 3, 3, 3), torch.zeros(0)), 4)
    with pytest.raises(lab.LabError, match="training loader is empty"):
        lab.fit(net(), (nothing, loaders[1]), name="net", epochs=1)
    with pytest.raises(lab.LabError, match="no image to evaluate"):
        lab.fit(net(), (loaders[0], nothing), name="net", epochs=1)


def test_evaluating_leaves_the_model_as_it_was(net, loaders):
    model = net().train()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    loss, accuracy = lab.evaluate(model, loaders[1])
    scores, labels = lab.predictions(model, loaders[1])
    assert model.training
    assert all(torch.equal(before[key], value.cpu()) for key, value in model.state_dict().items())
    assert accuracy == int((scores.argmax(1) == labels).sum()) / len(labels)
    assert loss == pytest.approx(nn.functional.cross_entropy(scores, labels).item(), rel=1e-5)


@pytest.mark.parametrize("short", [torch.bfloat16, None])
def test_the_labs_own_step_computes_in_the_machines_short_floats(
    short: torch.dtype | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Scores in the short type, loss and weights in float32; without one, float32 throughout."""
    monkeypatch.setattr("skipgrade.lab.steps.short_floats", lambda: short)
    model = nn.Linear(4, 3)
    seen = []
    model.register_forward_hook(lambda layer, inputs, scores: seen.append(scores.dtype))

    def loss(scores: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        seen.append(scores.dtype)
        return nn.functional.cross_entropy(scores, labels)

    before = model.weight.detach().clone()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    LabStep()(model, torch.randn(8, 4), torch.arange(8) % 3, loss, optimizer)
    assert seen == [short or torch.float32, torch.float32]
    assert model.weight.dtype == torch.float32 and not torch.equal(model.weight, before)


@pytest.mark.parametrize(("images", "exact"), [("builtin", True), ("official", False)])
def test_runs_on_the_drawn_images_are_exact_on_every_machine(
    images: str,
    exact: bool,
    net: Callable[[], nn.Module],
    loaders: tuple[DataLoader, DataLoader],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """float32 and deterministic algorithms; a course's own images get the machine's fastest."""
    monkeypatch.setenv("SKIPGRADE_DATASET", images)
    monkeypatch.setattr("skipgrade.lab.steps.short_floats", lambda: torch.bfloat16)
    model = net()
    seen = set()

    def filling() -> bool:  # new memory with NaN, which takes time and changes nothing
        return torch.utils.deterministic.fill_uninitialized_memory  # type: ignore[attr-defined]

    def look(layer: nn.Module, inputs: object, scores: torch.Tensor) -> None:
        if layer.training:
            seen.add((scores.dtype, torch.are_deterministic_algorithms_enabled(), filling()))

    model.register_forward_hook(look)
    lab.fit(model, loaders, name="net", epochs=1)
    assert seen == {(torch.float32, True, False) if exact else (torch.bfloat16, False, True)}
    assert not torch.are_deterministic_algorithms_enabled() and filling()


@pytest.mark.parametrize("before", [(False, False), (True, False), (True, True)])
def test_what_was_asked_of_torch_before_a_run_holds_after_it(
    before: tuple[bool, bool],
    net: Callable[[], nn.Module],
    loaders: tuple[DataLoader, DataLoader],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SKIPGRADE_DATASET", "builtin")
    asked, warn_only = before
    try:
        torch.use_deterministic_algorithms(asked, warn_only=warn_only)
        with pytest.raises(ZeroDivisionError):
            lab.fit(net(), loaders, name="net", epochs=1, step=lambda *args: 1 / 0)
        assert torch.are_deterministic_algorithms_enabled() == asked
        assert torch.is_deterministic_algorithms_warn_only_enabled() == warn_only
    finally:
        torch.use_deterministic_algorithms(False)


def test_the_history_tells_what_was_frozen(net, loaders):
    """The fingerprint follows the values that do not learn, and those alone."""

    def seen(name: str, *, freeze: bool, value: float = 0.1) -> str | None:
        model = net()
        first = next(iter(model.parameters()))
        nn.init.constant_(first, value)
        first.requires_grad_(not freeze)
        return lab.fit(model, loaders, name=name, epochs=1).settings["frozen"]

    assert seen("free", freeze=False) is None
    one = seen("one", freeze=True)
    assert one is not None and one == seen("again", freeze=True)
    assert seen("other", freeze=True, value=0.2) != one
