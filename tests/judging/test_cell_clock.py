"""A cell's clock: processor time counts, not what passes on a busy machine."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable

import pytest

from skipgrade.judging.grader import cell_clock as timekeeping
from skipgrade.judging.grader.cell_clock import CellClock


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timekeeping, "LOOK_S", 0)
    monkeypatch.setattr(timekeeping, "KILL_S", 0)


def watched(
    used: Callable[[], float],
    looks: int,
    *,
    stop_at: str = "",
    now: Callable[[], float] | None = None,
) -> tuple[CellClock, list[str]]:
    """A clock with a limit of 3 seconds, and what it did while `looks` turns passed."""
    done: list[str] = []

    async def interrupt() -> None:
        done.append("interrupted")
        if stop_at == "interrupt":
            clock.stop()

    async def kill() -> None:
        done.append("killed")

    clock = CellClock(3.0, used, interrupt, kill, now or itertools.count().__next__)

    async def cell() -> None:
        clock.start()
        for _ in range(looks):
            await asyncio.sleep(0)
        clock.stop()

    asyncio.run(cell())
    return clock, done


def test_time_that_others_use_costs_nothing() -> None:
    clock, done = watched(lambda: 7.5, looks=200)
    assert not clock.ran_out and done == []


def test_what_was_used_before_the_cell_does_not_count() -> None:
    clock, done = watched(itertools.chain([90.0], itertools.repeat(92.9)).__next__, looks=50)
    assert not clock.ran_out and done == []


def test_several_processors_at_once_do_not_shorten_the_limit() -> None:
    """What a cell computes with many threads takes the seconds on the clock that it takes."""
    clock, done = watched(itertools.count(0, 16).__next__, looks=50, now=lambda: 2.9)
    assert not clock.ran_out and done == []


def test_a_cell_that_uses_too_much_is_interrupted() -> None:
    clock, done = watched(itertools.count().__next__, looks=50, stop_at="interrupt")
    assert clock.ran_out and done == ["interrupted"]


def test_one_that_goes_on_is_killed() -> None:
    clock, done = watched(itertools.count().__next__, looks=50)
    assert clock.ran_out and done == ["interrupted", "killed"]


def test_the_next_cell_starts_from_nothing() -> None:
    clock, _ = watched(itertools.count().__next__, looks=50)

    async def another() -> None:
        clock.start()
        await asyncio.sleep(0)
        assert not clock.ran_out
        clock.stop()

    asyncio.run(another())
