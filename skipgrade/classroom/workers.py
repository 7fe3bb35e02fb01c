"""How workers start: forked from a process that has imported what they need, where that works.

So the second one costs nothing, and one that takes a dead worker's place is there at once.
"""

import multiprocessing
import sys
from multiprocessing import forkserver

METHOD = "forkserver" if sys.platform.startswith("linux") else "spawn"


def begin() -> None:
    """Start that process; it imports while we do something else."""
    if METHOD == "forkserver":
        multiprocessing.set_forkserver_preload(["skipgrade.classroom.cluster"])
        forkserver.ensure_running()
