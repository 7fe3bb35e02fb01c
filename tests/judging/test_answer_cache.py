"""Is the solution asked once, and is every answer still its own?"""

from typing import Any

import pytest
import torch

from skipgrade.judging.judge.answer_cache import CachedNotebook
from skipgrade.judging.judge.answerers import Answerer, LocalNotebook, NotebookCodeError


class Counting(Answerer):
    """A notebook that keeps count of what it is asked."""

    def __init__(self, **namespace: Any) -> None:
        self._notebook = LocalNotebook({"torch": torch, **namespace})
        self.asked: list[str] = []

    def ask(self, kind: str, *, seconds: float = 30.0, **request: Any) -> Any:
        self.asked.append(request["expression"])
        return self._notebook.ask(kind, seconds=seconds, **request)


def test_the_same_question_is_answered_once():
    notebook = Counting()
    solution = CachedNotebook(notebook)
    x = torch.arange(4.0)
    for _ in range(3):
        assert solution.eval("x + 1", x=x).tolist() == [1, 2, 3, 4]
    assert notebook.asked == ["x + 1"]


@pytest.mark.parametrize(
    "other",
    [
        {"x": torch.arange(1.0, 5.0)},  # other values
        {"x": torch.arange(4.0).view(2, 2)},  # another shape of the same bytes
        {"x": torch.arange(4.0).view(torch.int32)},  # other numbers in the same bytes
        {"x": [0.0, 1.0, 2.0, 3.0]},  # the same numbers, but no tensor
    ],
)
def test_another_argument_is_another_question(other):
    solution = CachedNotebook(Counting())
    first = solution.eval("str(x)", x=torch.arange(4.0))
    assert solution.eval("str(x)", **other) != first


def test_a_check_that_writes_into_an_answer_does_not_change_the_next_one():
    solution = CachedNotebook(Counting())
    first = solution.eval("{'scores': torch.zeros(3)}")
    first["scores"] += 1
    first["more"] = True
    second = solution.eval("{'scores': torch.zeros(3)}")
    assert list(second) == ["scores"] and not second["scores"].any()


def test_what_raised_is_asked_again():
    notebook = Counting(broken=1)
    solution = CachedNotebook(notebook)
    for _ in range(2):
        with pytest.raises(NotebookCodeError):
            solution.eval("broken / 0")
    assert len(notebook.asked) == 2


def test_old_answers_make_room():
    notebook = Counting()
    solution = CachedNotebook(notebook, room=10_000)
    for number in (0, 1, 2, 0):
        assert len(solution.eval(f"torch.full((1000,), {number}.0)")) == 1000
    assert len(notebook.asked) == 4, "the first was forgotten for the third"
    for number in (0, 2):
        solution.eval(f"torch.full((1000,), {number}.0)")
    assert len(notebook.asked) == 4
    assert len(solution.eval("torch.zeros(5000)")) == 5000, "too large to be kept with others"
