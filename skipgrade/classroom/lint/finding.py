"""One thing that is wrong with a source notebook, and what helps."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """`cell` is its name, empty where the whole notebook is meant; a note stops no release."""

    file: str
    cell: str
    wrong: str
    fix: str
    note: bool = False
    line: str = ""

    def __str__(self) -> str:
        where = ", ".join(filter(None, (self.file, self.cell and f"cell {self.cell}", self.line)))
        return f"{where}: {'note: ' * self.note}{self.wrong}. {self.fix}"


def faults(findings: Iterable[Finding]) -> list[Finding]:
    """What has to be fixed before students may have the notebook."""
    return [one for one in findings if not one.note]
