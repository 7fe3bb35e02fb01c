"""When is there room for one more?"""

from __future__ import annotations

import pytest

from skipgrade.sandbox.listener import Allowance


class World:
    """So many are there, at a time that stands still unless it is told to go on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.there = self.counted = 0
        self.now = 100.0
        monkeypatch.setattr("skipgrade.sandbox.listener.time.monotonic", lambda: self.now)

    def count(self) -> int:
        self.counted += 1
        return self.there


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    return World(monkeypatch)


def test_no_more_than_there_may_be(world: World) -> None:
    allowance = Allowance(3, world.count)
    assert [allowance.take() for _ in range(5)] == [True, True, True, False, False]


def test_those_that_have_ended_make_room_at_once(world: World) -> None:
    """Sixty programs, one after the other, are not sixty at a time."""
    allowance = Allowance(4, world.count)
    for _ in range(60):
        world.now += 0.005
        assert allowance.take()
    assert world.counted < 20


def test_asking_in_vain_costs_no_counting(world: World) -> None:
    world.there = 3
    allowance = Allowance(3, world.count)
    for _ in range(1000):
        assert not allowance.take()
    assert world.counted == 1
    world.there = 2
    world.now += 0.3
    assert allowance.take()
