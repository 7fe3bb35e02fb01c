"""Layers that take their sizes from the first images (`nn.LazyConv2d`, ...) are right answers."""

from __future__ import annotations

import pytest

from tests.assignments import mistakes
from tests.assignments.cnn_design import TRIAL as DESIGN
from tests.assignments.variants import Assignment

BLOCKS = Assignment("04-plain-residual-mobile")

THREE_CONV = """
def ThreeConvNet():
    layers = []
    for filters in (32, 64, {last}):
        layers += [nn.LazyConv2d(filters, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(
        *layers, nn.Flatten(), nn.LazyLinear(64), nn.ReLU(), nn.LazyLinear(10)
    )
"""
PLAIN = """
class PlainBlock(nn.Module):
    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__()
        self.conv1 = nn.LazyConv2d(out_channels, kernel_size=3, padding=1, stride={first})
        self.conv2 = nn.LazyConv2d(out_channels, kernel_size=3, padding=1, stride={second})
        self.bn1 = nn.LazyBatchNorm2d()
        self.bn2 = nn.LazyBatchNorm2d()

    def forward(self, X):
        Y = F.relu(self.bn1(self.conv1(X)))
        return F.relu(self.bn2(self.conv2(Y)))
"""
RESIDUAL = """
class ResBlock(nn.Module):
    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__()
        self.main = nn.Sequential(
            nn.LazyConv2d(out_channels, 3, stride, 1), nn.LazyBatchNorm2d(), nn.ReLU(),
            nn.LazyConv2d(out_channels, 3, 1, 1), nn.LazyBatchNorm2d(),
        )
        self.short = None
        if stride != 1:
            self.short = nn.Sequential(
                nn.LazyConv2d(out_channels, 1, stride), nn.LazyBatchNorm2d()
            )
        self.more = out_channels - in_channels

    def forward(self, x):
        short = self.short(x) if self.short else F.pad(x, (0, 0, 0, 0, 0, self.more))
        return F.relu(self.main(x) + short)
"""
SEPARABLE = """
def conv_dw(in_channels, out_channels, stride=1):
    return nn.Sequential(
        nn.LazyConv2d(in_channels, 3, stride, 1, groups=in_channels), nn.LazyBatchNorm2d(),
        nn.ReLU(), nn.LazyConv2d(out_channels, 1), nn.LazyBatchNorm2d(), nn.ReLU(),
    )
"""
STRIDES = {"first": "stride", "second": "1"}
RIGHT = {
    "three-conv": (DESIGN, THREE_CONV.format(last=128)),
    "plain-block": (BLOCKS, PLAIN.format(**STRIDES)),
    "res-block": (BLOCKS, RESIDUAL),
    "conv-dw": (BLOCKS, SEPARABLE),
}
WRONG = {
    "three-conv": (DESIGN, THREE_CONV.format(last=64)),
    "plain-block": (BLOCKS, PLAIN.format(first="1", second="stride")),
}
IDLE = {DESIGN: {}, BLOCKS: dict.fromkeys(mistakes.IDLE["04"], "")}


@pytest.mark.parametrize("cell", RIGHT)
def test_sizes_may_be_taken_from_the_images(cell: str) -> None:
    trial, code = RIGHT[cell]
    changed = IDLE[trial] | {cell: code}
    trial.accepts(f"test-{cell}", changed)
    assert trial.passes_visible(f"test-{cell}", changed), trial.errors


def test_a_network_of_such_blocks() -> None:
    code = BLOCKS.cells["plain-block"] + PLAIN.format(**STRIDES)  # with its helpers
    changed = IDLE[BLOCKS] | {"plain-block": code}
    BLOCKS.accepts("test-plain-net", changed)
    assert BLOCKS.passes_visible("test-plain-net", changed), BLOCKS.errors


@pytest.mark.parametrize("cell", WRONG)
def test_their_mistakes_are_found(cell: str) -> None:
    trial, code = WRONG[cell]
    trial.refuses(f"test-{cell}", IDLE[trial] | {cell: code})
