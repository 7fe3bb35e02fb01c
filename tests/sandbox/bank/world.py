"""What attacks are after, and the tools they have."""

from __future__ import annotations

import contextlib
import os
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

SECRET = "the answer to everything"
TOOLS = """
import ctypes, errno, fcntl, mmap, os, resource, signal, socket, stat, struct, sys, time
from pyseccomp import Arch, resolve_syscall

libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long

def call(name, *arguments):
    number = name if isinstance(name, int) else resolve_syscall(Arch.NATIVE, name)
    if number < 0:
        raise NotImplementedError(name)
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
        for path in map(Path, (self.SOURCE, self.LABELS, self.OTHER, self.GRADEBOOK)):
            about = path.lstat()
            right = about.st_mode & 0o777 == 0o600 and about.st_mtime > 1
            if not right or path.read_text() != SECRET:
                found.append(f"{path} was changed")
        if Path(self.IN_MEMORY).read_text() != SECRET:
            found.append(f"{self.IN_MEMORY} was changed")
        for folder in (self.OUTSIDE, "/tmp", "/dev/shm"):
            found += [str(path) for path in Path(folder).glob(f"*{self.MARK}*")]
        return found

    def letters(self, receiver: socket.socket) -> bool:
        with contextlib.suppress(BlockingIOError):
            return bool(receiver.recvmsg(100, 100, socket.MSG_DONTWAIT))
        return False


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
        tempfile.NamedTemporaryFile("w", dir="/tmp", prefix="elsewhere-") as elsewhere,
        tempfile.NamedTemporaryFile("w", dir="/dev/shm", prefix="elsewhere-") as in_memory,
    ):
        in_memory.write(SECRET)
        in_memory.flush()
        unix.bind(str(root / "socket"))
        datagrams.bind(str(root / "datagrams"))
        name = f"skipgrade-test-{os.getpid()}"
        abstract.bind("\0" + name)
        for listening in (unix, abstract):
            listening.listen()
        yield Targets(
            **paths,
            OUTSIDE=str(outside),
            ELSEWHERE=elsewhere.name,
            IN_MEMORY=in_memory.name,
            PARENT=os.getpid(),
            PORT=tcp.getsockname()[1],
            SOCKET=str(root / "socket"),
            DATAGRAMS=str(root / "datagrams"),
            ABSTRACT=name,
            MARK=f"mark-{os.getpid()}",
        )
