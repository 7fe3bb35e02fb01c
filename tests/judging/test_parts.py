"""`made_of`: what stands on a wrong part is judged as if that part were right, and no further."""

from __future__ import annotations

import pytest

from skipgrade.judging.verdict import Verdict
from tests.judging.trial import judge

BLOCK = """
class Block(nn.Module):
    def __init__(self, channels, wide):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(channels, wide, 3, 2, 1), nn.BatchNorm2d(wide)

    def forward(self, maps):
        return torch.relu(self.norm(self.conv(maps)))
"""
NET = """
def Net():
    return nn.Sequential(
        nn.Conv2d(3, 4, 1), Block(4, 8), Block(8, 8), nn.Flatten(), nn.Linear(512, 10))
"""
NO_RELU = BLOCK.replace("torch.relu(self.norm(self.conv(maps)))", "self.norm(self.conv(maps))")
DEAD = """
class Block(nn.Module):
    def __init__(self, channels, wide):
        super().__init__()
        self.wide = wide

    def forward(self, maps):
        return {out}
"""
EMPTY = DEAD.format(out="torch.zeros(len(maps), self.wide, maps.shape[2] // 2, maps.shape[3] // 2)")
COPIES = DEAD.format(out="maps.repeat(1, self.wide // maps.shape[1], 1, 1)[:, :, ::2, ::2]")
HIDDEN = """
check.function("Block(4, 8)", x=images(3, size=8).repeat(1, 2, 1, 1)[:, :4], worth=0)
check.function("Net()", x=images(2), made_of=["Block"], worth=0.75)
check.parameters("Net()", made_of=["Block"], worth=0.25)
"""


def verdict(student: str, solution: str = BLOCK + NET) -> Verdict:
    return judge(HIDDEN, student, solution)


def test_a_network_of_wrong_parts_that_is_right_otherwise_has_its_points() -> None:
    found = verdict(NO_RELU + NET)
    assert found.share == 1.0, found.reasons
    assert any("as if `Block` were right" in note for note in found.notes)


@pytest.mark.parametrize(
    "net",
    [
        NET.replace("Block(8, 8), ", "Block(8, 8), nn.ReLU(), "),
        NET.replace("nn.Conv2d(3, 4, 1)", "nn.Conv2d(3, 4, 3, 1, 1)"),
        NET.replace("Block(8, 8), ", "nn.AvgPool2d(2), "),
        NET.replace("nn.Linear(512, 10)", "nn.Linear(512, 10), nn.Softmax(1)"),
    ],
    ids=["a ReLU more", "a larger entrance", "a block less", "softmax"],
)
def test_its_own_mistakes_are_still_its_own(net: str) -> None:
    assert verdict(NO_RELU + net).share <= 0.25


@pytest.mark.parametrize("block", [EMPTY, COPIES], ids=["nothing comes through", "no weights"])
def test_a_part_of_which_any_number_would_do_excuses_nothing(block: str) -> None:
    assert verdict(block + NET).share == 0.0


def test_a_right_part_needs_no_excuse() -> None:
    found = verdict(BLOCK + NET)
    assert (found.share, found.notes) == (1.0, [])


WHOLE = """
class Head(nn.Module):
    def __init__(self, classes, wide):
        super().__init__()
        self.conv, self.line = nn.Conv2d(3, wide, 3, 2), nn.Linear(wide, classes)

    def forward(self, images):
        return self.line(self.conv(images).relu().mean((2, 3)))
"""
MADE = "def Made(): return nn.Sequential(Head(5, 4), nn.Identity())"
ABOUT_WHOLE = """
check.function("Head(10, 4)", x=images(3), worth=0)
check.function("Made()", x=images(2), made_of=["Head"])
"""


def test_a_part_may_be_a_network_whose_first_argument_is_no_number_of_channels() -> None:
    softmax = WHOLE.replace(".mean((2, 3)))", ".mean((2, 3))).softmax(1)")
    found = judge(ABOUT_WHOLE, softmax + MADE, WHOLE + MADE)
    assert found.share == 1.0, found.reasons
    wider = MADE.replace("Head(5, 4)", "Head(5, 8)")
    assert judge(ABOUT_WHOLE, softmax + wider, WHOLE + MADE).share == 0.0


@pytest.mark.parametrize(
    ("part", "as_if", "share"), [("step", True, 1.0), ("step", False, 0.0), ("", True, 0.0)]
)
def test_a_condition_may_be_milder_where_a_part_has_failed(
    part: str, as_if: bool, share: float
) -> None:
    hidden = f"""
check.that(student.eval("1") == 2, expected="2", got="1", part={part!r}, worth=0)
check.that(False, expected="all of it", got="half", as_if={as_if}, made_of=["step"])
"""
    found = judge(hidden, "", "")
    assert found.share == share
    assert bool(found.notes) == (share == 1.0)
