"""What happened in each epoch of a run, and its file."""

import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from skipgrade.lab.errors import LabError
from skipgrade.lab.files import write_atomically

FORMAT = "skipgrade-history-1"
COLUMNS = (
    "epoch",
    "train_loss",
    "train_accuracy",
    "val_loss",
    "val_accuracy",
    "learning_rate",
    "seconds",
)


@dataclass
class History:
    """The epochs of one run. `history["val_accuracy"]` is a column, `history.best` a row."""

    name: str
    epochs: list[dict[str, Any]] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)
    stopped: str | None = None  # why training ended early, if it did

    def __len__(self) -> int:
        return len(self.epochs)

    def __getitem__(self, column: str) -> list[float]:
        if column not in COLUMNS:
            raise KeyError(f"{column!r}; a history has {', '.join(COLUMNS)}")
        return [epoch[column] for epoch in self.epochs]

    @property
    def best(self) -> dict[str, Any]:
        """The epoch with the highest validation accuracy; the first of them if several."""
        if not self.epochs:
            raise LabError(f"{self.name}: no epoch was finished. {self.stopped or ''}".strip())
        return max(self.epochs, key=lambda epoch: epoch["val_accuracy"])

    def write(self, path: str | Path) -> None:
        content = {
            "format": FORMAT,
            "name": self.name,
            "settings": self.settings,
            "stopped": self.stopped,
            "epochs": self.epochs,
        }
        text = json.dumps(content, indent=1, allow_nan=False)
        write_atomically(Path(path), text.encode())

    @classmethod
    def read(cls, path: str | Path) -> "History":
        path = Path(path)
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            raise LabError(
                f"{path} is missing: it is written by lab.fit(..., name={_name_of(path)!r})."
            ) from None
        except OSError as error:
            raise LabError(f"{path} cannot be read as a training history: {error}.") from error
        return cls.parse(content, path)

    @classmethod
    def parse(cls, text: bytes, path: Path) -> "History":
        """The history in what the file `path` holds."""
        try:
            content = json.loads(text.decode("utf-8"))
        except (ValueError, RecursionError) as error:
            raise LabError(f"{path} cannot be read as a training history: {error}.") from error
        wrong = _what_is_wrong(content)
        if wrong:
            raise LabError(f"{path} is not a training history: {wrong}. Train again to rewrite it.")
        return cls(content["name"], content["epochs"], content["settings"], content["stopped"])


def _name_of(path: Path) -> str:
    return path.name.removesuffix("-history.json")


def _what_is_wrong(content: Any) -> str | None:
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        return f"it does not say {FORMAT!r} under 'format'"
    expected: dict[str, Any] = {
        "name": str,
        "settings": dict,
        "stopped": (str, type(None)),
        "epochs": list,
    }
    for key, kind in expected.items():
        if key not in content or not isinstance(content[key], kind):
            return f"{key!r} is missing or of the wrong type"
    for number, epoch in enumerate(content["epochs"], start=1):
        if not isinstance(epoch, dict) or set(epoch) != set(COLUMNS):
            return f"epoch {number} does not hold exactly {', '.join(COLUMNS)}"
        for column, value in epoch.items():
            if isinstance(value, bool) or not isinstance(value, int | float):
                return f"{column} of epoch {number} is not a number"
            if not math.isfinite(value):
                return f"{column} of epoch {number} is not finite"
        if epoch["epoch"] != number:
            return f"epoch {number} is numbered {epoch['epoch']}"
        if not (0 <= epoch["val_accuracy"] <= 1 and 0 <= epoch["train_accuracy"] <= 1):
            return f"an accuracy of epoch {number} is not between 0 and 1"
    return None
