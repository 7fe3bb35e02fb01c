"""What goes to a terminal or a log: the one way out for text that may come from students."""

import logging
import sys

from skipgrade.judging.printable import printable, printable_lines

CONTINUED = "\n    "  # so that no line within a log record looks like the beginning of one


def say(text: str) -> None:
    """Print one line."""
    print(printable(text), flush=True)


def complain(text: str) -> None:
    """Print one line where errors go."""
    print(printable(text), file=sys.stderr, flush=True)


class PrintableLines(logging.Formatter):
    """Log records whose lines stay apart, and which steer no terminal that shows them."""

    def format(self, record: logging.LogRecord) -> str:
        return printable_lines(super().format(record), CONTINUED)
