"""Does a confined kernel keep everything in, and let honest work be done?

One contract for every way to confine: with all that this machine offers, and without its helps.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from skipgrade.sandbox import folders
from skipgrade.sandbox.confinement import HELPS, missing
from tests.sandbox.bank import ATTACKS, BETWEEN, HONEST, STOPPED, Targets, targets
from tests.sandbox.spoken import Kernel, confined

pytestmark = pytest.mark.skipif(bool(missing()), reason="this machine cannot confine")
WAYS = {"helped": (), "alone": tuple(HELPS)}
# Attacks that succeed, and honest work that fails, each with its reason. One that does no longer
# fails the suite until its line is removed.
GAPS = {
    ("alone", "know of files in shared memory"): "stat is not covered by Landlock",
    ("alone", "uses the machine's temporary folder"): "there is none of the kernel's own",
}


@pytest.fixture(scope="module", params=WAYS)
def way(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Targets]:
    with targets(tmp_path_factory.mktemp("course")) as made:
        yield made


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory, world: Targets, way: str) -> Iterator[Kernel]:
    """One for all attacks: none of them may hurt it either."""
    made = confined(tmp_path_factory.mktemp("work"), WAYS[way])
    assert made.run(world.code() + "\nready = 1", "ready") == 1
    yield made
    made.close()


@pytest.mark.parametrize("attack", ATTACKS)
def test_attacks_fail(kernel: Kernel, world: Targets, way: str, attack: str) -> None:
    got = kernel.run(ATTACKS[attack], "escaped")
    failed = not got or (isinstance(got, str) and "Error" in got.split(":")[0])
    assert failed == ((way, attack) not in GAPS), got
    assert world.damage() == []


@pytest.mark.parametrize("work", HONEST)
def test_honest_work_is_done(kernel: Kernel, way: str, work: str) -> None:
    got = kernel.run(HONEST[work], "worked")
    assert (got is True) == ((way, work) not in GAPS), got


@pytest.fixture(scope="module")
def pair(
    tmp_path_factory: pytest.TempPathFactory, world: Targets, way: str
) -> Iterator[tuple[Kernel, Kernel]]:
    place = tmp_path_factory.mktemp("first")
    first, second = confined(place, WAYS[way]), confined(tmp_path_factory.mktemp("2"), WAYS[way])
    number = first.run(world.code() + "\nnumber = os.getpid()", "number")
    second.run(f"{world.code()}\nFIRST, PLACE = {number}, {str(place)!r}", "nothing")
    yield first, second
    for each in (first, second):
        each.close()


@pytest.mark.parametrize("channel", BETWEEN)
def test_kernels_do_not_hear_of_each_other(
    pair: tuple[Kernel, Kernel], world: Targets, channel: str
) -> None:
    """Each has a world of its own; what one puts there the other does not find."""
    says, listens = BETWEEN[channel]
    pair[0].run(says, "said")
    heard = pair[1].run(listens, "heard")
    assert not heard or (isinstance(heard, str) and "Error" in heard.split(":")[0]), heard
    assert world.damage() == []


@pytest.mark.parametrize("attack", STOPPED)
def test_excess_ends_the_kernel(tmp_path: Path, world: Targets, way: str, attack: str) -> None:
    reason, code = STOPPED[attack]
    kernel = confined(tmp_path, WAYS[way], memory_gib=0.25, files=10_000)
    kernel.run(world.code(), "nothing")
    told = kernel.stopped_for(code)
    kernel.close()
    folders.remove(tmp_path)
    assert reason in told
