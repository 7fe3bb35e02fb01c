"""[judge's kernel] The words hidden tests are written in."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from skipgrade.judging.checks import Checks, preparing
from skipgrade.judging.checks.asking import ask_student, brief, value_of
from skipgrade.judging.checks.forms import Form, fits, told
from skipgrade.judging.checks.measuring import StudentsNetwork
from skipgrade.judging.judge.entries import is_number
from skipgrade.judging.judge.trial import current
from skipgrade.judging.verdict import NoAnswerError, message


class _Student:
    """The notebook on trial."""

    def eval(self, expression: str, *, form: Form = None, **arrays: Any) -> Any:
        """The value of an expression, as plain data; with `form`, built as that says."""
        wanted = value_of(expression, arrays)
        answer = ask_student(current(), wanted, "", "value", expression=expression, arrays=arrays)
        if form is not None and not fits(answer, form):
            raise NoAnswerError(message(told(form), brief(answer), ""))
        return answer

    def runs(self, expression: str) -> bool:
        """Whether an expression can be computed at all; the process's word, so it earns nothing."""
        try:
            ask_student(current(), "", "", "value", expression=f"[{expression}, 0][1]", arrays={})
        except NoAnswerError:
            return False
        return True

    def numbers(self, expression: str, count: int, **arrays: Any) -> list[float]:
        """A list of that many numbers, NaN and infinity included; else `NoAnswerError`."""
        answer = self.eval(expression, **arrays)
        listed = isinstance(answer, (list, tuple)) and len(answer) == count
        if listed and all(is_number(one) for one in answer):
            return [float(one) for one in answer]
        raise NoAnswerError(message(f"{count} numbers", brief(answer), ""))


class _Solution:
    """The source notebook, run by the judge."""

    def eval(self, expression: str, **arrays: Any) -> Any:
        return current().solution.eval(expression, **arrays)


def images(count: int, size: int = 32) -> Tensor:
    """Noise in the form of normalised colour images, drawn again at each call."""
    trial = current()
    trial.drawn += 1
    generator = trial.generator(f"images {trial.cell} {trial.drawn}")
    return torch.randn(count, 3, size, size, generator=generator)


class _HandedIn:
    """The files that were handed in: `handed_in.history("plain")`; see `HandedIn`."""

    def __getattr__(self, name: str) -> Any:
        return getattr(current().handed_in, name)


def network(expression: str, *, x: Tensor | None = None, of: str | None = None) -> StudentsNetwork:
    """The student's network as a program: its sizes, and what it scores with the weights. With
    `of`, `expression` is a function of that model and of inputs like `x`."""
    return StudentsNetwork(current(), expression, x, of)


def preparation(expression: str, data: str = "cifar10") -> preparing.Preparation:
    """What a transform of the student's does to pixels, where that is a scale and a shift for each
    colour; of any other, what `data`'s usual one does. So one wrong number costs points once."""
    return preparing.preparation(current(), expression, data)


def draw(purpose: str) -> torch.Generator:
    """Random numbers that nobody knows beforehand, other ones for each submission."""
    trial = current()
    return trial.generator(f"{trial.cell} {purpose}")


check = Checks()
handed_in = _HandedIn()
student = _Student()
solution = _Solution()
