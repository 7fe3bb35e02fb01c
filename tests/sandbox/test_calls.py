"""How a call is answered by another process, on an older Linux too."""

from __future__ import annotations

import os
import socket

import pytest

from skipgrade.sandbox import calls
from skipgrade.sandbox.bpf import ASK, If, Rule, program
from skipgrade.sandbox.calls import Call
from skipgrade.sandbox.confinement import missing
from skipgrade.sandbox.filter import NEW_LISTENER, load
from skipgrade.sandbox.landlock import NO_NEW_PRIVILEGES
from skipgrade.sandbox.processes import libc
from skipgrade.sandbox.syscalls import here, numbers

pytestmark = pytest.mark.skipif("processes" in missing(), reason="this machine has no listeners")
UNKNOWN = 1 << 20  # a flag that no Linux has


def opens_a_file_that_asks(line: socket.socket) -> None:
    asks = Rule(numbers(here())["openat"], ASK, (If(2, os.O_CREAT, os.O_CREAT),))
    libc().prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    listener = load(program([asks], here(), 512), NEW_LISTENER)
    socket.send_fds(line, [b"x"], [listener])
    held = os.open("/nowhere/at/all", os.O_CREAT | os.O_RDONLY)
    line.sendall(os.read(held, 100))


@pytest.mark.parametrize("together", [calls.AND_ANSWER, UNKNOWN], ids=["at once", "in two steps"])
def test_a_descriptor_is_given(monkeypatch: pytest.MonkeyPatch, together: int) -> None:
    """Before Linux 5.14 it cannot be given and answered for at once."""
    monkeypatch.setattr(calls, "AND_ANSWER", together)
    ours, theirs = socket.socketpair()
    pid = os.fork()
    if pid == 0:
        try:
            opens_a_file_that_asks(theirs)
        finally:
            os._exit(0)
    theirs.close()
    with ours:
        _, (listener, *_), _, _ = socket.recv_fds(ours, 1, 1)
        call = Call.receive(listener)
        assert call is not None
        assert call.path(call.arguments[1]) == b"/nowhere/at/all"
        held = os.memfd_create("given")
        os.write(held, b"from the supervisor")
        os.lseek(held, 0, os.SEEK_SET)
        call.give(held, os.O_CLOEXEC)
        assert ours.recv(100) == b"from the supervisor"
        os.close(held)
        os.close(listener)
    os.waitpid(pid, 0)
