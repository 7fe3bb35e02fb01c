"""Linear layers written with products of one's own: is their weight known however it is turned?"""

from __future__ import annotations

from typing import Any

import pytest

from skipgrade.judging.programs.axes import moved
from skipgrade.judging.programs.program import Node
from tests.judging.trial import judge

HIDDEN = "x = images(3, size=2)\ncheck.function('Net()', x=x)"
NET = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.randn({shape}) / 4)
        self.b = nn.Parameter(torch.zeros(5))
        self.last = nn.Linear(5, 3)

    def forward(self, x):
        return self.last(torch.relu({first} + self.b))
"""
SOLUTION = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Linear(12, 5), nn.Linear(5, 3)

    def forward(self, x):
        return self.last(torch.relu(self.first(x.flatten(1))))
"""
RIGHT = {
    "x @ W": ("12, 5", "x.flatten(1) @ self.w"),
    "x @ W.T": ("5, 12", "x.flatten(1) @ self.w.T"),
    "torch.mm": ("12, 5", "torch.mm(x.flatten(1), self.w)"),
    "tensordot": ("12, 5", "torch.tensordot(x.flatten(1), self.w, dims=1)"),
    "tensordot, rows": ("5, 12", "torch.tensordot(x.flatten(1), self.w, dims=([1], [1]))"),
    "einsum": ("12, 5", "torch.einsum('bi,io->bo', x.flatten(1), self.w)"),
    "einsum, rows": ("5, 12", "torch.einsum('bi,oi->bo', x.flatten(1), self.w)"),
    "einsum, turned": ("5, 12", "torch.einsum('bi,io->bo', x.flatten(1), self.w.T)"),
    "bmm": ("12, 5", "torch.bmm(x.flatten(1)[None], self.w[None])[0]"),
    "bmm, turned later": ("5, 12", "(x.flatten(1)[None] @ self.w[None].transpose(1, 2))[0]"),
    "a view": ("12, 5", "x.flatten(1).matmul(self.w.view(1, 12, 5).squeeze(0))"),
}
WRONG = {
    "rows taken for columns": ("12, 5", "x.flatten(1) @ self.w.reshape(5, 12).T"),
    "the image turned": ("12, 5", "torch.einsum('bi,io->bo', x.flatten(1).flip(1), self.w)"),
    "no product": ("12, 5", "torch.einsum('bi,io->bo', x.flatten(1).abs(), self.w)"),
    "twice": ("12, 5", "2 * torch.einsum('bi,io->bo', x.flatten(1), self.w)"),
}


@pytest.mark.parametrize("how", RIGHT)
def test_right_ways(how: str) -> None:
    shape, first = RIGHT[how]
    verdict = judge(HIDDEN, NET.format(shape=shape, first=first), SOLUTION)
    assert verdict.share == 1.0, verdict.reasons


@pytest.mark.parametrize("how", WRONG)
def test_wrong_ways(how: str) -> None:
    shape, first = WRONG[how]
    verdict = judge(HIDDEN, NET.format(shape=shape, first=first), SOLUTION)
    assert verdict.share == 0.0 and verdict.internal_error == ""


NONSENSE: dict[str, list[Any]] = {
    "aten.permute.default": [None, [], [0], [0, 0], [0, 5], ["a", "b"], 3],
    "aten.transpose.int": [None, 7, "x", [1]],
    "aten.unsqueeze.default": [None, 9, -9, "x"],
    "aten.view.default": [None, 5, [], [3, 4], [-1, 5], ["x"], [[12], [5]]],
}


@pytest.mark.parametrize(
    ("op", "given"), [(op, given) for op, several in NONSENSE.items() for given in several]
)
def test_nonsense_is_no_weight_any_more(op: str, given: Any) -> None:
    """Steps come from a student's process."""
    node = Node(op, [None, given], {}, [1], True)
    assert moved(node, (0, 1), (12, 5)) is None
