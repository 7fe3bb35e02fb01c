"""The words hidden tests are written in."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from skipgrade.judging.checks import Checks
from skipgrade.judging.checks.asking import ask_student
from skipgrade.judging.session import current


class _Student:
    """The notebook on trial."""

    def eval(self, expression: str, **arrays: Any) -> Any:
        return ask_student(current(), "a value", "", "value", expression=expression, arrays=arrays)


class _Solution:
    """The source notebook, run by the judge."""

    def eval(self, expression: str, **arrays: Any) -> Any:
        return current().solution.eval(expression, **arrays)


def images(count: int, size: int = 32, seed: int = 0) -> Tensor:
    """Seeded noise in the form of normalised colour images."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, 3, size, size, generator=generator)


check = Checks()
student = _Student()
solution = _Solution()
