"""Liars that know nothing: one answer to every question. And notebooks that are run once only."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch

from skipgrade.judging.judge.answerers import QUESTION_TIMEOUT_S, Answerer
from tests.assignments.variants import Assignment

MADE_UP = {
    "nothing": None,
    "True": True,
    "zero": 0.0,
    "NaN": math.nan,
    "huge": 1e300,
    "text": "x" * 1000,
    "an empty list": [],
    "lists": [[0.0, 0.0], [0.0, 0.0]],
    "NaN everywhere": torch.full((200, 3, 32, 32), math.nan),
    "what cannot be told": {"unrecordable": "it depends"},
}


class MakesUp(Answerer):
    """The same answer, whatever is asked."""

    def __init__(self, answer: Any) -> None:
        self._answer = answer

    def ask(self, kind: str, *, seconds: float = QUESTION_TIMEOUT_S, **request: Any) -> Any:
        return self._answer


class RunOnce(Assignment):
    """An assignment whose student is the solution; it is not run again for every verdict."""

    def student(
        self,
        changed: Mapping[str, str],
        given: Mapping[str, Any] | None = None,
        *,
        until: str = "",
    ) -> dict[str, Any]:
        if changed:
            return super().student(changed, given, until=until)
        self.errors = {}
        return {**self.solution, **(given or {})}
