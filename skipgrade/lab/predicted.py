"""The file of predicted classes a student hands in: CSV, `id,label`, one row an image."""

import csv
import io
from collections.abc import Callable
from pathlib import Path

import torch

from skipgrade.lab.errors import LabError
from skipgrade.lab.files import write_atomically
from skipgrade.lab.machine import autograding

HEADER = ["id", "label"]
SHOWN = 5  # bad rows told one by one
DIGITS = 9


def write_predictions(
    path: str | Path, predicted: torch.Tensor | Callable[[], torch.Tensor]
) -> Path:
    """Write predicted labels [n], or the argmax of scores [n, classes], in the images' order.

    Takes a function that makes them, too. While nbgrader grades, it is not called and nothing is
    written: the file that was handed in counts.
    """
    if autograding():
        return Path(path)
    found = predicted() if callable(predicted) else predicted
    labels = found.argmax(1) if found.ndim == 2 else found
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADER)
    writer.writerows(enumerate(labels.tolist()))
    write_atomically(Path(path), text.getvalue().encode())
    return Path(path)


def read_predictions(
    path: str | Path, *, rows: int | None = None, classes: int | None = None
) -> torch.Tensor:
    """The labels of a predictions file, int64 [n]; `rows` and `classes` say what it must hold."""
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise LabError(f"{path} is missing: lab.write_predictions makes it.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise LabError(f"{path} cannot be read: {error}.") from error
    return parse_predictions(text, str(path), rows=rows, classes=classes)


def parse_predictions(
    text: str, name: str, *, rows: int | None = None, classes: int | None = None
) -> torch.Tensor:
    """The labels in the text of the file `name`; ids must run 0, 1, 2, ... without a gap.

    Every bad row is looked at; the error tells the first few, each with its line and what is wrong.
    """
    try:
        lines = list(csv.reader(text.removeprefix("\ufeff").splitlines()))
    except csv.Error as error:
        raise LabError(f"{name} cannot be read: {error}.") from error
    if not lines or [cell.strip().lower() for cell in lines[0]] != HEADER:
        raise LabError(f"{name}: the first line must be 'id,label'.")
    while not lines[-1]:  # empty lines at the end are not rows
        lines.pop()
    found = lines[1:]
    bad = [
        f"line {number + 2}: {wrong}"
        for number, row in enumerate(found)
        if (wrong := _what_is_wrong(row, number, classes))
    ]
    if bad:
        more = f" ... and {len(bad) - SHOWN} more bad rows" if len(bad) > SHOWN else ""
        raise LabError(f"{name}, {'; '.join(bad[:SHOWN])}{more}.")
    if not found:
        raise LabError(f"{name} holds no predictions.")
    if rows is not None and len(found) != rows:
        raise LabError(f"{name}: want {rows} rows below the first line, got {len(found)}.")
    return torch.tensor([int(row[1]) for row in found])


def _what_is_wrong(row: list[str], number: int, classes: int | None) -> str | None:
    if len(row) != 2 or not all(_is_whole(cell) for cell in row):
        return f"want two whole numbers, got {row!r:.60}"
    if int(row[0]) != number:
        return f"want id {number}, got {row[0].strip()}"
    if classes is not None and not int(row[1]) < classes:
        return f"want a label from 0 to {classes - 1}, got {row[1].strip()}"
    return None


def _is_whole(cell: str) -> bool:
    text = cell.strip()
    return text.isascii() and text.isdecimal() and len(text) <= DIGITS
