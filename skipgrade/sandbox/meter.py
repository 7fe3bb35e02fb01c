"""Counts what one kernel and all its processes use, in a thread of its supervisor, and says when it
is too much. The supervisor goes on answering in the meantime.
"""

from __future__ import annotations

import os
import resource
import socket
import threading
import time
from collections.abc import Iterable

from skipgrade.sandbox.folders import DEEPEST, Contents, contents, deleted_bytes, exceeds
from skipgrade.sandbox.groups import Group
from skipgrade.sandbox.kernel_request import GIB, Limits
from skipgrade.sandbox.mounts import SHARED_MEMORY
from skipgrade.sandbox.processes import (
    descendants,
    let_others_first,
    memory,
    own_memory,
    processor_seconds,
    running,
)

LOOK_EVERY_S = 0.25
FILES_EVERY_S = 1.0
SHARE = 0.1  # of the time, at most, goes into counting files


class Meter:
    def __init__(
        self, limits: Limits, writable: Iterable[str], private_shm: bool, group: Group | None
    ) -> None:
        """Folders are held open: names in them can be changed."""
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
        self.excess = ""
        self._limits = limits
        self._folders = [os.open(folder, flags) for folder in writable]
        self._private_shm = private_shm
        self._group = group
        self._processors = len(os.sched_getaffinity(0))
        self._cpu_seconds = 0.0
        self._deadline = time.monotonic() + limits.seconds
        self._count_files_at = time.monotonic() + FILES_EVERY_S
        self._heard, self._says = socket.socketpair()
        self._ended = threading.Event()

    def fileno(self) -> int:
        """Readable as soon as there is an `excess`, or counting has failed."""
        return self._heard.fileno()

    def start(self) -> None:
        threading.Thread(target=self._watch, daemon=True).start()

    def stop(self) -> None:
        self._ended.set()

    def cpu_seconds(self) -> float:
        """Processor time of all that ever ran."""
        told = self._group.cpu_seconds() if self._group else None
        if told is None:
            gone = resource.getrusage(resource.RUSAGE_CHILDREN)
            told = processor_seconds(descendants(os.getpid())) + gone.ru_utime + gone.ru_stime
        self._cpu_seconds = max(self._cpu_seconds, told)
        return self._cpu_seconds

    def _watch(self) -> None:
        with self._says:  # closed, it is readable as well
            try:
                while not self.excess and not self._ended.wait(LOOK_EVERY_S):
                    self.excess = self._memory() or self._time() or self._files()
            except OSError:  # what is counted is going when the supervisor ends it
                if not self._ended.is_set():
                    raise

    def _memory(self) -> str:
        if self._group and self._group.ran_out_of_memory():
            return self.out_of_memory()
        family = descendants(os.getpid())
        if not (self._group and self._group.weighs) and running(family) > self._processors:
            let_others_first(family)
        most = self._limits.memory + GIB
        if sum(map(memory, family)) + self._shm() <= most:
            return ""
        mapped = sum(own_memory(pid, "Shmem") for pid in family)
        used = sum(own_memory(pid, "Anon") for pid in family) + max(mapped, self._shm())
        return f"it and its processes used {used / GIB:.1f} GiB of memory" if used > most else ""

    def out_of_memory(self) -> str:
        most = (self._limits.memory + GIB) / GIB
        return f"it and its processes used more than {most:.1f} GiB of memory"

    def _shm(self) -> int:
        if not self._private_shm:
            return 0
        about = os.statvfs(SHARED_MEMORY)
        return (about.f_blocks - about.f_bfree) * about.f_frsize

    def _time(self) -> str:
        if time.monotonic() <= self._deadline:
            return ""
        return f"it had run for {self._limits.seconds} s"

    def _files(self) -> str:
        began = time.monotonic()
        if began < self._count_files_at:
            return ""
        most = Contents(self._limits.disk, self._limits.files, DEEPEST)
        found = contents(self._folders, most)
        for device in {os.fstat(folder).st_dev for folder in self._folders}:
            found.bytes += deleted_bytes(descendants(os.getpid()), device)
        took = time.monotonic() - began
        self._count_files_at = began + max(FILES_EVERY_S, took / SHARE)
        if not exceeds(found, most):
            return ""
        if found.bytes > most.bytes:
            return f"it had written {found.bytes / GIB:.1f} GiB of files"
        if found.files > most.files:
            return f"it had made more than {most.files:,} files"
        return f"it had put folders into folders, over {DEEPEST} deep"
