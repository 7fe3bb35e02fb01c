"""Does a sweep that is ended early take its processes with it, and does the next one go on?"""

import os
import signal
import time
from multiprocessing import get_context
from pathlib import Path

import pytest

from skipgrade import lab
from tests.lab import sweeps
from tests.lab.sweeps import RATES, grid, noting_step, numbers, processes


def alive(pid: int) -> bool:
    """Not what has ended and waits to be asked for its status."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def endless(net, loaders, epochs: int) -> None:
    """What a student's kernel does: it ends on Ctrl-C, as Python does."""
    sweeps.pause = 0.05
    os.setsid()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    lab.sweep(net, grid(), loaders, name="lr-{}", epochs=epochs, step=noting_step)


def stopped_midway(net, loaders, stop: signal.Signals, *, group: bool) -> int | None:
    """Start a sweep in another process, stop it when two runs have begun; that one's status."""
    other = get_context("fork").Process(target=endless, args=(net, loaders, 100_000))
    other.start()
    deadline = time.monotonic() + 120
    while not all(Path(f"lr-{lr}-history.json").exists() for lr in RATES[:2]):
        assert other.is_alive() and time.monotonic() < deadline
        time.sleep(0.02)
    assert other.pid is not None
    (os.killpg if group else os.kill)(other.pid, stop)
    other.join(60)
    assert len(processes()) == 2
    return other.exitcode


@pytest.mark.parametrize("group", [True, False])
def test_ctrl_c_ends_all_and_the_next_sweep_goes_on(net, loaders, together, capfd, group):
    """A terminal interrupts the whole group of processes; others send it to the kernel alone."""
    assert stopped_midway(net, loaders, signal.SIGINT, group=group) == 1
    assert "KeyboardInterrupt" in capfd.readouterr().err
    assert not any(alive(pid) for pid in processes())
    more = max(len(lab.History.read(f"lr-{lr}-history.json")) for lr in RATES[:2]) + 2
    found = lab.sweep(net, grid(), loaders, name="lr-{}", epochs=more, step=noting_step)
    whole = lab.sweep(net, grid(), loaders, name="whole-{}", epochs=more, step=noting_step)
    for lr in RATES:
        assert numbers(found[lr]) == numbers(whole[lr])


def test_no_run_outlives_a_kernel_that_is_killed(net, loaders, together):
    """It would write the files of a run that the next kernel has taken up."""
    assert stopped_midway(net, loaders, signal.SIGKILL, group=False) == -signal.SIGKILL
    deadline = time.monotonic() + 60
    while any(alive(pid) for pid in processes()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
