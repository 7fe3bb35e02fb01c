"""A process that has one answer for everything it is asked."""

from __future__ import annotations

import math
from typing import Any

import torch

from skipgrade.judging.judge.answerers import QUESTION_TIMEOUT_S, Answerer

EMPTY = {"nodes": "[]", "inputs": 1, "outputs": [0], "state": [], "constants": {},
         "own gradients": False}  # fmt: skip
ANSWERS: dict[str, Any] = {
    "nothing": None,
    "yes": True,
    "zero": 0,
    "one": 1.0,
    "nan": math.nan,
    "infinity": math.inf,
    "text": "float32",
    "huge": 10**300,
    "list": [True] * 10,
    "numbers": [math.nan, math.nan],
    "dict": {"value": 1},
    "tensor": torch.zeros(2, 10),
    "nan tensor": torch.full((2, 10), math.nan),
    "unrecordable": {"unrecordable": "it is a secret"},
    "identity": {"eval": [EMPTY, EMPTY], "train": [EMPTY, EMPTY]},
    "figure": [{"says": ["t", "y"], "xlabel": "epoch", "ylabel": "y", "legend": ["a", "b"],
                "curves": [{"label": "a", "x": [1.0, 2.0], "y": [0.1, 0.2]}], "dots": [], "drawn": True, "images": 1}],
}  # fmt: skip
ALL = sorted(ANSWERS)


class Says(Answerer):
    """Says the one word, whatever the question."""

    def __init__(self, word: str) -> None:
        self._answer = ANSWERS[word]

    def ask(self, kind: str, *, seconds: float = QUESTION_TIMEOUT_S, **request: Any) -> Any:
        return self._answer
