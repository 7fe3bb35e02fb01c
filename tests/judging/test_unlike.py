"""Two networks that compute different things: which step differs, and what belongs there?"""

from __future__ import annotations

import pytest

from skipgrade.judging.verdict import Reason
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
    "a norm of each map": (
        "nn.BatchNorm2d(4)\n        self.more", "nn.InstanceNorm2d(4, affine=True)\n        self.more",
        "batch norm (4 channels) after convolution 1",
        "instance norm (4 channels) after convolution 1",
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
        "separate weights for batch norm 2", "batch norm 2 with those of batch norm 1",
    ),
    "the other width": (
        "self.more, self.again = nn.Conv2d(4, 4, 3, padding=1)",
        "self.more, self.again = nn.Conv2d(4, 4, 5, padding=2)",
        "convolution 2 (4 to 4 channels, 3x3", "convolution 2 (4 to 4 channels, 5x5",
    ),
    "half of the padding": (
        "nn.Conv2d(3, 4, 3, padding=1)", "nn.Sequential(nn.ZeroPad2d(1), nn.Conv2d(3, 4, 5, padding=1))",
        "3x3, stride 1, padding 1)", "5x5, stride 1, padding 2)",
    ),
    "ones around the maps": (
        "nn.Conv2d(3, 4, 3, padding=1)", "nn.Sequential(nn.ConstantPad2d(1, 1.0), nn.Conv2d(3, 4, 3))",
        "3x3, stride 1, padding 1)", "convolution 1 (3 to 4 channels, 3x3, stride 1)",
    ),
    "zeros on two sides": (
        "nn.Conv2d(3, 4, 3, padding=1)", "nn.Sequential(nn.ZeroPad2d((2, 0, 2, 0)), nn.Conv2d(3, 4, 3))",
        "3x3, stride 1, padding 1)", "convolution 1 (3 to 4 channels, 3x3, stride 1)",
    ),
    "maps that go round": (
        "nn.Conv2d(4, 4, 3, padding=1)", "nn.Conv2d(4, 4, 3, padding=1, padding_mode='circular')",
        "convolution 2 (4 to 4 channels, 3x3, stride 1, padding 1)",
        "convolution 2 (4 to 4 channels, 3x3, stride 1)",
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
    (reason,) = map(Reason.of, verdict.reasons)
    assert expected in reason.expected, reason
    assert got in reason.got, reason


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("x + self.again(self.more(x))", "self.again(self.more(x)) + x"),
        ("F.relu(self.norm(self.conv(x)))", "self.norm(self.conv(x)).clamp(min=0)"),
        ("x.mean((2, 3))", "F.adaptive_avg_pool2d(x, 1).flatten(1)"),
        ("nn.Conv2d(3, 4, 3, padding=1)", "nn.Sequential(nn.ZeroPad2d(1), nn.Conv2d(3, 4, 3))"),
        (
            "nn.Conv2d(4, 4, 3, padding=1)",
            "nn.Sequential(nn.ConstantPad2d(1, 0.0), nn.Conv2d(4, 4, 3))",
        ),
    ],
)
def test_another_idiom_is_not_blamed(old: str, new: str) -> None:
    """Beside a mistake, what is only written otherwise is not named."""
    student = NET.replace(old, new).replace("F.max_pool2d", "F.avg_pool2d")
    verdict = judge("check.function('Net()', x=images(3, size=8))", student, NET)
    (reason,) = map(Reason.of, verdict.reasons)
    assert "average pool (2x2)" in reason.got, reason


ODD = (
    "self.head(self.conv(x).mean((2, 3))) * x.mean()",
    "torch.stack([self.head(F.relu(self.conv(one)).mean((1, 2)) * 2) for one in x])",
    "self.head(F.conv1d(x.flatten(2), self.conv.weight[:, :, 0]).mean(2))",
    "self.head(F.conv3d(x[:, :, None], self.conv.weight[:, :, None]).mean((2, 3, 4)))",
    "self.head(F.conv_transpose2d(self.conv(x), self.conv.weight).mean((2, 3)).repeat(1, 2)[:, :4])",
    "self.head(self.conv(x).flatten(2).max(2)[0])",
    "self.head(self.conv(x).mean((2, 3))) - x.max()",
    "self.head(torch.cat([torch.ones(len(x), 1), self.conv(x).mean((2, 3))[:, :3]], -1))",
    "self.head(self.conv(F.pad(x, (1, 1, 1, 1), 'reflect')[:, [2, 1, 0], ::2]).mean((2, 3)))",
    "self.head(torch.where(self.conv(x) > 0, self.conv(x), 2.0).mean((2, 3)))",
    "self.head((1 - self.conv(x) ** 2).cumsum(1).mean((2, 3)))",
    "self.head(F.instance_norm(self.conv(x)).mean((2, 3)))",
    "F.batch_norm(self.head(self.conv(x).mean((2, 3))), None, None, training=True)",
    "self.head(F.pixel_shuffle(self.conv(x).repeat(1, 4, 1, 1), 2).mean((2, 3)))",
    "self.head(F.alpha_dropout(F.dropout2d(self.conv(x), 1.0, True), 0.5, True).mean((2, 3)))",
    "self.head(F.scaled_dot_product_attention(*[self.conv(x).flatten(2)] * 3).mean(2))",
    "(F.unfold(x, 3).transpose(1, 2) @ self.conv.weight.flatten(1).T).mean(1) @ self.head.weight.T",
    "self.head(torch.zeros(len(x), 4)) + 0 * self.conv(x).sum()",
    "x.flatten(1)[:, :5]",
)


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("swapped", [False, True])
def test_an_odd_network_is_told_too(odd: str, swapped: bool) -> None:
    """Naming steps never fails, whatever they are and on whichever side."""
    nets = NET, NET.replace("x = F.relu(self.norm(self.conv(x)))", f"return {odd}")
    verdict = judge("check.function('Net()', x=images(3, size=8))", *nets[:: 1 if swapped else -1])
    assert verdict.share == 0 and not verdict.internal_error
    reason = Reason.of(verdict.reasons[0])
    assert reason.expected and reason.got
