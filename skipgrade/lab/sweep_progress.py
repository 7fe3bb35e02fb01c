"""How the runs of a sweep are doing: told by each process, shown by the one they come from."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from skipgrade.lab.progress import Progress, Shown

SECONDS_BETWEEN_WORDS = 0.2
KILLED = -9  # by the signal of that number, which Windows does not have


@dataclass(frozen=True)
class At:
    """Where a run is now."""

    steps: int
    epoch: str


@dataclass(frozen=True)
class Outcome:
    """How a run ended: with all its epochs, or with an error."""

    error: str = ""
    trace: str = ""
    unfilled: bool = False


class Reporter(Shown):
    """The progress of one run, in its own process."""

    def __init__(self, send: Callable[[Any], None], name: str, *, steps: int, done: int) -> None:
        self._send, self._done, self._epoch, self._next = send, done, "", 0.0

    def epoch(self, number: int, epochs: int) -> None:
        self._epoch = f"{number}/{epochs}"

    def step(self, loss: float | None) -> None:
        self._done += 1
        if time.monotonic() >= self._next:
            self._send(At(self._done, self._epoch))
            self._next = time.monotonic() + SECONDS_BETWEEN_WORDS

    def line(self, text: str) -> None:
        self._send(text)


class Board:
    """One bar over all runs, with where each stands that is under way; a line for each epoch."""

    def __init__(self, names: Sequence[str], steps: Sequence[int], progress: Progress) -> None:
        self._names, self._steps, self._progress = names, steps, progress
        self._at: dict[int, At] = {}  # of the runs that are under way
        self._outcomes: dict[int, Outcome] = {}

    @property
    def outcomes(self) -> list[Outcome]:
        return [self._outcomes[number] for number in range(len(self._names))]

    def heard(self, run: int, message: Any) -> None:
        if isinstance(message, At):
            before = self._at.get(run, At(0, ""))
            self._at[run] = message
            self._move(message.steps - before.steps)
        elif isinstance(message, Outcome):
            self._end(run, message)
        else:
            self._progress.line(message)

    def ended(self, run: int, status: int) -> None:
        """A process; one that was killed has not told how its run ended."""
        if run not in self._outcomes:
            lack = " (is there too little memory?)" if status == KILLED else ""
            self._end(run, Outcome(f"its process ended with status {status}{lack}"))

    def _end(self, run: int, outcome: Outcome) -> None:
        if outcome.error:
            earlier = list(self._outcomes.values())
            self._progress.line(failure(self._names[run], outcome, earlier))
        self._outcomes[run] = outcome
        self._move(self._steps[run] - self._at.pop(run, At(0, "")).steps)

    def _move(self, steps: int) -> None:
        under_way = [f"{self._names[run]} epoch {at.epoch}" for run, at in self._at.items()]
        ended = f"{len(self._outcomes)} of {len(self._names)} done"
        self._progress.steps(steps, ", ".join([ended, *under_way]))


def failure(name: str, outcome: Outcome, earlier: Sequence[Outcome]) -> str:
    """What is said when a run fails; its traceback, unless another run has shown the same error."""
    known = any(one.error == outcome.error for one in earlier)
    return f"{'' if known else outcome.trace}{name} failed: {outcome.error}"
