"""The command line: parses, calls the classroom, prints.

Each command imports what it needs: nbgrader takes seconds to import, torch more of them. A command
ends with one of the statuses in `shared`; argparse's own, for a wrong call, is 2.
"""

from __future__ import annotations

import argparse
import gc
from collections.abc import Sequence
from pathlib import Path

from skipgrade import __version__
from skipgrade.classroom.errors import CourseError
from skipgrade.classroom.terminal import ReaderGoneError, complain, flush
from skipgrade.cli import auditing, grading, machine, results, writing
from skipgrade.cli.shared import DONE, INTERRUPTED, NOT_DONE, UNREAD

# Objects made until Python looks for garbage. Imports make many that stay: with its own, lower
# numbers they take a sixth longer.
LOOK_FOR_GARBAGE = (100_000, 20, 20)

__all__ = ["DONE", "INTERRUPTED", "NOT_DONE", "UNREAD", "main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; a mistake a person can fix ends in one line and `NOT_DONE`."""
    gc.set_threshold(*LOOK_FOR_GARBAGE)
    try:
        try:
            return _run(arguments)
        finally:
            flush()
    except ReaderGoneError:
        return UNREAD


def _run(arguments: Sequence[str] | None) -> int:
    options = _parser().parse_args(arguments)
    try:
        return options.run(options)
    except CourseError as error:
        complain(f"skipgrade: {error.text}")
        for line in error.lines:
            complain(f"  {line}")
        return INTERRUPTED if isinstance(error.__cause__, KeyboardInterrupt) else NOT_DONE
    except KeyboardInterrupt:
        complain("skipgrade: stopped")
        return INTERRUPTED
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package == "skipgrade":
            raise
        complain(
            f"skipgrade: {package} is not installed. `pip install 'skipgrade[staff]'` brings "
            "what grading needs; `skipgrade doctor` says what else is missing."
        )
        return NOT_DONE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="skipgrade", description="Release, grade and report a skipgrade course."
    )
    parser.add_argument(
        "--course",
        type=Path,
        default=Path(),
        metavar="FOLDER",
        help="the folder with nbgrader_config.py (default: here)",
    )
    parser.add_argument("--version", action="version", version=f"skipgrade {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for group in (writing, grading, results, auditing, machine):
        group.add_to(commands)
    return parser
