"""What a person sees while a class is graded, and when it is."""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import mean

from tqdm import tqdm

from skipgrade.judging.printable import printable

SLOWEST = 3
NAMED = 5


@dataclass(frozen=True)
class Outcome:
    """What became of one submission.

    `failure` is None where it was graded from end to end; `scored` where the gradebook has its
    grade; `fresh` where that happened just now.
    """

    student: str
    seconds: float
    failure: str | None = None
    scored: bool = True
    fresh: bool = True
    score: float = 0.0


class Causes:
    """Tells in full once why submissions are not graded: a fault of the course stops them all."""

    def __init__(self) -> None:
        self._told: set[str] = set()

    def tell(self, outcome: Outcome) -> str | None:
        if outcome.scored or outcome.failure not in self._told:
            self._told.add(outcome.failure or "")
            return outcome.failure
        return "not graded, for a reason told before"


class Lines:
    """One line for each submission."""

    def __init__(self, total: int, say: Callable[[str], None]) -> None:
        self.total, self.say = total, say
        self.count, self.started = 0, time.monotonic()
        self._causes = Causes()

    def done(self, outcome: Outcome) -> None:
        self.count += 1
        told = self._causes.tell(outcome) or "graded"
        line = f"  [{self.count}/{self.total}] {outcome.student}: {told} ({outcome.seconds:.0f} s)"
        left = self.total - self.count
        each = (time.monotonic() - self.started) / self.count
        self.say(f"{line}, about {_duration(each * left)} left" if left else line)

    def __enter__(self) -> "Lines":
        return self

    def __exit__(self, *error: object) -> None:
        """Lines need no end."""


class Bar:
    """One bar, with the time that is left; what goes wrong is told above it."""

    def __init__(self, total: int) -> None:
        self._bar = tqdm(total=total, unit="submission", smoothing=0, file=sys.stderr)
        self._causes = Causes()

    def done(self, outcome: Outcome) -> None:
        if told := self._causes.tell(outcome):
            line = printable(f"  {outcome.student}: {told}")
            self._bar.write(line, file=sys.stderr)
        self._bar.update()

    def __enter__(self) -> "Bar":
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.close()


def for_stderr(total: int, say: Callable[[str], None]) -> Lines | Bar:
    return Bar(total) if sys.stderr.isatty() else Lines(total, say)


def summary(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """The class in a few lines."""
    fresh = [one for one in outcomes if one.scored and one.fresh]
    ungraded = [one for one in outcomes if not one.scored]
    yield f"  graded now        {len(fresh):6}"
    yield f"  graded before     {sum(not one.fresh for one in outcomes):6}"
    yield f"  not graded        {len(ungraded):6}"
    if fresh:
        yield f"  mean score        {mean(one.score for one in fresh):6.1f}  of what tests can give"
        yield f"  mean time         {mean(one.seconds for one in fresh):6.1f}  s a submission"
        slowest = sorted(fresh, key=lambda one: -one.seconds)[:SLOWEST]
        told = ", ".join(f"{one.student} ({one.seconds:.0f} s)" for one in slowest)
        yield f"  slowest           {told}"
    for cause in dict.fromkeys(one.failure for one in ungraded):
        who = [one.student for one in ungraded if one.failure == cause]
        more = f" and {len(who) - NAMED} more" if len(who) > NAMED else ""
        yield f"  {', '.join(who[:NAMED])}{more}: {cause}"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes / 60:.1f} h"
