"""student.eval(form=...): what an answer is built of."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from skipgrade.judging.checks.forms import fits, told
from tests.judging.trial import judge

RIGHT = [
    (1.5, float), (2, float), (math.nan, float), (3, int), (True, bool), ("a", str),
    (torch.eye(2), Tensor), ([], [float]), ([1, 2.0, 3], [float]), ((1.0, 2), [float, float]),
    ([True, [torch.eye(2)]], [bool, [Tensor]]),
]  # fmt: skip
WRONG = [
    (True, float), (True, int), (1, bool), (None, float), ("1", float), (1.0, int),
    (10**400, float), (torch.tensor(1.0), float), (1.0, [float]), ([1.0], [float, float]),
    ([1.0, "a"], [float]), ({"a": 1}, [str]), ([1, [2]], [bool, [Tensor]]), ("ab", [str]),
]  # fmt: skip


@pytest.mark.parametrize(("answer", "form"), RIGHT)
def test_fits(answer: Any, form: Any) -> None:
    assert fits(answer, form)


@pytest.mark.parametrize(("answer", "form"), WRONG)
def test_does_not_fit(answer: Any, form: Any) -> None:
    assert not fits(answer, form)


def test_a_form_in_words() -> None:
    assert told([float] * 3) == "a list of 3, each entry a number"
    assert told([[bool]]) == "a list, each entry a list, each entry True or False"
    assert told([Tensor, str]) == "a list of a tensor and text"


def test_an_odd_answer_costs_the_cell_with_a_reason() -> None:
    verdict = judge("student.eval('value', form=[float])", "value = 'abc'", "value = [1.0]")
    assert verdict.share == 0
    assert "a list, each entry a number" in str(verdict.reasons)
    assert not verdict.internal_error
    assert judge("student.eval('value', form=[float])", "value = [2]", "value = [1.0]").share == 1


def test_more_than_one_number_of_parameters_can_be_right() -> None:
    net = "Net = lambda: nn.Sequential(nn.Flatten(), nn.Linear(3072, 2, bias={}))"
    hidden = "check.parameters('Net()', also={})"
    ours, theirs = net.format(False), net.format(True)
    assert judge(hidden.format("[6146]"), theirs, ours).share == 1
    assert judge(hidden.format("[]"), theirs, ours).share == 0
    assert judge(hidden.format("[6145]"), theirs, ours).share == 0
