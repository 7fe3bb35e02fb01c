"""What goes to a terminal or a log: the one way out for text that may come from students."""

import contextlib
import logging
import os
import sys
from collections.abc import Iterator
from typing import TextIO

from skipgrade.judging.printable import printable, printable_lines

CONTINUED = "\n    "  # so that no line within a log record looks like the beginning of one


class ReaderGoneError(Exception):
    """Whoever read what we print has gone, as `head` does when it has seen enough."""


def say(text: str) -> None:
    """Print one line."""
    with _read_by_somebody(sys.stdout):
        print(printable(text), flush=True)


def complain(text: str) -> None:
    """Print one line where errors go."""
    with _read_by_somebody(sys.stderr):
        print(printable(text), file=sys.stderr, flush=True)


def flush() -> None:
    """What argparse printed, and Python would only write when it ends."""
    for stream in (sys.stdout, sys.stderr):
        with _read_by_somebody(stream):
            stream.flush()


@contextlib.contextmanager
def _read_by_somebody(stream: TextIO) -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())  # what is still in it goes there when Python ends
        os.close(nowhere)
        raise ReaderGoneError from None


class PrintableLines(logging.Formatter):
    """Log records whose lines stay apart, and which steer no terminal that shows them."""

    def format(self, record: logging.LogRecord) -> str:
        return printable_lines(super().format(record), CONTINUED)
