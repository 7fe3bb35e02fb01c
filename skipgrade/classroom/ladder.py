"""Answers about held-out images that cannot be climbed: the Ladder (Blum and Hardt, 2015).

Whoever is told the exact accuracy of all they hand in learns, one answer after the other, which
guesses at the held-out labels were good. So a new answer is given only where it is better than the
best one so far by a whole step, and rounded to steps; all else gets the old answer again.
"""

from __future__ import annotations

from collections.abc import Sequence

STEP = 0.02  # of 2,000 images: two standard errors of an accuracy near 50%, or less


def answer(best: float | None, measured: float) -> float:
    """What is told of an accuracy, where `best` is what was told last."""
    if best is not None and measured < best + STEP - 1e-9:
        return best
    return round(STEP * int(measured / STEP + 1e-9), 4)


def answers(best: Sequence[float], measured: Sequence[float]) -> list[float]:
    """The same for several, each by its place."""
    before: list[float | None] = [*best, *[None] * (len(measured) - len(best))]
    told = [answer(one, now) for one, now in zip(before, measured, strict=False)]
    return [*told, *best[len(told) :]]
