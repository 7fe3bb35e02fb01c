"""[grader, judge's kernel] Cells of a submission that stopped with an exception, and what is
missing because of them.
"""

from __future__ import annotations

import re
import symtable
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from skipgrade.judging.printable import presentable

if TYPE_CHECKING:
    from nbformat import NotebookNode

UNFILLED = "NotImplementedError"  # what a stub raises, and torch where it lacks something
STUB_SAYS = ("", "not filled in yet")  # and what a stub says
CELL_LOST = "CellLost"  # in the place of an exception where a cell cost the notebook its kernel
MOST_OF_A_TRACEBACK = 20_000  # characters that are looked at
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_PLACE = re.compile(r"Cell In\s?\[(\d+)\], line (\d+)")
_DEFINED = re.compile(
    r"^(?:class|def|async def)\s+(\w+)|^(\w+(?:\s*,\s*\w+)*)\s*(?::[^=\n]*)?=(?!=)", re.M
)
_MISSING = re.compile(r"name '(\w+)' is not defined")


@dataclass(frozen=True)
class StoppedCell:
    """How a cell begins, what it raised, in which of its lines, and what it would have defined."""

    start: str
    kind: str
    told: str
    line: int
    text: str
    names: tuple[str, ...]

    def describe(self) -> str:
        """What became of it, in words for its author."""
        cell = f"the cell that starts '{self.start}'" if self.start else "its cell"
        if is_stub(self.kind, self.told):
            return f"{cell} is not filled in"
        if self.kind == CELL_LOST:
            return f"{cell} did not end: {self.told}"
        at = f" in line {self.line}, `{self.text}`," if self.line else ""
        return f"{cell} stopped{at} with {self.kind}" + (f": {self.told}" if self.told else "")


def stopped_cell(cell: NotebookNode, due: str = "") -> StoppedCell | None:
    """From the outputs of a cell that was run; None if it raised nothing and is filled in.

    `due` is the code that belongs there: what that defines is missing, too.
    """
    errors = [output for output in cell.outputs if output.output_type == "error"]
    start = presentable(next(filter(_tells, cell.source.splitlines()), ""), 60)
    if not errors:
        empty = due and _only_comments(cell.source)  # the stub of what may stay open
        return StoppedCell(start, UNFILLED, "", 0, "", tuple(names_set(due))) if empty else None
    number = _line(errors[0], cell.get("execution_count"))
    lines = cell.source.splitlines()
    return StoppedCell(
        start=start,
        kind=presentable(errors[0].ename, 60),
        told=presentable(errors[0].evalue),
        line=number,
        text=presentable(lines[number - 1], 80) if 0 < number <= len(lines) else "",
        names=tuple(dict.fromkeys([*names_set(cell.source), *names_set(due)])),
    )


def _only_comments(source: str) -> bool:
    return not any(line.strip() and not line.strip().startswith("#") for line in source.split("\n"))


def _tells(line: str) -> bool:
    """Whether a cell can be known by this line: nbgrader's stubs all look the same."""
    return bool(line.strip()) and not line.startswith(("# YOUR CODE", "raise NotImplemented"))


def _line(error: Any, count: Any) -> int:
    """The line of the cell itself that the traceback names last; 0 if it names none."""
    told = _COLOUR.sub("", "\n".join(map(str, error.traceback)))[:MOST_OF_A_TRACEBACK]
    places = [(cell, line) for cell, line in _PLACE.findall(told) if len(line) < 6]
    own = [line for cell, line in places if cell == str(count)] or [line for _, line in places]
    return int(own[-1]) if own else 0


def names_set(code: str) -> list[str]:
    """The names that code gives something to, as far as one can tell where it is not Python."""
    try:
        found = symtable.symtable(code, "<cell>", "exec").get_symbols()
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        texts = [one or more for one, more in _DEFINED.findall(code)]
        return [name.strip() for text in texts for name in text.split(",")]
    return [one.get_name() for one in found if one.is_assigned() or one.is_imported()]


def is_stub(kind: str, told: str) -> bool:
    """Whether an exception is the one that stands where an answer belongs."""
    return kind == UNFILLED and told in STUB_SAYS


def missing_name(kind: str, told: str) -> str:
    """The name a NameError complains of; empty for any other exception."""
    found = _MISSING.search(told) if kind == "NameError" else None
    return found.group(1) if found else ""


def cell_behind(name: str, stopped: Sequence[StoppedCell]) -> StoppedCell | None:
    """The cell that should have defined `name`; if that missed a name itself, the cell behind."""
    found, seen = None, set()
    while name and name not in seen:
        seen.add(name)
        behind = next((cell for cell in stopped if name in cell.names), None)
        if behind is None:
            break
        found, name = behind, missing_name(behind.kind, behind.told)
    return found
