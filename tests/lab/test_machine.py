"""Does memory that a batch has freed stay for the next one, where the C library can be told?"""

import ctypes
import platform
import subprocess
import sys

import pytest

from skipgrade import lab
from skipgrade.lab import machine, running

# Blocks of 64 MiB, which glibc hands back at once if nobody told it otherwise.
BATCHES = """
import resource, torch
from skipgrade.lab.machine import keep_freed_memory

def pages_asked_for():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(10):
        torch.empty(2**24).fill_(1.0)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

without, told = pages_asked_for(), keep_freed_memory()
pages_asked_for()  # what is kept from now on has to come from somewhere
print(int(told), without, pages_asked_for())
"""


@pytest.fixture(autouse=True)
def told_again():
    machine.keep_freed_memory.cache_clear()
    yield
    machine.keep_freed_memory.cache_clear()


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library than glibc")
def test_a_batch_gets_what_the_one_before_has_freed():
    done = subprocess.run(
        [sys.executable, "-c", BATCHES], capture_output=True, text=True, check=True
    )
    told, without, kept = map(int, done.stdout.split())
    assert told == 1
    assert kept * 10 < without


@pytest.mark.parametrize("library", [object(), None], ids=["musl or macOS", "none at all"])
def test_other_systems_are_left_as_they_are(library, monkeypatch):
    def opened(name):
        if library is None:
            raise OSError("no library of that name")
        return library

    monkeypatch.setattr(ctypes, "CDLL", opened)
    assert machine.keep_freed_memory() is False


def test_every_run_does_it(net, loaders, monkeypatch):
    asked = []
    monkeypatch.setattr(running, "keep_freed_memory", lambda: asked.append(True))
    lab.fit(net(), loaders, name="net", epochs=1)
    assert asked
