"""Judge a piece of student's code against a piece of solution, without kernels."""

from __future__ import annotations

import textwrap
from typing import Any

import torch

from skipgrade.judging.judge import judge_side
from skipgrade.judging.judge import trial as trials
from skipgrade.judging.judge.answerers import LocalNotebook
from skipgrade.judging.judge.trial import Trial
from skipgrade.judging.verdict import Verdict

SETUP = """
import torch
from torch import nn
from torch.nn import functional as F
"""


def namespace(code: str) -> dict[str, Any]:
    """What a notebook with this code holds after Run All."""
    names: dict[str, Any] = {}
    exec(compile(textwrap.dedent(SETUP) + textwrap.dedent(code), "<notebook>", "exec"), names)
    return names


def fixed_images(name: str) -> tuple[torch.Tensor, torch.Tensor]:
    """A holdout of 1,000 images whose label can be read off the first pixel.

    The pixel's green is each number from 0 to 99 in turn: what a model may err by.
    """
    labels = torch.arange(1000) % 10
    images = torch.zeros(1000, 3, 32, 32, dtype=torch.uint8)
    images[:, 0, 0, 0] = labels.to(torch.uint8)
    images[:, 1, 0, 0] = (torch.arange(1000) * 7 % 100).to(torch.uint8)
    return images, labels


def judge(hidden: str, student: str, solution: str, seed: str = "open") -> Verdict:
    """The verdict of the hidden tests on `student`, with `solution` as the answer key."""
    theirs, ours = namespace(student), namespace(solution)
    trials.begin(
        Trial(LocalNotebook(theirs), LocalNotebook(ours), fixed_images, grading=True, seed=seed)
    )
    try:
        text = "import torch\nfrom skipgrade.judging import (\n    check, draw, handed_in, images, student, solution)\n"
        return judge_side.verdict_on(text + textwrap.dedent(hidden), "a-test", {})
    finally:
        trials.end()
