"""Can a process that has read the images be forked?"""

import os
import subprocess
import sys

FORKED = """
import os, torch
from skipgrade import lab
from skipgrade.lab import warm

threads = torch.get_num_threads()
warm.cifar10()
assert torch.get_num_threads() == threads
split = lab.data._part.cache_info
read = split().misses
if os.fork() == 0:
    photos = lab.data.take_split("cifar10", "val", val=5000, seed=0)
    ready = split().misses == read and "photos" in vars(photos)  # nothing is left to do
    torch.nn.Conv2d(3, 64, 5)(torch.zeros(64, 3, 32, 32))  # in several threads
    os._exit(0 if ready else 1)
os._exit(os.waitstatus_to_exitcode(os.wait()[1]))
"""


def test_a_fork_computes_in_threads_of_its_own() -> None:
    """Threads begun before the fork would be waited for without end: none must be begun."""
    environment = os.environ | {
        "SKIPGRADE_DATASET": "builtin",
        "OMP_NUM_THREADS": "2",
        "MKL_NUM_THREADS": "2",
    }
    subprocess.run([sys.executable, "-c", FORKED], env=environment, check=True, timeout=120)
