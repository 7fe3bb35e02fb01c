"""08, what training leaves behind: frozen layers, epochs, the comparison of two runs."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from skipgrade import lab
from skipgrade.judging.judge.trial import Trial
from tests.assignments import variants
from tests.assignments.transfer import as_in_grading, trial  # noqa: F401 (a fixture)


def trained(solution: dict, *, touched: Callable[[nn.Module], None] = lambda net: None) -> None:
    """Files of a run `transfer` as lab.fit leaves them, frozen layers changed by `touched`."""
    model = solution["build_transfer"]()
    for module in model.modules():  # as if pretrained
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
    still = [p.detach().numpy().tobytes() for p in model.parameters() if not p.requires_grad]
    note = hashlib.sha256(b"".join(still)).hexdigest()
    touched(model)
    save_file(model.state_dict(), "transfer-best.safetensors")
    lab.History("transfer", epochs(3), {"frozen": note}).write("transfer-history.json")


def epochs(count: int, scale: float = 1.0, accuracy: float = 0.1) -> list[dict]:
    """Rows of a history; as many pictures right as by guessing."""
    return [
        {
            "epoch": number, "train_loss": scale / number, "train_accuracy": 0.5,
            "val_loss": scale / number + 0.1, "val_accuracy": accuracy, "learning_rate": 0.1,
            "seconds": 1.0,
        }
        for number in range(1, count + 1)
    ]  # fmt: skip


@torch.no_grad()
def statistics_moved(model: nn.Module) -> None:
    for name, buffer in model.named_buffers():
        if "running" in name:
            buffer.mul_(1.1)


@torch.no_grad()
def one_weight_moved(model: nn.Module) -> None:
    resnet: Any = model.resnet
    resnet.layer3[1].bn2.bias[7] += 1e-6


@torch.no_grad()
def first_layer_moved(model: nn.Module) -> None:
    resnet: Any = model.resnet
    resnet.conv1.weight.mul_(1.5)


@torch.no_grad()
def last_stage_moved(model: nn.Module) -> None:
    resnet: Any = model.resnet
    for parameter in resnet.layer4.parameters():
        parameter.add_(0.1)


@pytest.mark.parametrize(
    ("touched", "share"),
    [(statistics_moved, 1), (last_stage_moved, 1), (one_weight_moved, 0)],
)
def test_frozen_parameters_must_not_move_statistics_may(touched, share):
    trained(trial.solution, touched=touched)
    assert trial.verdict("test-frozen").share == share


def test_frozen_layers_must_be_pretrained():
    def fresh(model):
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d):
                nn.init.ones_(module.weight)

    trained(trial.solution, touched=fresh)
    still = [
        p.detach().numpy().tobytes()
        for p in _loaded(trial.solution).parameters()
        if not p.requires_grad
    ]
    note = {"frozen": hashlib.sha256(b"".join(still)).hexdigest()}
    lab.History("transfer", epochs(3), note).write("transfer-history.json")
    verdict = trial.verdict("test-frozen")
    assert verdict.share == 0 and "pretrained" in verdict.reasons[0]


def _loaded(solution: dict) -> nn.Module:
    from safetensors.torch import load_file

    model = solution["build_transfer"]()
    model.load_state_dict(load_file("transfer-best.safetensors"))
    return model


def test_nothing_frozen_or_nothing_handed_in_earns_nothing():
    assert trial.verdict("test-frozen").share == 0
    trained(trial.solution)
    nothing_frozen = {"freeze": "def freeze(model):\n    return model"}
    assert trial.verdict("test-frozen", nothing_frozen).share == 0
    lab.History("transfer", epochs(3), {}).write("transfer-history.json")
    assert trial.verdict("test-frozen").share == 0


def test_a_freeze_that_lost_its_own_points_does_not_lose_these_too(monkeypatch):
    """One stage more may learn than was asked for; what is frozen has to stay all the same."""
    changed = {
        "freeze": trial.cells["freeze"].replace(
            "    return model", "    model.resnet.layer3.requires_grad_(True)\n    return model"
        )
    }
    student = trial.student(changed)
    trained(student)
    assert trial.verdict("test-frozen", changed).share == 0  # that nobody has said so far
    monkeypatch.setattr(variants, "Trial", partial(Trial, faulty={"freeze"}))
    verdict = trial.verdict("test-frozen", changed)
    assert verdict.share == 1 and "`freeze`" in str(verdict.notes)
    trained(student, touched=first_layer_moved)
    assert trial.verdict("test-frozen", changed).share == 0


def test_where_the_published_weights_are_at_hand_they_decide(monkeypatch):
    trained(trial.solution)
    published = {
        name.removeprefix("resnet."): value
        for name, value in _loaded(trial.solution).state_dict().items()
    }
    monkeypatch.setattr("skipgrade.lab.pretrained.published", lambda: published)
    assert trial.verdict("test-frozen").share == 1
    published["layer1.0.conv1.weight"] = published["layer1.0.conv1.weight"] + 1
    assert trial.verdict("test-frozen").share == 0


@pytest.mark.parametrize(
    ("run", "grade_id"), [("transfer", "test-transfer"), ("hundred", "test-hundred")]
)
def test_more_than_five_epochs_are_too_many(run, grade_id):
    lab.History(run, epochs(6)).write(f"{run}-history.json")
    verdict = trial.verdict(grade_id)
    assert verdict.share == 0 and "5 epochs" in verdict.reasons[0]


def test_the_comparison_shows_both_runs():
    trained(trial.solution)
    transfer, own = lab.History.read("transfer-history.json"), lab.History("tuned", epochs(9, 2.0))
    own.write("own-history.json")

    def share(figure: object) -> float:
        given = {"transfer_history": transfer, "own_history": own, "compare_figure": figure}
        return trial.verdict("test-compare", given=given).share

    assert share(lab.plot_history(transfer, own)) == 1
    assert share(lab.plot_history(transfer, own, metrics=("loss",))) == 1
    assert share(lab.plot_history(transfer)) == 0
    assert share(lab.plot_history(transfer, own, metrics=("accuracy",))) == 0
    assert share(None) == 0
    transfer.write("own-history.json")
    assert share(lab.plot_history(transfer, transfer)) == 0


def test_a_history_is_believed_as_far_as_its_weights_go():
    trained(trial.solution)
    transfer, own = (
        lab.History("transfer", epochs(3, accuracy=0.9)),
        lab.History("o", epochs(3, 2.0)),
    )
    transfer.write("transfer-history.json")
    own.write("own-history.json")
    given = {"transfer_history": transfer, "own_history": own,
             "compare_figure": lab.plot_history(transfer, own)}  # fmt: skip
    verdict = trial.verdict("test-compare", given=given)
    assert verdict.share == 0 and "do what its history says" in verdict.reasons[0]


@pytest.mark.parametrize("run", ["transfer", "hundred"])
def test_the_network_with_weights_is_of_the_make_that_was_tested(run):
    """One network for the tests of the code, and another one for the accuracy."""
    build = f"def build_{run}(): return nn.Sequential(nn.Flatten(), nn.Linear(3072, 100))"
    save_file(
        {"1.weight": torch.zeros(100, 3072), "1.bias": torch.zeros(100)},
        f"{run}-best.safetensors",
    )
    lab.History(run, epochs(3)).write(f"{run}-history.json")
    verdict = trial.verdict(f"test-{run}", {"builders" if run == "transfer" else "hundred": build})
    assert verdict.share == 0 and "made in different ways" in verdict.reasons[0]
