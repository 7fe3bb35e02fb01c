"""Whether two curves can be two honest runs of one recipe.

Such runs differ: by their seeds, by the processor's rounding. How much was measured with
`bench/audit.py`, and is written down here for each column. What a student hands in widens nothing:
the room around a curve comes from these numbers and from the run that was trained here.
"""

from __future__ import annotations

from dataclasses import dataclass

from skipgrade.lab.history import History


@dataclass(frozen=True)
class Column:
    """Room in which one honest run stays of another."""

    name: str
    words: str
    room: float
    relative: float  # and so much of the value itself


COLUMNS = (
    Column("train_loss", "training loss", 0.02, 0.05),
    Column("train_accuracy", "training accuracy", 0.03, 0.0),
    Column("val_accuracy", "validation accuracy", 0.06, 0.0),
)
FAR = 0.25  # of the epochs; an honest run has the odd bad one
RATES = 1e-4  # relative; learning rates follow from the recipe alone


@dataclass(frozen=True)
class Strays:
    """How far one column of the claimed curve leaves the room around the one trained here."""

    column: Column
    share: float  # of epochs outside
    farthest: int  # the epoch
    claimed: float
    reached: float

    def in_words(self) -> str:
        return (
            f"{self.column.words}: {self.claimed:.3g} is claimed for epoch {self.farthest}, "
            f"{self.reached:.3g} came here ({self.share:.0%} of the epochs differ that much)"
        )


def strays(claimed: History, trained: History) -> list[Strays]:
    """The columns in which too many epochs lie outside."""
    found = [_stray(column, claimed, trained) for column in COLUMNS]
    return [one for one in found if one.share > FAR]


def _stray(column: Column, claimed: History, trained: History) -> Strays:
    told, ours = claimed[column.name], trained[column.name]
    count = min(len(told), len(ours))
    outside = [_outside(column, told[at], ours, at) for at in range(count)]
    worst = max(range(count), key=outside.__getitem__)
    share = sum(one > 0 for one in outside) / count
    return Strays(column, share, worst + 1, told[worst], ours[worst])


def _outside(column: Column, value: float, curve: list[float], at: int) -> float:
    """How far a value is from the room around a curve, which may be an epoch early or late."""
    near = curve[max(0, at - 1) : at + 2]
    low = min(near) - column.room - column.relative * abs(min(near))
    high = max(near) + column.room + column.relative * abs(max(near))
    return max(low - value, value - high, 0.0)


def same_rates(claimed: History, trained: History) -> bool:
    """Whether the learning rates are the same, as far as both runs go."""
    pairs = zip(claimed["learning_rate"], trained["learning_rate"], strict=False)
    return all(_near(one, other) for one, other in pairs)


def same_first_rate(claimed: History, trained: History) -> bool:
    """The one that a schedule begins with, however long the run is to be."""
    return _near(claimed["learning_rate"][0], trained["learning_rate"][0])


def _near(one: float, other: float) -> bool:
    return abs(one - other) <= RATES * max(abs(one), abs(other))
