"""Runs that differ in a setting or two, trained by one call: on CPUs a few at a time."""

import inspect
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from traceback import format_exc, format_exception_only
from typing import Any, TypeVar

from torch import nn

from skipgrade.lab import forks
from skipgrade.lab.errors import LabError
from skipgrade.lab.files import run_file
from skipgrade.lab.fitting import fit
from skipgrade.lab.history import History
from skipgrade.lab.loaders import Data
from skipgrade.lab.machine import autograding, cores, seed_everything
from skipgrade.lab.progress import Progress, shown_by
from skipgrade.lab.sweep_progress import Board, Outcome, Reporter, failure
from skipgrade.lab.unfilled import SAYS

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True)
class Member:
    """One run of a sweep."""

    name: str
    make_model: Callable[[], nn.Module]
    settings: dict[str, Any]

    @property
    def steps(self) -> int:
        data = self.settings["data"]
        train = data.train if isinstance(data, Data) else data[0]
        return int(self.settings["epochs"]) * len(train)

    def train(self) -> History:
        seed_everything(self.settings.get("seed", 0))
        return fit(self.make_model(), name=self.name, **self.settings)


def sweep(
    make_model: Callable[[], nn.Module],
    grid: Mapping[Key, Mapping[str, Any]],
    data: Any,
    *,
    name: str,
    **settings: Any,
) -> dict[Key, History]:
    """Train a fresh network for each entry of `grid`; returns the histories under the same keys.

        rates = {lr: {"optimizer": partial(SGD, lr=lr)} for lr in (0.1, 0.01)}
        lab.sweep(LeNet5, rates, data, name="lr-{}", epochs=6)

    An entry holds the settings of `lab.fit` in which that run differs, `settings` those that all
    share. In `name`, `{}` is the entry's key. Each run is what `lab.seed_everything(seed)` and
    `lab.fit(make_model(), ...)` give: it has its own files, goes on where it stopped, and is not
    trained again once it has finished. One that breaks down or raises stops none of the others.

    On a machine without a GPU as many runs train at once as there are cores, each in a process of
    its own; on a GPU, and where processes cannot be forked, one after the other.
    """
    members = _members(make_model, grid, name, {"data": data, **settings})
    if autograding():
        return {key: member.train() for key, member in members.items()}
    runs = list(members.values())
    at_once = min(len(runs), cores()) if forks.possible() else 1
    _raise_failures(runs, _together(runs, at_once) if at_once > 1 else _in_turn(runs))
    return {key: History.read(run_file(run.name, "history.json")) for key, run in members.items()}


def _members(
    make_model: Callable[[], nn.Module],
    grid: Mapping[Key, Mapping[str, Any]],
    name: str,
    shared: dict[str, Any],
) -> dict[Key, Member]:
    """The runs, once it is sure that `lab.fit` takes their settings and that names differ."""
    members: dict[Key, Member] = {}
    for key, own in grid.items():
        member = Member(name.format(key), make_model, {**shared, **own})
        run_file(member.name, "history.json")
        if any(member.name == other.name for other in members.values()):
            raise LabError(
                f"Two runs would be named {member.name!r}: write {{}} in name={name!r} where "
                "the key of each entry of the grid belongs."
            )
        try:
            inspect.signature(fit).bind(None, name=member.name, **member.settings)
        except TypeError as error:
            raise LabError(f"lab.fit cannot train {member.name}: {error}.") from error
        members[key] = member
    return members


def _in_turn(runs: Sequence[Member]) -> list[Outcome]:
    outcomes: list[Outcome] = []
    for run in runs:
        outcome = _outcome(run)
        if outcome.error:
            print(failure(run.name, outcome, outcomes), flush=True)
        outcomes.append(outcome)
    return outcomes


def _together(runs: Sequence[Member], at_once: int) -> list[Outcome]:
    jobs = [partial(_reported, run) for run in runs]
    with Progress(f"{len(runs)} runs", steps=sum(run.steps for run in runs), done=0) as progress:
        board = Board([run.name for run in runs], [run.steps for run in runs], progress)
        forks.run(jobs, at_once=at_once, threads=cores() // at_once, listener=board)
    return board.outcomes


def _reported(run: Member, send: forks.Send) -> None:
    with shown_by(partial(Reporter, send)):
        send(_outcome(run))


def _outcome(run: Member) -> Outcome:
    try:
        run.train()
    except Exception as error:  # whatever a student's code raises, the other runs go on
        told = [str(error)] if isinstance(error, LabError) else format_exception_only(error)
        unfilled = isinstance(error, NotImplementedError) and str(error) in ("", SAYS)
        return Outcome("".join(told).strip(), format_exc(), unfilled)
    return Outcome()


def _raise_failures(runs: Sequence[Member], outcomes: Sequence[Outcome]) -> None:
    failed: dict[str, list[str]] = {}
    for run, outcome in zip(runs, outcomes, strict=True):
        if outcome.error:
            failed.setdefault(outcome.error, []).append(run.name)
    if not failed:
        return
    if all(outcome.unfilled for outcome in outcomes):
        raise NotImplementedError(SAYS)
    count = sum(map(len, failed.values()))
    raise LabError(
        f"{count} of {len(runs)} runs failed. Runs that have finished are kept, and come back at "
        "once when you run this again:\n"
        + "\n".join(f"  {', '.join(names)}: {error}" for error, names in failed.items())
    )
