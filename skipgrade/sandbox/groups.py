"""Linux control groups: one for each kernel with all its processes, where they can be had.

They count what no table of processes tells: the kernel's memory for sockets and files, processor
time of those that have ended. Version 2 is one tree; in version 1 every controller has its own.
"""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

PREFIX = "skipgrade-"
LIMITS = {  # what is limited: the file that says so in version 2, and in version 1
    "memory": ("memory.max", "memory.limit_in_bytes"),
    "pids": ("pids.max", "pids.max"),
}
PROCESSES, EVENTS = "cgroup.procs", ("memory.events", "memory.oom_control")
CONTROLLERS, ENABLED = ("cpu", "memory", "pids"), "cgroup.subtree_control"
OWN, MOUNTED = Path("/proc/self/cgroup"), Path("/proc/self/mountinfo")


@dataclass(frozen=True)
class Home:
    """A folder of a control group's tree in which groups can be made."""

    folder: Path
    version: int


@functools.cache  # asked for once, by the zygote
def homes() -> tuple[Home, ...]:
    """Where this process may make groups: in the tree of version 2, or in some of version 1."""
    return tuple(_homes(OWN.read_text(), MOUNTED.read_text()))


def _homes(own: str, mounted: str) -> list[Home]:
    ones, two = [], None
    for controllers, (folder, top) in _trees(own, mounted).items():
        if not controllers:
            upwards = [p for p in (folder, *folder.parents) if top in (p, *p.parents)]
            two = _best(Home(each, 2) for each in upwards)
        elif {*CONTROLLERS, "cpuacct"} & set(controllers.split(",")):
            ones += [Home(folder, 1)] if _fit(folder) else []
    if two is None or (ones and not _offers(two)):
        return ones
    return [two, *ones]


def _trees(own: str, mounted: str) -> dict[str, tuple[Path, Path]]:
    """This process's group, and the uppermost one it sees, of each tree by its controllers."""
    groups = {line.split(":")[1]: line.split(":", 2)[2] for line in own.splitlines()}
    found = {}
    for line in mounted.splitlines():
        before, _, after = line.partition(" - ")
        kind, _, options = after.split(" ", 2)
        root, top = before.split(" ")[3:5]
        for controllers, path in groups.items():
            wanted = set(controllers.split(","))
            if kind == ("cgroup" if controllers else "cgroup2") and (
                not controllers or wanted <= set(options.split(","))
            ):
                inside = os.path.relpath(path, root)
                folder = Path(top) if inside.startswith("..") else Path(top, inside)
                found[controllers] = (folder, Path(top))
    return found


def _best(candidates: Iterable[Home]) -> Home | None:
    """The first with all controllers for groups that are made in it, or with the most."""
    fit = [home for home in candidates if _fit(home.folder)]
    for make_ready in (False, True):  # what others have set up is left as it is where that will do
        for home in fit:
            if make_ready:
                _enable(home)
            if _offers(home) == set(CONTROLLERS):
                return home
    return max(fit, key=lambda home: len(_offers(home)), default=None)


def _fit(folder: Path) -> bool:
    return os.access(folder, os.W_OK) and os.access(folder / PROCESSES, os.W_OK)


def _offers(home: Home) -> set[str]:
    return set((home.folder / ENABLED).read_text().split()) & set(CONTROLLERS)


def _enable(home: Home) -> None:
    for name in CONTROLLERS:
        with contextlib.suppress(OSError):  # there is none, it is not ours, or in use here
            (home.folder / ENABLED).write_text(f"+{name}")


class Group:
    """One kernel's; its folders are gone with `remove`."""

    def __init__(self, name: str, homes: Iterable[Home], limits: Mapping[str, int]) -> None:
        """`limits`: bytes of `memory`, number of `pids`."""
        self._folders: list[Home] = []
        for home in homes:
            made = Home(home.folder / f"{PREFIX}{name}", home.version)
            made.folder.mkdir()
            self._folders.append(made)
        for controller, files in LIMITS.items():
            for home in self._folders:
                file = home.folder / files[2 - home.version]
                if file.exists():
                    file.write_text(str(limits[controller]))
        self._write("memory.oom.group", "1")
        self._write("memory.swap.max", "0")

    @property
    def weighs(self) -> bool:
        """Whether processors are shared among groups, however many processes each has."""
        weights = ("cpu.weight", "cpu.shares")
        return any((home.folder / weights[2 - home.version]).exists() for home in self._folders)

    def take_in(self, pid: int) -> None:
        """Put a process in, with all its threads; Linux may take a tenth of a second for it."""
        self._write(PROCESSES, str(pid))

    def cpu_seconds(self) -> float | None:
        """Of all that ever ran in it; None where the machine does not say."""
        for home in self._folders:
            if (told := home.folder / "cpu.stat").exists() and home.version == 2:
                return _row(told, "usage_usec") / 1e6
            if (told := home.folder / "cpuacct.usage").exists():
                return int(told.read_text()) / 1e9
        return None

    def ran_out_of_memory(self) -> bool:
        """Whether a process of it was ended for the memory they took together."""
        tables = (home.folder / EVENTS[2 - home.version] for home in self._folders)
        return any(_row(table, "oom_kill") for table in tables if table.exists())

    def remove(self) -> None:
        """When all in it have ended."""
        for home in self._folders:
            with contextlib.suppress(FileNotFoundError):
                home.folder.rmdir()
        self._folders = []

    def _write(self, name: str, text: str) -> None:
        for home in self._folders:
            if (file := home.folder / name).exists():
                file.write_text(text)


def remove_left(homes: Iterable[Home], prefix: str, alive: Iterable[str]) -> None:
    """Remove what is left of a `prefix` whose supervisors were killed: all not `alive`."""
    kept = {f"{PREFIX}{prefix}{name}" for name in alive}
    for home in homes:
        for folder in home.folder.glob(f"{PREFIX}{prefix}*"):
            if folder.name not in kept:
                with contextlib.suppress(OSError):  # its last processes are just ending
                    folder.rmdir()


def _row(table: Path, name: str) -> int:
    rows = dict(line.split()[:2] for line in table.read_text().splitlines())
    return int(rows.get(name, 0))
