"""Assignment 04: slips that show with large numbers or with other sizes alone, and odd right forms."""

from __future__ import annotations

import pytest

from tests.assignments import mistakes
from tests.assignments.variants import Assignment

TRIAL = Assignment("04-plain-residual-mobile")
IDLE = dict.fromkeys(mistakes.IDLE["04"], "")

BENT = {  # a ReLU that bends once more, far from zero
    "test-plain-block": ("plain-block", "F.relu(self.second", "F.relu6(self.second"),
    "test-plain-net": ("plain-net", "F.relu(self.first(images))", "F.relu6(self.first(images))"),
    "test-res-block": ("res-block", "F.relu(self.first(x))", "F.relu6(self.first(x))"),
    "test-conv-dw": ("conv-dw", "nn.ReLU()", "nn.ReLU6()"),
}


@pytest.mark.parametrize("grade_id", BENT)
def test_relu6_is_another_activation(grade_id: str) -> None:
    cell, old, new = BENT[grade_id]
    found = TRIAL.refuses(grade_id, IDLE | TRIAL.edited(cell, (old, new)))
    assert found.share == 0
    assert "ReLU6" in str(found.reasons[0])


def test_the_stride_does_not_hang_on_the_channels() -> None:
    changed = TRIAL.edited(
        "plain-block", ("stride=stride)", "stride=1 if in_channels == out_channels else stride)")
    )
    assert TRIAL.refuses("test-plain-block", IDLE | changed).share == 0.5


@pytest.mark.parametrize(
    "share",
    [
        "__import__('fractions').Fraction(D_K**2 + N, N * D_K**2)",
        "torch.tensor(1 / N + 1 / D_K**2, dtype=torch.float64)",
    ],
)
def test_a_share_is_a_number_of_any_kind(share: str) -> None:
    changed = TRIAL.edited("formulas", ("1 / N + 1 / D_K**2", share))
    TRIAL.accepts("test-formulas", IDLE | changed)


def test_a_share_is_no_text() -> None:
    changed = TRIAL.edited("formulas", ("1 / N + 1 / D_K**2", "str(1 / N + 1 / D_K**2)"))
    assert TRIAL.refuses("test-formulas", IDLE | changed).share == 0.75


AROUND = """
class Around(nn.Module):
    def __init__(self, layers):
        super().__init__()
        self.layers = layers

    def forward(self, x):
        out = self.layers(x)
        return out + x if out.shape == x.shape else out
"""
SHORTCUTS = {
    "plain-block": "\n\nPlain = PlainBlock\ndef PlainBlock(*sizes, **stride):\n"
    "    return Around(Plain(*sizes, **stride))\n",
    "conv-dw": "\n\nseparable = conv_dw\ndef conv_dw(*sizes, **stride):\n"
    "    return Around(separable(*sizes, **stride))\n",
}


@pytest.mark.parametrize(("cell", "left"), [("plain-block", 0.5), ("conv-dw", 0.67)])
def test_a_shortcut_where_the_shapes_agree(cell: str, left: float) -> None:
    changed = {cell: TRIAL.cells[cell] + AROUND + SHORTCUTS[cell]}
    found = TRIAL.refuses(f"test-{cell}", IDLE | changed)
    assert round(found.share, 2) == left


TRAPS = {
    "batch norm after the depthwise ReLU": (
        "conv-dw",
        "nn.BatchNorm2d(in_channels),\n        nn.ReLU(),",
        "nn.ReLU(),\n        nn.BatchNorm2d(in_channels),",
    ),
    "four groups always": ("conv-dw", "groups=in_channels", "groups=4"),
    "3x3 always": ("formulas", "1 / D_K**2", "1 / 9"),
}


@pytest.mark.parametrize("name", TRAPS)
def test_students_see_it_themselves(name: str) -> None:
    cell, old, new = TRAPS[name]
    assert not TRIAL.passes_visible(f"test-{cell}", IDLE | TRIAL.edited(cell, (old, new)))


IN_PLACE = """
class ResBlock(nn.Module):
    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__()
        self.first = conv_norm(in_channels, out_channels, stride=stride)
        self.second = conv_norm(out_channels, out_channels)
        self.more = out_channels - in_channels
        self.projection = None
        if stride != 1:
            self.projection = conv_norm(in_channels, out_channels, kernel=1, stride=stride)

    def forward(self, x):
        out = self.second(F.relu(self.first(x)))
        if self.projection is not None:
            x = self.projection(x)
        elif self.more:
            x = F.pad(x, (0, 0, 0, 0, 0, self.more))
        x += out
        return F.relu(x)
"""


def test_a_block_that_changes_its_input_cannot_learn_and_costs_once() -> None:
    """PyTorch refuses to go back through it; the visible test says so too."""
    found = TRIAL.report({"res-block": IN_PLACE}, only=("test-res-block", "test-resnet"))
    assert found["test-res-block"].share == 0.75 and not found["test-res-block"].internal_error
    assert "in place" in str(TRIAL.errors) or "inplace" in str(TRIAL.errors)
    assert found["test-resnet"].share == 1.0, found["test-resnet"].reasons


def test_a_layer_that_a_block_never_uses_costs_a_quarter_of_the_block() -> None:
    unused = TRIAL.edited("plain-block", ("super().__init__()", "super().__init__()\n        "
                                          "self.more = nn.Conv2d(in_channels, out_channels, 1)"))  # fmt: skip
    found = TRIAL.report(unused, only=("test-plain-block", "test-plain-net"))
    assert [each.share for each in found.values()] == [0.75, 1.0]
