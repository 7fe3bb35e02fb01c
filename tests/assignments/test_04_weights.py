"""04, weights: how many images must be right, and whose network they have to belong to."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import save_file

from skipgrade import lab
from tests.assignments.test_04_runs import IDLE, NETWORKS, TRIAL, fresh


@pytest.fixture(scope="module")
def questions() -> torch.Tensor:
    return torch.randint(256, (200, 3, 32, 32), generator=torch.Generator().manual_seed(3)).byte()


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize(("of_goal", "share"), [(1.0, 1.0), (0.85, 0.5), (0.6, 0.0)])
def test_accuracy_earns_all_half_or_nothing(
    name: str,
    of_goal: float,
    share: float,
    questions: torch.Tensor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    solution = TRIAL.solution
    monkeypatch.setitem(solution, "NARROW", dict.fromkeys(NETWORKS, 0.5))
    net = fresh(name)
    save_file(net.state_dict(), f"{name}-best.safetensors")
    mean, std = (
        torch.tensor(part).view(1, 3, 1, 1) for part in lab.normalisation(solution["DATA"])
    )
    with torch.no_grad():
        labels = net((questions / 255 - mean) / std).argmax(1)
    right = round(of_goal * 0.5 * len(labels) + 0.49)
    labels[right:] = (labels[right:] + 1) % 100
    found = TRIAL.verdict(f"test-{name}-accuracy", IDLE, holdout=lambda data: (questions, labels))
    assert not found.internal_error
    assert found.share == share, found.reasons


@pytest.mark.parametrize(("width", "share"), [(32, 1.0), (33, 0.0)])
def test_wider_networks_are_asked_for_more(
    width: int, share: float, questions: torch.Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By what the network is, whatever the notebook calls its width."""
    solution = TRIAL.solution
    monkeypatch.setitem(solution, "NARROW", {"plain": 0.3})
    monkeypatch.setitem(solution, "GOAL", {"plain": 0.9})
    net = solution["PlainNet18"](width=width).eval()
    save_file(net.state_dict(), "plain-best.safetensors")
    mean, std = (
        torch.tensor(part).view(1, 3, 1, 1) for part in lab.normalisation(solution["DATA"])
    )
    with torch.no_grad():
        labels = net((questions / 255 - mean) / std).argmax(1)
    labels[70:] = (labels[70:] + 1) % 100
    code = TRIAL.cells["plain-net"] + (
        f"""
Honest = PlainNet18
def PlainNet18(width=64, classes=100):
    return Honest({width} if width == WIDTH else width, classes)
"""
    )
    changed = IDLE | {"plain-net": code}
    found = TRIAL.verdict("test-plain-accuracy", changed, holdout=lambda data: (questions, labels))
    assert not found.internal_error
    assert found.share == share, found.reasons


OTHER_MAKES = {
    "filters of 5 by 5": "net.first[0] = nn.Conv2d(3, width, 5, 1, 2, bias=False)",
    "another block": "net.blocks[1] = ResBlock(width, width, 2)",
    "a deeper end": "net.last = nn.Sequential(nn.Linear(8 * width, 64), nn.Linear(64, 100))",
}  # fmt: skip


@pytest.mark.parametrize("name", OTHER_MAKES)
def test_the_network_with_weights_is_of_the_make_that_was_tested(name: str) -> None:
    """One network for the tests of the code and another one for the accuracy."""
    code = (
        TRIAL.cells["resnet"]
        + f"""
Honest = ResNet18
def ResNet18(width=64, classes=100):
    net = Honest(width, classes)
    if width == WIDTH:
        {OTHER_MAKES[name]}
    return net
"""
    )
    changed = IDLE | {"resnet": code}
    save_file(TRIAL.student(changed)["ResNet18"](8).state_dict(), "residual-best.safetensors")
    found = TRIAL.verdict("test-residual-accuracy", changed)
    assert found.share == 0
    assert "made in different ways" in found.reasons[0]


def test_weights_of_another_network_are_refused() -> None:
    solution = TRIAL.solution
    plain = solution["PlainNet18"](width=solution["WIDTH"])
    save_file(plain.state_dict(), "residual-best.safetensors")
    found = TRIAL.verdict("test-residual-accuracy", IDLE)
    assert found.share == 0
    assert "does not fit" in found.reasons[0]
