"""What attacks are after, and the tools they have."""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

SECRET = "the answer to everything"
MARK = f"mark-{os.getpid()}"
TOOLS = """
import ctypes, errno, fcntl, mmap, os, resource, signal, socket, stat, struct, sys, time
from skipgrade.sandbox.syscalls import here, numbers

NUMBERS = numbers(here()) | {
    'x86_64': {'ioprio_get': 252, 'renameat2': 316, 'timer_create': 222, 'timerfd_create': 283},
    'aarch64': {'ioprio_get': 31, 'renameat2': 276, 'timer_create': 107, 'timerfd_create': 85},
}[here()]
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long

def call(name, *arguments):
    number = name if isinstance(name, int) else NUMBERS.get(name)
    if number is None:
        raise NotImplementedError(f'{name}: this processor has no such call')
    wide = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    result = libc.syscall(ctypes.c_long(number), *wide)
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result

def reached(name, *arguments):
    'Whether Linux would at least look at such a call; its arguments make no sense.'
    try:
        call(name, *arguments)
    except OSError as error:
        return error.errno not in (errno.EPERM, errno.ENOSYS, errno.EACCES)
    return True

def in_child(do):
    'Whether this is true in a child.'
    pid = os.fork()
    if pid == 0:
        try:
            os._exit(0 if do() else 1)
        finally:
            os._exit(1)
    return os.waitpid(pid, 0)[1] == 0
"""


@dataclass
class Targets:
    """A course with secrets, somebody else's files, and a world that listens."""

    SOURCE: str
    LABELS: str
    OTHER: str  # another submission
    GRADEBOOK: str
    SHOWN: str  # a file that kernels may read
    OUTSIDE: str  # a folder
    ELSEWHERE: str  # the name of a file in /tmp
    IN_MEMORY: str  # the name of a file in /dev/shm
    PARENT: int
    PORT: int
    SOCKET: str
    DATAGRAMS: str
    ABSTRACT: str
    MARK: str  # what is found of this name afterwards was left there

    def code(self) -> str:
        told = "\n".join(f"{name} = {value!r}" for name, value in asdict(self).items())
        return f"{TOOLS}\n{told}"

    def damage(self) -> list[str]:
        """What is not as it was."""
        found = []
        kept = (self.SOURCE, self.LABELS, self.OTHER, self.GRADEBOOK, self.SHOWN, self.IN_MEMORY)
        for path in kept:
            if not _as_it_was(Path(path)):
                found.append(f"{path} was changed")
        for folder in (self.OUTSIDE, "/tmp", "/dev/shm"):
            found += [str(path) for path in Path(folder).glob(f"*{self.MARK}*")]
        return found


def _as_it_was(path: Path) -> bool:
    if not path.exists():
        return False
    about = path.lstat()
    right = about.st_mode & 0o777 == 0o600 and about.st_mtime > 1
    return right and path.read_text() == SECRET


@contextmanager
def shared_file(folder: str) -> Iterator[str]:
    """A file of somebody else's in a folder of the whole machine; marks left there go with it."""
    descriptor, name = tempfile.mkstemp(dir=folder, prefix="elsewhere-")
    os.write(descriptor, SECRET.encode())
    os.close(descriptor)
    try:
        yield name
    finally:
        for path in (Path(name), *Path(folder).glob(f"*{MARK}*")):
            path.unlink(missing_ok=True)


@contextmanager
def targets(root: Path) -> Iterator[Targets]:
    """Make what the attacks are after, and listen where they might call."""
    made = {"SOURCE": "source.ipynb", "LABELS": "labels", "OTHER": "other.ipynb", "GRADEBOOK": "db"}
    paths = {name: str(root / file) for name, file in made.items()}
    for path in map(Path, paths.values()):
        path.write_text(SECRET)
        path.chmod(0o600)
    outside = root / "outside"
    outside.mkdir()
    with (
        socket.create_server(("127.0.0.1", 0)) as tcp,
        socket.socket(socket.AF_UNIX) as unix,
        socket.socket(socket.AF_UNIX) as abstract,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as datagrams,
        shared_file("/tmp") as elsewhere,
        shared_file("/tmp") as shown,
        shared_file("/dev/shm") as in_memory,
    ):
        unix.bind(str(root / "socket"))
        datagrams.bind(str(root / "datagrams"))
        name = f"skipgrade-test-{os.getpid()}"
        abstract.bind("\0" + name)
        for listening in (unix, abstract):
            listening.listen()
        yield Targets(
            **paths,
            SHOWN=shown,
            OUTSIDE=str(outside),
            ELSEWHERE=elsewhere,
            IN_MEMORY=in_memory,
            PARENT=os.getpid(),
            PORT=tcp.getsockname()[1],
            SOCKET=str(root / "socket"),
            DATAGRAMS=str(root / "datagrams"),
            ABSTRACT=name,
            MARK=MARK,
        )
