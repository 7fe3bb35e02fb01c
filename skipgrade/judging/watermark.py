"""[grader, judge's kernel] Histories as the student's kernel reads them: a little changed.

A figure or a table is right when it shows what the history files hold. So that this must have
been read while grading, not known beforehand, every loss and accuracy in the files that a kernel
gets is moved by a share too small to see, drawn from the course's secret for each submission.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

SUFFIX = "-history.json"
SHARE = 6e-4  # the most that a value moves, of itself


def watermarked(content: bytes, key: str) -> bytes:
    """A history file's content with its losses and accuracies moved; anything else as it is."""
    try:
        told = json.loads(content)
    except (ValueError, RecursionError):
        return content
    rows = told.get("epochs") if isinstance(told, dict) else told
    if not isinstance(rows, list):
        return content
    for number, row in enumerate(rows):
        if isinstance(row, dict):
            _move(row, f"{key}\n{number}")
    return json.dumps(told, indent=1).encode()


def _move(row: dict[str, Any], key: str) -> None:
    for column, value in row.items():
        if column.endswith(("loss", "accuracy")) and type(value) is float:
            digest = hashlib.sha256(f"{key}\n{column}".encode()).digest()
            part = int.from_bytes(digest[:8], "big") / 2**64  # of accuracies none gets above 1
            row[column] = value * (1 - SHARE * part)
