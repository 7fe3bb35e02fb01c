"""The file system as a kernel sees it where Landlock is missing: its places alone, all else gone.

A new root is put together from the places, each where it always is, and takes the place of the
machine's. It is made by the kernel itself, before it gives up the right to.
"""

from __future__ import annotations

import functools
import os
import re
import stat
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path

from skipgrade.sandbox.mounts import (
    BIND,
    DETACH,
    NEW_MOUNTS,
    NO_DEVICES,
    NO_SETUID,
    READ_ONLY,
    RECURSIVE,
    REMOUNT,
    mount,
    separate,
    tried,
)
from skipgrade.sandbox.processes import libc, succeed

WORKSHOP = Path("/dev")  # where the new root is put together
NOT_LISTED = 0o311
MOUNTED = Path("/proc/self/mountinfo")


@functools.cache  # asked for once where Landlock is missing
def possible() -> bool:
    """Whether this process may give itself such a view; tried out in another."""

    def do() -> None:
        separate()
        enclose(["/usr", "/proc/self/status"], ["/dev/null"])

    return tried(do)


def enclose(readable: Iterable[str], writable: Iterable[str]) -> None:
    """From now on the calling process sees these places and no others; of places in each other
    the inner one counts.
    """
    succeed(libc().unshare(NEW_MOUNTS), "unshare")
    links: dict[Path, str] = {}
    places = {_real(path, links): False for path in filter(os.path.exists, readable)}
    places |= {_real(path, links): True for path in filter(os.path.exists, writable)}
    places = _needed(places)
    with ExitStack() as held:
        sources = {place: os.open(place, os.O_PATH | os.O_CLOEXEC) for place in places}
        for source in sources.values():
            held.callback(os.close, source)
        mount("tmpfs", WORKSHOP, NO_SETUID | NO_DEVICES, "tmpfs", f"size=1m,mode={NOT_LISTED:o}")
        for place, source in sources.items():
            _show(source, _in_workshop(place))
        for link, target in links.items():
            _link(_in_workshop(link), target)
    _close({_in_workshop(place): may for place, may in places.items()})
    _enter(WORKSHOP)


def _real(path: str, links: dict[Path, str]) -> Path:
    """Where a place really is; notes the links on the way to it."""
    here, waiting = Path("/"), [*Path(path).parts]
    while waiting:
        part = waiting.pop(0)
        if part == "..":
            here = here.parent
        elif (here / part).is_symlink():
            links[here / part] = str((here / part).readlink())
            waiting = [*Path(links[here / part]).parts, *waiting]
        else:
            here /= part  # the root, where a link's target begins with it
    return here


def _needed(places: dict[Path, bool]) -> dict[Path, bool]:
    """Folders before what is in them, without those that an outer one shows as well."""
    found: dict[Path, bool] = {}
    for place in sorted(places, key=lambda place: len(place.parts)):
        if places[place] != next((found[each] for each in place.parents if each in found), None):
            found[place] = places[place]
    return found


def _in_workshop(place: Path) -> Path:
    return WORKSHOP / place.relative_to("/")


def _show(source: int, target: Path) -> None:
    if stat.S_ISDIR(os.fstat(source).st_mode):
        _make(target)
    elif not target.exists():
        _make(target.parent)
        target.touch()
    mount(f"/proc/self/fd/{source}", target, BIND | RECURSIVE)


def _link(link: Path, target: str) -> None:
    """One that lies in a place is there with it."""
    if not link.is_symlink():
        _make(link.parent)
        link.symlink_to(target)


def _make(folder: Path) -> None:
    """With those on the way to it, none of which can be listed."""
    for each in (*reversed(folder.parents), folder):
        if not each.exists():
            each.mkdir(NOT_LISTED)


def _close(places: dict[Path, bool]) -> None:
    """Nothing of the new root can be written to but the places that may be, and what was in them;
    the flags of a mount that are on must stay on.
    """
    rows = [row.split(" ")[:5] for row in os.fsdecode(MOUNTED.read_bytes()).splitlines()]
    root = [number for number, _, _, _, path in rows if path == str(WORKSHOP)][-1]
    inside = {root}
    for number, around, _, _, path in rows:
        if around in inside:
            inside.add(number)
        if number in inside:
            where = Path(_plain(path))
            innermost = next((each for each in (where, *where.parents) if each in places), None)
            if innermost is None or not places[innermost]:
                mount(None, where, REMOUNT | BIND | READ_ONLY | os.statvfs(where).f_flag)


def _plain(path: str) -> str:
    """The table writes blanks, tabs, line ends and backslashes as three digits."""
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), path)


def _enter(root: Path) -> None:
    library = libc()
    os.chdir(root)
    succeed(library.pivot_root(b".", b"."), "pivot_root")
    succeed(library.umount2(b".", DETACH), "umount")
    os.chdir("/")
