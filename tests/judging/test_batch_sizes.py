"""Networks that take other steps for another number of images: one network, or one for each?"""

from __future__ import annotations

import pytest

from skipgrade.judging.verdict import Reason
from tests.judging.trial import judge

NET = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.more, self.head = nn.Conv2d(3, 4, 3), nn.Conv2d(3, 4, 3), nn.Linear(144, 5)
    def forward(self, x):
        return self.head(F.relu(self.conv(x)).flatten(1))
"""
WHOLE = "return self.head(F.relu(self.conv(x)).flatten(1))"
LOOPS = (
    "return torch.stack([self.head(F.relu(self.conv(one)).flatten()) for one in x])",
    "return torch.cat([self.head(F.relu(self.conv(one[None])).flatten(1)) for one in x])",
    "out = torch.zeros(len(x), 5)\n"
    "        for i, one in enumerate(x):\n"
    "            out[i] = self.head(F.relu(self.conv(one)).flatten())\n"
    "        return out",
)
SIZES = """
check.shapes("Net()", x=images(2, size=8))
check.function("Net()", x=images(4, size=8))
check.function("Net()", x=images(3, size=8))
check.shapes("Net()", x=images(8, size=8))
"""


@pytest.mark.parametrize("loop", LOOPS)
def test_one_image_after_the_other(loop: str) -> None:
    verdict = judge(SIZES, NET.replace(WHOLE, loop), NET)
    assert verdict.share == 1.0, verdict.reasons


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("self.conv(", "(self.conv if len(x) == 4 else self.more)("),
        ("self.conv(", "(self.more if len(x) == 4 else self.conv)("),
        ("F.relu(", "(F.relu if len(x) == 4 else F.silu)("),
    ],
)
def test_another_network_for_another_size(old: str, new: str) -> None:
    student = NET.replace(WHOLE, LOOPS[1].replace(old, new))
    verdict = judge(SIZES, student, NET)
    assert verdict.share == 0 and not verdict.internal_error
    reasons = [Reason.of(one).got for one in verdict.reasons]
    assert "other results for an image in a batch of 4 than in one of 2" in reasons, reasons


def test_what_works_for_one_size_alone_says_so_itself() -> None:
    verdict = judge(SIZES, NET.replace("flatten(1))", "reshape(2, 144))"), NET)
    assert verdict.share == 0
    assert "RuntimeError" in str(verdict.reasons), verdict.reasons
