"""Can answers about held-out images be climbed by somebody who has learned nothing?"""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.random import Generator, default_rng
from numpy.typing import NDArray

from skipgrade.classroom import ladder
from skipgrade.classroom.ladder import STEP

IMAGES, ASKED = 2_000, 1_000
Labels = NDArray[np.int64]
Told = Callable[[float], float]


def exact() -> Told:
    return lambda accuracy: accuracy


def by_ladder() -> Told:
    best: list[float] = []

    def told(accuracy: float) -> float:
        best[:] = ladder.answers(best, [accuracy])
        return best[0]

    return told


def by_voting(random: Generator, labels: Labels, classes: int, told: Told) -> float:
    """Guess a thousand times, keep what was told to be better than guessing, and let it vote."""
    votes = np.zeros((len(labels), classes))
    for _ in range(ASKED):
        guess = random.integers(classes, size=len(labels))
        if told(float((guess == labels).mean())) > 1 / classes + 1e-9:
            votes[np.arange(len(labels)), guess] += 1
    return float(((votes + 1e-9 * random.random(votes.shape)).argmax(axis=1) == labels).mean())


def by_climbing(random: Generator, labels: Labels, classes: int, told: Told) -> float:
    """Change a few guesses, and keep that where the answer is a better one."""
    guess = random.integers(classes, size=len(labels))
    best = told(float((guess == labels).mean()))
    for _ in range(ASKED):
        other = np.where(
            random.random(len(labels)) < 0.01, random.integers(classes, size=len(labels)), guess
        )
        if (now := told(float((other == labels).mean()))) > best:
            guess, best = other, now
    return float((guess == labels).mean())


@pytest.mark.parametrize("attack", [by_voting, by_climbing])
@pytest.mark.parametrize("classes", [2, 10])
def test_a_thousand_adaptive_submissions_learn_next_to_nothing(
    attack: Callable[..., float], classes: int
) -> None:
    """What they reach on the held-out images is what they would tell; on others it is a guess."""
    reached = {}
    for name, answers in (("exact", exact), ("ladder", by_ladder)):
        runs = [
            attack(random, random.integers(classes, size=IMAGES), classes, answers())
            for random in (default_rng([classes, run]) for run in range(5))
        ]
        reached[name] = np.array(runs) - 1 / classes
    assert np.min(reached["exact"]) > 0.06, "the attack works where answers are exact"
    assert np.max(reached["ladder"]) < 0.03, reached


@pytest.mark.parametrize("classes", [2, 10])
def test_what_is_told_stays_near_a_guess(classes: int) -> None:
    """A thousand guesses: the luckiest is told within two steps of what a guess is worth."""
    for run in range(5):
        random = default_rng([classes, run, 1])
        labels, told = random.integers(classes, size=IMAGES), by_ladder()
        for _ in range(ASKED):
            last = told(float((random.integers(classes, size=IMAGES) == labels).mean()))
        assert abs(last - 1 / classes) <= 2 * STEP + 1e-9


def test_who_learns_is_told_so() -> None:
    """Honest progress is followed within a step, and never overstated."""
    told = by_ladder()
    for accuracy in np.linspace(0.1, 0.8, 200):
        answer = told(float(accuracy))
        assert 0 <= accuracy - answer < STEP + 1e-9
    assert told(0.3) == pytest.approx(0.8), "a worse one changes nothing"


def test_each_of_several_accuracies_has_its_own_answer() -> None:
    assert ladder.answers([], [0.619, 0.5]) == [0.6, 0.5]
    assert ladder.answers([0.6, 0.5], [0.615, 0.53]) == [0.6, 0.52]
    assert ladder.answers([0.6, 0.5], [0.7]) == [0.7, 0.5]
    assert ladder.answers([0.6], [0.1, 0.4]) == [0.6, 0.4]
