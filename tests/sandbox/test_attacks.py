"""Does a confined kernel keep everything in, and let honest work be done?

One contract for every way to confine: by Landlock, with all that this machine offers and without
its helps; by the oldest Landlock; and by a view of files of its own, where Landlock is missing.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from skipgrade.sandbox import folders, landlock, view
from skipgrade.sandbox.confinement import HELPS
from tests.sandbox.bank import ATTACKS, BETWEEN, HONEST, KINDS, SECRET, STOPPED, Targets, targets
from tests.sandbox.spoken import Kernel, confined, needs_confinement

pytestmark = needs_confinement
WAYS: dict[str, dict[str, Any]] = {
    "helped": {},
    "alone": {"without": tuple(HELPS)},
    "old Landlock": {"without": tuple(HELPS), "known": 1},
    "view": {"known": 0},
    "view alone": {"known": 0, "without": tuple(HELPS)},
}
# What is kept by the seccomp filter and the supervisor's counting is the same whatever keeps files.
WHOLE = ("helped", "alone")
OF_FILES = [name for kind in ("files", "network", "other processes") for name in KINDS[kind]]
# Attacks that succeed, and honest work that fails, each with its reason and the ways it is so in.
# One that does no longer fails the suite until its line is removed.
GAPS = {
    "know of files in shared memory": (
        "stat is not covered by Landlock",
        ("alone", "old Landlock"),
    ),
    "uses the machine's temporary folder": (
        "there is none of the kernel's own",
        ("alone", "old Landlock", "view alone"),
    ),
    "renames files into other folders": (
        "before Linux 5.19 Landlock refuses to rename into another folder",
        ("old Landlock",),
    ),
}


def gap(way: str, name: str) -> bool:
    return name in GAPS and way in GAPS[name][1]


@pytest.fixture(scope="module", params=WAYS)
def way(request: pytest.FixtureRequest) -> str:
    if not WAYS[request.param].get("known", 1) and not view.possible():
        pytest.skip("this machine lets nobody have mounts of his own")
    if request.param in ("alone", "old Landlock") and not landlock.version():
        pytest.skip("this machine has no Landlock")
    return str(request.param)


in_some = pytest.mark.parametrize("way", WHOLE, indirect=True)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Targets]:
    with targets(tmp_path_factory.mktemp("course")) as made:
        yield made


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory, world: Targets, way: str) -> Iterator[Kernel]:
    """One for all attacks: none of them may hurt it either."""
    made = confined(tmp_path_factory.mktemp("work"), readable=[world.SHOWN], **WAYS[way])
    try:
        assert made.run(world.code() + "\nshown = open(SHOWN).read()", "shown") == SECRET
        yield made
    finally:
        made.close()


def attack(kernel: Kernel, world: Targets, way: str, name: str) -> None:
    got = kernel.run(ATTACKS[name], "escaped")
    failed = not got or (isinstance(got, str) and "Error" in got.split(":")[0])
    assert failed == (not gap(way, name)), got
    assert world.damage() == []


@pytest.mark.parametrize("name", OF_FILES)
def test_attacks_fail(kernel: Kernel, world: Targets, way: str, name: str) -> None:
    attack(kernel, world, way, name)


@in_some
@pytest.mark.parametrize("name", [name for name in ATTACKS if name not in OF_FILES])
def test_attacks_on_the_machine_fail(kernel: Kernel, world: Targets, way: str, name: str) -> None:
    attack(kernel, world, way, name)


@pytest.mark.parametrize("name", HONEST)
def test_honest_work_is_done(kernel: Kernel, way: str, name: str) -> None:
    got = kernel.run(HONEST[name], "worked")
    assert (got is True) == (not gap(way, name)), got


@pytest.fixture(scope="module")
def pair(
    tmp_path_factory: pytest.TempPathFactory, world: Targets, way: str
) -> Iterator[tuple[Kernel, Kernel]]:
    place = tmp_path_factory.mktemp("first")
    first = confined(place, **WAYS[way])
    second = confined(tmp_path_factory.mktemp("second"), **WAYS[way])
    number = first.run(world.code() + "\nnumber = os.getpid()", "number")
    second.run(f"{world.code()}\nFIRST, PLACE = {number}, {str(place)!r}", "nothing")
    yield first, second
    for each in (first, second):
        each.close()


@pytest.mark.parametrize("name", BETWEEN)
def test_kernels_do_not_hear_of_each_other(
    pair: tuple[Kernel, Kernel], world: Targets, name: str
) -> None:
    """Each has a world of its own; what one puts there the other does not find."""
    says, listens = BETWEEN[name]
    pair[0].run(says, "said")
    heard = pair[1].run(listens, "heard")
    assert not heard or (isinstance(heard, str) and "Error" in heard.split(":")[0]), heard
    assert world.damage() == []


@in_some
@pytest.mark.parametrize("name", STOPPED)
def test_excess_ends_the_kernel(tmp_path: Path, world: Targets, way: str, name: str) -> None:
    reason, code = STOPPED[name]
    kernel = confined(tmp_path, **WAYS[way], memory_gib=0.25, files=10_000)
    kernel.run(world.code(), "nothing")
    told = kernel.stopped_for(code)
    kernel.close()
    folders.remove(tmp_path)
    assert reason in told
