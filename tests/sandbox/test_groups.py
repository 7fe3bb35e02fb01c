"""Where control groups are made, and what is written into them, on machines of either version."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from skipgrade.sandbox import groups
from skipgrade.sandbox.groups import ENABLED, Group, Home, remove_left

LIMITS = {"memory": 2**30, "pids": 100}


def tree(root: Path, *names: str) -> Path:
    """A folder as Linux would show a group: with its table of processes."""
    for folder in (root, *(root / name for name in names)):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "cgroup.procs").touch()
        (folder / "cgroup.subtree_control").touch()
    return root


def test_in_the_one_tree_of_version_two_the_nearest_that_offers_all(tmp_path: Path) -> None:
    """A group that holds processes offers its children nothing; one around it does."""
    top = tree(tmp_path / "groups", "user", "user/session")
    for around in (top, top / "user"):
        (around / ENABLED).write_text("cpu memory pids io")
    mounted = f"30 20 0:26 / {top} rw - cgroup2 cgroup2 rw\n"
    assert groups._homes("0::/user/session\n", mounted) == [Home(top / "user", 2)]
    assert (top / "user" / "session" / ENABLED).read_text() == "", "nothing was changed"


def test_where_none_offers_all_the_nearest_that_can_be_made_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    top = tree(tmp_path / "groups", "user", "user/session")
    (top / "user" / ENABLED).write_text("memory pids")

    def enable(home: Home) -> None:
        """As Linux would: not where there are processes."""
        if home.folder != top / "user" / "session":
            (home.folder / ENABLED).write_text("cpu memory pids")

    monkeypatch.setattr(groups, "_enable", enable)
    mounted = f"30 20 0:26 / {top} rw - cgroup2 cgroup2 rw\n"
    assert groups._homes("0::/user/session\n", mounted) == [Home(top / "user", 2)]


def test_in_the_trees_of_version_one_each_that_counts(tmp_path: Path) -> None:
    for name in ("memory", "cpu,cpuacct", "freezer", "pids"):
        tree(tmp_path / name, "mine")
    own = "4:memory:/mine\n3:cpu,cpuacct:/mine\n2:freezer:/mine\n1:pids:/\n"
    mounted = "".join(
        f"3{n} 20 0:26 / {tmp_path / name} rw - cgroup cgroup rw,{name}\n"
        for n, name in enumerate(("memory", "cpu,cpuacct", "freezer", "pids"))
    )
    expected = {tmp_path / "memory/mine", tmp_path / "cpu,cpuacct/mine", tmp_path / "pids"}
    assert {home.folder for home in groups._homes(own, mounted)} == expected


def test_in_a_container_its_own_root(tmp_path: Path) -> None:
    top = tree(tmp_path / "groups")
    mounted = f"30 20 0:26 /docker/7 {top} rw - cgroup2 cgroup2 rw\n"
    assert groups._homes("0::/docker/7\n", mounted) == [Home(top, 2)]


def test_nowhere_to_make_groups_is_no_error(tmp_path: Path) -> None:
    mounted = f"30 20 0:26 / {tmp_path} ro - cgroup2 cgroup2 ro\n"
    assert groups._homes("0::/\n", mounted) == []  # there is no table of processes to write to
    assert groups._homes("", "") == []


@pytest.mark.skipif(not groups.homes(), reason="this machine gives no control groups")
def test_a_group_counts_limits_and_goes(tmp_path: Path) -> None:
    group = Group(f"test-{os.getpid()}", groups.homes(), LIMITS)
    made = [home.folder / f"skipgrade-test-{os.getpid()}" for home in groups.homes()]
    assert all(folder.is_dir() for folder in made)
    here, there = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.read(here, 1)
        sum(number * number for number in range(2_000_000))
        os._exit(0)
    group.take_in(pid)
    os.write(there, b"x")
    os.waitpid(pid, 0)
    assert (group.cpu_seconds() or 0.1) > 0.05
    assert not group.ran_out_of_memory()
    remove_left(groups.homes(), "test-", [str(os.getpid())])
    assert all(folder.is_dir() for folder in made)
    remove_left(groups.homes(), "test-", [])
    assert not any(folder.exists() for folder in made)
