"""check.learns, asked of a kernel in which the code that answers was replaced."""

from __future__ import annotations

from typing import Any

import pytest

from skipgrade.judging.judge import judge_side
from skipgrade.judging.judge import trial as trials
from skipgrade.judging.judge.answerers import Answerer, LocalNotebook
from skipgrade.judging.judge.trial import Trial
from tests.judging.trial import fixed_images, namespace


class Forger(Answerer):
    """A student's kernel in which the code that answers was replaced."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def ask(self, kind: str, *, seconds: float = 30.0, **request: Any) -> Any:
        return self.answer(request["problems"]) if callable(self.answer) else self.answer


def steps_told(loss: Any, spoil: Any) -> Any:
    def answer(problems: list[dict[str, Any]]) -> Any:
        states = [{name: spoil(t) for name, t in p["state"].items()} for p in problems]
        return [{"losses": [loss] * 2, "kinds": ["float"] * 2, "states": [s, s]} for s in states]

    return answer


def result_told(result: Any) -> Any:
    return lambda problems: [
        {"result": result, "state": p["state"], "recorded": False} for p in problems
    ]


FORGED = {
    "nothing": None,
    "text": "yes",
    "an empty list": [],
    "dicts": [{}, {}],
    "the weights as they came": steps_told(1.0, lambda t: t),
    "weights of NaN": steps_told(float("nan"), lambda t: t * float("nan")),
    "infinite weights": steps_told(float("inf"), lambda t: t * float("inf")),
    "weights of another kind": steps_told(1.0, lambda t: t.bool()),
    "weights of another shape": steps_told(1.0, lambda t: t[None]),
    "a whole number beyond a float": steps_told(10**400, lambda t: t),
    "no weights": steps_told(None, lambda t: None),
    "NaN": result_told([float("nan")] * 2),
    "no numbers": result_told(None),
    "lists": result_told([[1.0], [1.0]]),
    "whole numbers beyond a float": result_told([10**400] * 2),
    "booleans": result_told([True, True]),
    "a guess": result_told([1.0, 0.5]),
}


@pytest.mark.parametrize("forged", FORGED)
@pytest.mark.parametrize("asked", ["step='train_step'", "evaluate='evaluate'"])
def test_forged_answers_earn_nothing(forged: str, asked: str) -> None:
    solution = LocalNotebook(namespace(""))
    trials.begin(Trial(Forger(FORGED[forged]), solution, fixed_images, grading=True))
    try:
        text = f"from skipgrade.judging import check\ncheck.learns({asked})"
        verdict = judge_side.verdict_on(text, "a-test", {})
    finally:
        trials.end()
    assert (verdict.share, verdict.internal_error) == (0.0, "")
