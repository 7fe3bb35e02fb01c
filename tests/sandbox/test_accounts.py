"""What the supervisor knows of a kernel's use, and what a busy kernel costs its neighbours."""

from __future__ import annotations

import os
from itertools import pairwise
from pathlib import Path
from typing import Any

import psutil
import pytest

from skipgrade.sandbox import kernel_manager
from skipgrade.sandbox.confinement import HELPS
from skipgrade.sandbox.kernels import MESSAGE_LIMIT, MESSAGES
from tests.sandbox.bank.world import TOOLS
from tests.sandbox.spoken import Kernel, confined, needs_confinement

pytestmark = needs_confinement
BURN = "began = time.process_time()\nwhile time.process_time() - began < {}:\n    pass\n"


def used(kernel: Kernel) -> float:
    provisioner: Any = kernel.manager.provisioner
    return float(provisioner.cpu_seconds())


@pytest.mark.parametrize("without", [(), tuple(HELPS)], ids=["helped", "alone"])
def test_processor_time_is_that_of_a_kernel_and_all_it_started(
    tmp_path: Path, without: tuple[str, ...]
) -> None:
    """Its own, a child's that it waited for, and one's that nobody waits for; idle time is free."""
    kernel = confined(tmp_path, without)
    kernel.run(TOOLS, "nothing")
    spent = [used(kernel)]
    for code in (
        BURN.format(0.5),
        "pid = os.fork()\nif pid == 0:\n    "
        + BURN.format(0.5).replace("\n", "\n    ")
        + "\n    os._exit(0)\nos.waitpid(pid, 0)",
        "import subprocess\nsubprocess.run(['sh', '-c', '(i=0; while [ $i -lt 300000 ]; do "
        "i=$((i+1)); done; echo done > orphan) &'])\n"
        "while not os.path.exists('orphan'): time.sleep(0.05)",
        "time.sleep(0.5)",
    ):
        kernel.run(code, "nothing")
        spent.append(used(kernel))
    kernel.close()
    own, child, orphan, idle = (after - before for before, after in pairwise(spent))
    assert 0.4 < own < 1.0 and 0.4 < child < 1.0 and orphan > 0.1 and idle < 0.2
    assert used(kernel) >= spent[-1]


def test_a_trusted_kernel_is_counted_too(tmp_path: Path) -> None:
    kernel = Kernel(kernel_manager("judge"), tmp_path)
    before = used(kernel)
    kernel.run(TOOLS + BURN.format(0.3), "nothing")
    assert used(kernel) - before > 0.25
    kernel.close()
    assert used(kernel) > 0.25


BUSY = """
for _ in range(20):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.setsid()
            while True:
                pass
        os._exit(0)
"""
FAIR = 0.4  # of what a processor gives on average to the busy one, a single thread next to it gets


@pytest.mark.parametrize("without", [(), tuple(HELPS)], ids=["helped", "alone"])
def test_a_busy_kernel_leaves_its_neighbour_a_share(
    tmp_path: Path, without: tuple[str, ...]
) -> None:
    """Twenty processes, each in a session of its own, weigh no more than one notebook."""
    busy, honest = confined(tmp_path, without), confined(tmp_path, without)
    try:
        for kernel in (busy, honest):
            kernel.run(TOOLS, "nothing")
        busy.run(BUSY, "nothing")
        before = [used(busy), used(honest)]
        honest.run(BURN.format(1.0), "nothing", seconds=120)
        burned, worked = used(busy) - before[0], used(honest) - before[1]
    finally:
        for kernel in (busy, honest):
            kernel.close()
    assert 0.9 < worked < 1.5, "what it is charged is its own"
    assert worked > FAIR * burned / len(os.sched_getaffinity(0))


LOUD = """
from IPython.display import display
for _ in range(40):
    display({'text/plain': 'x' * 12_000_000}, raw=True)
done = True
"""


def test_what_nobody_reads_waits_in_the_kernel(tmp_path: Path) -> None:
    """Of 480 MB of messages no more than the few that may wait are in the grader's memory."""
    own = psutil.Process()
    kernel = confined(tmp_path)
    before = own.memory_info().rss
    assert kernel.run(LOUD, "done") is True
    grown = own.memory_info().rss - before
    kernel.close()
    assert grown < MESSAGES * MESSAGE_LIMIT
