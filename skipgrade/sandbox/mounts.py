"""A view of the file system in which /tmp and /dev/shm are one kernel's own.

Made by the kernel's supervisor, for both. Needs root or user namespaces; where there are neither,
/tmp stays closed to the kernel, and `shared_memory.py` stands in for /dev/shm.
"""

from __future__ import annotations

import ctypes
import functools
import os
import warnings
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path

from skipgrade.sandbox.processes import libc, succeed

TEMPORARY, SHARED_MEMORY = Path("/tmp"), Path("/dev/shm")
NEW_MOUNTS, NEW_USER = 0x00020000, 0x10000000
OWN_FOLDER = 0x200  # CLONE_FS: a thread's own root and working folder
READ_ONLY, NO_SETUID, NO_DEVICES, REMOUNT, BIND = 1, 2, 4, 32, 4096
RECURSIVE, FOLLOW_OTHERS = 1 << 14, 1 << 19
DETACH = 2


@functools.cache  # asked for once, by the zygote
def possible() -> bool:
    """Whether this process may have mounts of its own; tried out in another."""

    def do() -> None:
        separate()
        mount("tmpfs", SHARED_MEMORY, kind="tmpfs")

    return tried(do)


def tried(do: Callable[[], None]) -> bool:
    """Whether Linux lets a process of this kind do it."""
    with warnings.catch_warnings():
        # Threads may run here: the child calls Linux alone, and waits for none of their locks.
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if pid == 0:
        status = 1
        try:
            do()
            status = 0
        except OSError:
            pass
        finally:
            os._exit(status)
    return os.waitpid(pid, 0)[1] == 0


def make_private(
    temporary: Path, shared_bytes: int, readable: Iterable[str], writable: Iterable[str]
) -> None:
    """From now on, for this process and those it starts: /tmp is the folder `temporary`, with
    nothing of what was there but the files and folders named; /dev/shm is as empty, and limited.
    """
    separate()
    kept = {Path(path).resolve(): False for path in readable}
    kept |= {Path(path).resolve(): True for path in writable}
    covered = {TEMPORARY, SHARED_MEMORY}
    kept = {path: may for path, may in kept.items() if covered & {*path.parents} and path.exists()}
    with ExitStack() as held:
        originals = {}
        for path in sorted(kept, key=lambda path: len(path.parts)):  # folders before those in them
            originals[path] = os.open(path, os.O_PATH | os.O_CLOEXEC)
            held.callback(os.close, originals[path])
        mount(str(temporary), TEMPORARY, BIND)
        options = f"size={shared_bytes},nr_inodes=16384,mode=1777"
        mount("tmpfs", SHARED_MEMORY, NO_SETUID | NO_DEVICES, kind="tmpfs", options=options)
        for path, original in originals.items():
            _show(original, path, writable=kept[path])


def reveal() -> None:
    """Show what the machine has there again, so that it can be removed."""
    for folder in (TEMPORARY, SHARED_MEMORY):
        succeed(libc().umount2(os.fsencode(folder), DETACH), "umount")


def separate() -> None:
    """Mounts of this process's own, with the rights that root has over them."""
    library = libc()
    if library.unshare(NEW_MOUNTS) < 0:
        user, group = os.getuid(), os.getgid()
        succeed(library.unshare(NEW_USER | NEW_MOUNTS), "unshare")
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    mount(None, Path("/"), RECURSIVE | FOLLOW_OTHERS)


def enter_mounts(pid: int) -> None:
    """See what this process sees, in the calling thread."""
    namespace = os.open(f"/proc/{pid}/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
    try:
        succeed(libc().unshare(OWN_FOLDER), "unshare")
        succeed(libc().setns(namespace, NEW_MOUNTS), "setns")
    finally:
        os.close(namespace)


def _show(original: int, path: Path, writable: bool) -> None:
    source = f"/proc/self/fd/{original}"
    if Path(source).is_dir():
        path.mkdir(parents=True, exist_ok=True)
    elif not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    mount(source, path, BIND)
    if not writable:
        flags = os.statvfs(path).f_flag  # those that are on must stay on
        mount(None, path, REMOUNT | BIND | READ_ONLY | flags)


def mount(
    source: str | None, target: Path, flags: int = 0, kind: str = "", options: str = ""
) -> None:
    mount = libc().mount
    mount.argtypes = [ctypes.c_char_p] * 3 + [ctypes.c_ulong, ctypes.c_char_p]
    texts = (source and source.encode(), os.fsencode(target), kind.encode() or None)
    succeed(mount(*texts, flags, options.encode() or None), f"mount {target}")
