"""Do the points of the graded cells add up to what the notebook's text promises?

A table counts that has a column `points` and a row in bold, `together` or `sum`. What stands below
that row, or begins with a plus, is bonus.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import groupby

from skipgrade.classroom.lint.finding import Finding
from skipgrade.classroom.lint.notebook import Cell, Notebook

SUMS = ("together", "sum", "total")
TIMES = "\N{MULTIPLICATION SIGN}"
TERM = re.compile(rf"(?:(\d+)\s*[{TIMES}x*]\s*)?(\d+(?:\.\d+)?)")


@dataclass
class Table:
    """The points that a table gives; `unread` are cells that say no number."""

    cell: str
    summed: float = 0.0
    total: float = 0.0
    bonus: float = 0.0
    unread: list[str] = field(default_factory=list)


def find(notebook: Notebook, is_bonus: Callable[[str], bool]) -> Iterator[Finding]:
    worth = {False: 0.0, True: 0.0}
    for cell in notebook.cells:
        points = cell.marks.get("points")
        if cell.is_graded and isinstance(points, int | float):
            worth[is_bonus(cell.grade_id)] += points
    tables = [table for cell in notebook.cells for table in _tables(cell)]
    if not tables and any(worth.values()):
        told = "its text has no table of points with a row **together**"
        fix = "Students see there what each task is worth: see docs/instructors.md."
        yield Finding(notebook.file, "", told, fix, note=True)
    for table in tables:
        for told in _wrong(table, worth[False], worth[True]):
            fix = "Correct the table, or the points in nbgrader's Create Assignment."
            yield Finding(notebook.file, table.cell, told, fix)


def _wrong(table: Table, worth: float, bonus: float) -> Iterator[str]:
    if table.unread:
        yield f"the table of points says {table.unread[0]!r}, which is not a number"
        return
    if table.summed != table.total:
        yield f"the rows of the table give {table.summed:g} points, its sum says {table.total:g}"
    if table.total != worth:
        yield f"the table promises {table.total:g} points, the graded cells give {worth:g}"
    if table.bonus != bonus:
        yield f"the table promises {table.bonus:g} points of bonus, the graded cells give {bonus:g}"


def _tables(cell: Cell) -> Iterator[Table]:
    lines = cell.source.splitlines() if cell.kind == "markdown" else []
    for in_table, block in groupby(map(str.strip, lines), key=lambda line: line.startswith("|")):
        if in_table:
            rows = [_entries(line) for line in block]
            if "points" in rows[0] and any(map(_is_sum, rows)):
                yield _read(cell.name, rows[2:], rows[0].index("points"))


def _entries(line: str) -> list[str]:
    return [one.strip() for one in line.removeprefix("|").removesuffix("|").split("|")]


def _is_sum(row: list[str]) -> bool:
    return any(one in (f"**{word}**", word) for one in row for word in SUMS)


def _read(cell: str, rows: list[list[str]], column: int) -> Table:
    table = Table(cell)
    below = False
    for row in rows:
        text = row[column].strip("* ") if column < len(row) else ""
        points = _sum_of(text.removeprefix("+"))
        if points is None:
            table.unread.append(text)
        elif _is_sum(row):
            table.total, below = points, True
        elif below or text.startswith("+"):
            table.bonus += points
        else:
            table.summed += points
    return table


def _sum_of(text: str) -> float | None:
    """`2 + 2`, `10 x 1`; nothing is 0; None where it is something else."""
    terms = [TERM.fullmatch(term.strip()) for term in text.split("+")] if text else []
    if not all(terms):
        return None
    return sum(float(term[1] or 1) * float(term[2]) for term in terms if term)
