"""What one run trained again says of the one that was handed in.

A reason *against* a run is one that no honest run of this code has but by rare chance. An *open*
one leaves something untold: the run may be honest, and nobody can say.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from skipgrade.classroom.audit import curves
from skipgrade.classroom.audit.retraining import Again
from skipgrade.judging.printable import presentable
from skipgrade.lab.history import History

REPRODUCED, PLAUSIBLE = "reproduced", "plausible"
NOT_RUN, NOT_REPRODUCIBLE = "not run", "not reproducible"
VERDICTS = (REPRODUCED, PLAUSIBLE, NOT_RUN, NOT_REPRODUCIBLE)  # the last of a student's runs counts

MOST_NAMED = 4  # settings
FEWEST = 3  # epochs that say something of a curve
ACCURACY = 0.01  # between a history and its own weights; other processors turn a few images
LOSS, LOSS_SHARE = 0.005, 0.005  # the same for the loss
FINAL = 0.06  # between the best accuracies of two honest runs
# Follow from the machine, or from seeds.
NOT_COMPARED = ("frozen", "optimizer fused", "optimizer foreach", "optimizer capturable")
AS_PRINTED = (
    "layers"  # a fingerprint of what torch prints, which another version may word otherwise
)
ADDRESS = re.compile(r" at 0x[0-9a-f]+")  # of a function, another one in every process


@dataclass
class RunVerdict:
    """Why one run of a student's is believed, or not."""

    run: str
    against: list[str] = field(default_factory=list)
    open: list[str] = field(default_factory=list)
    not_run: str = ""
    claimed: History | None = None
    again: Again | None = None
    chance_alone: bool = False  # nothing speaks against it that other seeds could not change

    @property
    def trained(self) -> History | None:
        return self.again.history if self.again else None

    @property
    def verdict(self) -> str:
        if self.not_run:
            return NOT_RUN
        if self.against:
            return NOT_REPRODUCIBLE
        return PLAUSIBLE if self.open else REPRODUCED

    @property
    def reasons(self) -> list[str]:
        return [self.not_run] if self.not_run else [*self.against, *self.open]


def judge(run: str, claimed: History, trained: Sequence[Again | None], trouble: str) -> RunVerdict:
    """The verdict on one run that was trained so many times.

    The first training counts, and where chance alone may speak against it, the best of all. How far
    they are from each other widens the room, to twice itself at most: code can fail on purpose.
    `trouble` says why the run is missing, if it is.
    """
    reached = [_best(one) for one in trained if one]
    apart = max(reached, default=0.0) - min(reached, default=0.0)
    room = FINAL + min(FINAL, apart)
    first, *others = (compare(run, claimed, one, trouble, room) for one in trained)
    if not first.chance_alone:
        return first
    return min(
        [first, *(one for one in others if not one.not_run)],
        key=lambda one: VERDICTS.index(one.verdict),
    )


def compare(
    run: str, claimed: History, again: Again | None, trouble: str, room: float = FINAL
) -> RunVerdict:
    """The verdict by one training; `room` is what best accuracies may differ."""
    if again is None:
        return RunVerdict(run, claimed=claimed, not_run=trouble)
    trained = again.history
    if not trained.epochs:
        stopped = presentable(trained.stopped or "no epoch was finished")
        return RunVerdict(run, claimed=claimed, again=again, not_run=stopped)
    if images := _other_images(claimed, trained):
        return RunVerdict(run, claimed=claimed, again=again, not_run=images)
    sure = [*_shape(claimed, trained), *_weights(claimed, again)]
    chance = [*_accuracy(claimed, again, room), *_curve(claimed, trained)]
    return RunVerdict(
        run,
        [*sure, *chance],
        [*_left_open(claimed, again)],
        claimed=claimed,
        again=again,
        chance_alone=bool(chance) and not sure,
    )


def _other_images(claimed: History, trained: History) -> str:
    one, other = (history.settings.get("images") for history in (claimed, trained))
    if None in (one, other) or one == other:
        return ""
    return f"it was trained on the {one} images, and here are the {other} ones"


def _shape(claimed: History, trained: History) -> Iterator[str]:
    """What follows from the code alone, and differs."""
    changed = [
        f"{key}: {_shown(claimed.settings[key])} there, {_shown(trained.settings[key])} by the code"
        for key in _changed(claimed, trained)
        if key != AS_PRINTED
    ]
    if changed:
        yield "its history was made with other settings: " + "; ".join(changed)
    elif not curves.same_first_rate(claimed, trained):
        one, other = (history["learning_rate"][0] for history in (claimed, trained))
        yield f"its history begins with a learning rate of {one:g}, its code with {other:g}"


def _changed(claimed: History, trained: History) -> list[str]:
    return [
        key
        for key, value in trained.settings.items()
        if _compared(key)
        and key in claimed.settings
        and _lasting(claimed.settings[key]) != _lasting(value)
    ]


def _compared(key: str) -> bool:
    return not key.startswith(NOT_COMPARED)


def _lasting(value: Any) -> Any:
    return ADDRESS.sub("", value) if isinstance(value, str) else value


def _shown(value: Any) -> str:
    return presentable(str(value), limit=60)


def _weights(claimed: History, again: Again) -> Iterator[str]:
    """Whether the weights handed in are those of the history handed in."""
    if again.misfit:
        yield f"its weights do not fit the network its code builds: {again.misfit}"
    if again.claimed is None or again.reached is None:
        return
    told, found = claimed.best, again.claimed
    if abs(told["val_accuracy"] - found.accuracy - _counts_more(again)) > ACCURACY:
        yield (
            f"its history has {told['val_accuracy']:.1%} of the validation images right at best, "
            f"its weights {found.accuracy:.1%}"
        )
    elif _loss_as_we_do(again) and not _near(told["val_loss"], found.loss):
        yield (
            f"its history has a validation loss of {told['val_loss']:.3f} at best, its weights "
            f"{found.loss:.3f}"
        )


def _counts_more(again: Again) -> float:
    """How much more the run trained here says of its own weights than we find. Code that evaluates
    in another way says as much more of those handed in."""
    assert again.reached is not None
    more: float = again.history.best["val_accuracy"] - again.reached.accuracy
    return more if abs(more) > ACCURACY else 0.0


def _loss_as_we_do(again: Again) -> bool:
    assert again.reached is not None
    return _near(again.history.best["val_loss"], again.reached.loss)


def _near(one: float, other: float) -> bool:
    return abs(one - other) <= LOSS + LOSS_SHARE * abs(other)


def _accuracy(claimed: History, again: Again, room: float) -> Iterator[str]:
    """Whether the code reaches what is claimed, in as many epochs."""
    count = _both(claimed, again.history)
    told, found = _to_compare(claimed, again, count)
    if told - found > room:
        yield f"{told:.1%} is claimed after {count} epochs; its own code reaches {found:.1%}"


def _to_compare(claimed: History, again: Again, count: int) -> tuple[float, float]:
    """The best accuracies of so many epochs: of weights that were tried here, where there are any;
    else as told, but no more of the run trained here than its weights do."""
    trained = again.history
    if again.claimed and again.reached and count == len(claimed) == len(trained):
        return again.claimed.accuracy, again.reached.accuracy
    best = max(trained["val_accuracy"][:count])
    found = min(best, again.reached.accuracy) if again.reached else best
    return max(claimed["val_accuracy"][:count]), found


def _best(again: Again) -> float:
    """The best accuracy of the run trained here, as far as its weights bear it out."""
    told = max(again.history["val_accuracy"], default=0.0)
    return min(told, again.reached.accuracy) if again.reached else told


def _both(claimed: History, trained: History) -> int:
    return min(len(claimed), len(trained))


def _curve(claimed: History, trained: History) -> Iterator[str]:
    if curves.same_rates(claimed, trained):  # else another curve is to be expected
        yield from (stray.in_words() for stray in curves.strays(claimed, trained))


def _left_open(claimed: History, again: Again) -> Iterator[str]:
    trained = again.history
    count = _both(claimed, trained)
    if count < len(claimed):
        yield f"only {count} of its {len(claimed)} epochs were compared"
    if count < FEWEST:
        yield f"{count} epochs say little of a curve"
    if not curves.same_rates(claimed, trained):
        yield "its learning rates are not those its code sets; was the run taken up for longer?"
    if AS_PRINTED in _changed(claimed, trained):
        yield "its network was printed in other words: other layers, or another version of torch"
    if missing := [key for key in trained.settings if key not in claimed.settings]:
        yield f"its history does not say what it had for {', '.join(missing[:MOST_NAMED])}"
    if again.claimed is None and not again.misfit:
        yield f"its weights could not be tried: {again.unmeasured}"
    if again.reached is not None and _counts_more(again):
        yield (
            f"the run trained here counts otherwise than we: its history has "
            f"{trained.best['val_accuracy']:.1%} at best, its weights {again.reached.accuracy:.1%}"
        )
    if again.same:
        yield "the same weights came to the last bit, from other seeds: read whether it trains"


def worst(verdicts: Iterable[str]) -> str:
    """A student's verdict, of those of the runs."""
    return max(verdicts, key=VERDICTS.index)
