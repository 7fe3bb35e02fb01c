"""07: one mistake costs once, and what is close to right is told from it."""

from __future__ import annotations

import pytest

from tests.assignments.variants import Assignment

TRIAL = Assignment("07-resnet-cifar100")
BLOCK, NETWORK, MEASURE = (TRIAL.cells[cell] for cell in ("block", "network", "measure"))
MATCH = "nn.Conv2d(channels_in, channels_out, 1, stride)"
SUM = "return self.norm2(self.conv2(inner)) + self.match_dim(maps)"

BLOCKS = {
    "batch norm in match_dim": (MATCH, f"nn.Sequential({MATCH}, nn.BatchNorm2d(channels_out))", 0.0),
    "match_dim always": ("if stride != 1:", "if True:", 0.0),
    "no shortcut": (" + self.match_dim(maps)", "", 0.0),
    "a match_dim that is never used": (
        "if stride != 1:",
        "self.never = nn.Conv2d(channels_in, channels_out, 1)\n        if stride != 1:",
        0.75,
    ),
    "the sum in place": (SUM, "new = self.norm2(self.conv2(inner))\n"
                         "        maps = self.match_dim(maps)\n"
                         "        maps += new\n        return maps", 0.0),
}  # fmt: skip
MIRROR = """
def mirror_accuracies(model, loader):
    images = torch.cat([some for some, _ in loader])
    labels = torch.cat([some for _, some in loader])
    assert len(labels) == len(loader.dataset)
    mode = model.training
    model.eval()
    with torch.no_grad():
        as_is, sideways, upside = model(images), model(images.flip(3)), model(images.flip(2))
    model.train(mode)
    scores = dict(zip(("as is", "left-right", "upside down"), (as_is, sideways, upside)))
    scores["averaged"] = {}
    return {{look: ({} == labels).float().mean().item() for look, some in scores.items()}}
"""


@pytest.mark.parametrize("mistake", BLOCKS)
def test_a_block_that_is_wrong_costs_the_network_nothing(mistake: str) -> None:
    old, new, share = BLOCKS[mistake]
    changed = {"block": BLOCK.replace(old, new)}
    assert changed["block"] != BLOCK
    found = TRIAL.report(changed, only=("test-block", "test-network"))
    assert found["test-block"].share == share, found["test-block"].reasons
    assert found["test-network"].share == 1.0, found["test-network"].reasons
    assert not found["test-block"].internal_error


def test_what_the_network_has_too_much_of_its_own_costs_all_the_same() -> None:
    changed = {
        "block": BLOCK.replace("if stride != 1:", "if True:"),
        "network": NETWORK.replace(
            "self.head =", "self.more = nn.Linear(3, 3)\n        self.head ="
        ),
    }
    found = TRIAL.report(changed, only=("test-block", "test-network"))
    assert found["test-network"].share == 0.75


@pytest.mark.parametrize(
    "average",
    ["(as_is + sideways) / 2", "torch.lerp(as_is, sideways, 0.5)", "as_is.add(sideways)"],
)
@pytest.mark.parametrize(
    "best", ["some.argmax(1)", "some.topk(1).indices[:, 0]", "some.max(-1)[1]"]
)
def test_averages_of_a_mirror_pair_are_no_ties(average: str, best: str) -> None:
    verdict = TRIAL.verdict("test-bonus-mirror", {"bonus-mirror": MIRROR.format(average, best)})
    assert verdict.share == 1.0, verdict.reasons


@pytest.mark.parametrize(
    "average", ["(as_is + upside) / 2", "as_is", "as_is.softmax(1) + sideways.softmax(1)"]
)
def test_other_averages_are_seen(average: str) -> None:
    code = MIRROR.format(average, "some.argmax(1)")
    assert TRIAL.verdict("test-bonus-mirror", {"bonus-mirror": code}).share == 0.0


def test_the_epoch_with_the_lowest_loss_is_another() -> None:
    lowest = MEASURE.replace("history.best", "min(history.epochs, key=lambda one: one['val_loss'])")
    assert TRIAL.verdict("test-gap", {"measure": lowest}).share == 0.0


def test_the_gap_may_be_below_zero() -> None:
    without_sign = MEASURE.replace("training - validation", "abs(training - validation)")
    verdict = TRIAL.verdict("test-gap", {"measure": without_sign})
    assert verdict.share == 0.75 and "below zero" in verdict.reasons[0]
