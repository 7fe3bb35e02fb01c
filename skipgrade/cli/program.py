"""`skipgrade` as a process of its own, which ends at once when its command is done.

Python looks through all it holds, twice, before it ends. With torch and nbgrader in memory that
takes a fifth of a short command's time, and nothing comes of it.
"""

import atexit
import contextlib
import logging
import os
import sys

from skipgrade.cli import main

_ended_with: list[int] = []


def run() -> None:
    """The command that `sys.argv` names. A wrong call or a bug ends it as ever."""
    atexit.register(_leave)
    _ended_with.append(main())
    sys.exit(_ended_with[0])


def _leave() -> None:
    """Called after all that has been registered later: by then files are written and removed."""
    for status in _ended_with:
        logging.shutdown()
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError):
                stream.flush()
        os._exit(status)
