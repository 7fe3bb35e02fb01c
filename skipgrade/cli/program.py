"""`skipgrade` as a process of its own, which ends at once when its command is done.

Python looks through all it holds, twice, before it ends. With torch and nbgrader in memory that
takes a fifth of a short command's time, and nothing comes of it.
"""

import atexit
import logging
import os
import sys
from contextlib import suppress

from skipgrade.classroom.terminal import ReaderGoneError, flush
from skipgrade.cli import main


def run() -> None:
    """The command that `sys.argv` names. A wrong call or a bug ends it as ever."""
    statuses: list[int] = []
    atexit.register(_leave, statuses)
    statuses.append(main())
    sys.exit(statuses[0])


def _leave(statuses: list[int]) -> None:
    """Called after all that has been registered later: by then files are written and removed."""
    for status in statuses:
        logging.shutdown()
        with suppress(ReaderGoneError, OSError):
            flush()
        os._exit(status)
