"""What all commands share: the statuses they end with, and where they are added."""

from __future__ import annotations

import argparse
from typing import TypeAlias

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

DONE, NOT_DONE, INTERRUPTED, UNREAD = 0, 1, 130, 141  # the last two: 128 and a signal's number


def take_assignments(command: argparse.ArgumentParser, default: str = "all") -> None:
    command.add_argument("assignments", nargs="*", metavar="ASSIGNMENT", help=f"default: {default}")
