"""The file of predicted classes a student hands in: CSV, `id,label`, one row an image."""

import csv
import io
from pathlib import Path

import torch

from skipgrade.lab.errors import LabError
from skipgrade.lab.files import write_atomically

HEADER = ["id", "label"]


def write_predictions(path: str | Path, predicted: torch.Tensor) -> Path:
    """Write predicted labels [n], or the argmax of scores [n, classes], in the images' order."""
    labels = predicted.argmax(1) if predicted.ndim == 2 else predicted
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADER)
    writer.writerows(enumerate(labels.tolist()))
    write_atomically(Path(path), text.getvalue().encode())
    return Path(path)


def read_predictions(path: str | Path) -> torch.Tensor:
    """The labels of a predictions file, int64 [n]."""
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise LabError(f"{path} is missing: lab.write_predictions makes it.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise LabError(f"{path} cannot be read: {error}.") from error
    return parse_predictions(text, str(path))


def parse_predictions(text: str, name: str) -> torch.Tensor:
    """The labels in the text of the file `name`; ids must run 0, 1, 2, ... without a gap."""
    try:
        rows = list(csv.reader(text.splitlines()))
    except csv.Error as error:
        raise LabError(f"{name} cannot be read: {error}.") from error
    if not rows or [cell.strip().lower() for cell in rows[0]] != HEADER:
        raise LabError(f"{name}: the first line must be 'id,label'.")
    labels = []
    for number, row in enumerate(rows[1:]):
        if len(row) != 2 or not all(cell.strip().isdecimal() for cell in row):
            raise LabError(f"{name}, line {number + 2}: want two whole numbers, got {row!r:.60}.")
        if int(row[0]) != number:
            raise LabError(f"{name}, line {number + 2}: want id {number}, got {row[0]}.")
        labels.append(int(row[1]))
    if not labels:
        raise LabError(f"{name} holds no predictions.")
    return torch.tensor(labels)
