"""Two networks that compute different things: which step differs, and what belongs there?"""

from __future__ import annotations

import pytest

from tests.judging.trial import judge

NET = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4)
        self.more, self.again = nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4)
        self.head = nn.Linear(4, 5)
    def forward(self, x):
        x = F.relu(self.norm(self.conv(x)))
        x = F.max_pool2d(x, 2)
        x = F.relu(x + self.again(self.more(x)))
        x = F.dropout(x, 0.3, self.training)
        return self.head(x.mean((2, 3)))
"""
CHANGES = {
    "softmax at the end": (
        "return self.head(x.mean((2, 3)))", "return self.head(x.mean((2, 3))).softmax(1)",
        "no softmax there", "softmax as the last step",
    ),
    "another pool": (
        "F.max_pool2d", "F.avg_pool2d",
        "max pool (2x2) after batch norm 1", "average pool (2x2) after batch norm 1",
    ),
    "another activation": (
        "F.relu(self.norm", "torch.tanh(self.norm",
        "ReLU after batch norm 1", "tanh after batch norm 1",
    ),
    "norm after the activation": (
        "F.relu(self.norm(self.conv(x)))", "self.norm(F.relu(self.conv(x)))",
        "ReLU 1 after batch norm 1", "ReLU 1 after convolution 1",
    ),
    "the sum after the activation": (
        "F.relu(x + self.again(self.more(x)))", "x + F.relu(self.again(self.more(x)))",
        "ReLU 2 after sum 1", "ReLU 2 after batch norm 2",
    ),
    "dropout in eval mode": (
        "0.3, self.training", "0.3, True",
        "no dropout there in eval mode", "dropout (probability 0.3) after sum 1",
    ),
    "another probability": (
        "0.3, self.training", "0.4, self.training",
        "dropout (probability 0.3) after sum 1 in train mode", "dropout (probability 0.4)",
    ),
    "one norm for both": (
        "self.again(self.more", "self.norm(self.more",
        "weights of its own for batch norm 2", "batch norm 2 with those of batch norm 1",
    ),
    "the other width": (
        "self.more, self.again = nn.Conv2d(4, 4, 3, padding=1)",
        "self.more, self.again = nn.Conv2d(4, 4, 5, padding=2)",
        "convolution 2 (4 to 4 channels, 3x3", "convolution 2 (4 to 4 channels, 5x5",
    ),
    "statistics of the batch": (
        "nn.BatchNorm2d(4)\n        self.more", "nn.BatchNorm2d(4, track_running_stats=False)\n        self.more",
        "batch norm (4 channels)", "with the batch's own statistics",
    ),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_the_step_is_named(change: str) -> None:
    old, new, expected, got = CHANGES[change]
    assert old in NET
    verdict = judge("check.function('Net()', x=images(3, size=8))", NET.replace(old, new), NET)
    assert verdict.share == 0
    (reason,) = verdict.reasons
    assert expected in reason.expected, reason
    assert got in reason.got, reason


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("x + self.again(self.more(x))", "self.again(self.more(x)) + x"),
        ("F.relu(self.norm(self.conv(x)))", "self.norm(self.conv(x)).clamp(min=0)"),
        ("x.mean((2, 3))", "F.adaptive_avg_pool2d(x, 1).flatten(1)"),
    ],
)
def test_another_idiom_is_not_blamed(old: str, new: str) -> None:
    """Beside a mistake, what is only written otherwise is not named."""
    student = NET.replace(old, new).replace("F.max_pool2d", "F.avg_pool2d")
    (reason,) = judge("check.function('Net()', x=images(3, size=8))", student, NET).reasons
    assert "average pool (2x2)" in reason.got, reason
