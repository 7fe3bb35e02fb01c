"""A source notebook as it lies on disk; nbformat, reading it, would repair what we look for."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from skipgrade.classroom.lint.finding import Finding
from skipgrade.judging.grader.source import BEGIN, END, split

RESTORE = "Restore it from an earlier version, or open it in JupyterLab and save it again."


class NoNotebookError(Exception):
    """The file cannot be read as a notebook; holds the finding."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(str(finding))
        self.finding = finding


@dataclass(frozen=True)
class Cell:
    number: int
    kind: str
    source: str
    id: str
    metadata: dict[str, Any]

    @property
    def marks(self) -> dict[str, Any]:
        """nbgrader's metadata; empty where it has none."""
        marks = self.metadata.get("nbgrader")
        return marks if isinstance(marks, dict) else {}

    @property
    def grade_id(self) -> str:
        name = self.marks.get("grade_id", "")
        return name if isinstance(name, str) else ""

    @property
    def name(self) -> str:
        """What people find it by."""
        return self.grade_id or self.id or f"number {self.number}"

    @property
    def tags(self) -> list[str]:
        tags = self.metadata.get("tags")
        return [tag for tag in tags if isinstance(tag, str)] if isinstance(tags, list) else []

    @property
    def is_code(self) -> bool:
        return self.kind == "code"

    @property
    def is_answer(self) -> bool:
        return bool(self.marks.get("solution"))

    @property
    def is_graded(self) -> bool:
        return bool(self.marks.get("grade") or self.marks.get("task"))

    @property
    def is_test(self) -> bool:
        """A cell whose points the judge gives."""
        return self.is_code and bool(self.marks.get("grade")) and not self.is_answer

    @property
    def visible(self) -> str:
        """Line by line where it stands in the cell: a hidden line is a comment here."""
        lines, inside = [], False
        for line in self.source.split("\n"):
            inside = BEGIN in line or (inside and END not in line)
            lines.append("#" if inside or END in line else line)
        return "\n".join(lines)

    @property
    def hidden(self) -> str:
        return split(self.source)[1]


@dataclass(frozen=True)
class Notebook:
    path: Path
    raw: dict[str, Any]
    cells: list[Cell]

    @property
    def file(self) -> str:
        return name_of(self.path)

    @property
    def keeps_ids(self) -> bool:
        """Cells have ids from format 4.5 on."""
        return self.raw.get("nbformat_minor", 0) >= 5

    @property
    def code(self) -> list[Cell]:
        return [cell for cell in self.cells if cell.is_code]


def name_of(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


def read(path: Path) -> Notebook:
    """The notebook, or `NoNotebookError`."""
    problem = partial(Finding, name_of(path), "")
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        told = f"cannot be read: {error.strerror}"
        raise NoNotebookError(problem(told, "Is the file there, and may you read it?")) from error
    except UnicodeDecodeError as error:
        raise NoNotebookError(problem("is not in UTF-8", RESTORE)) from error
    except (ValueError, RecursionError) as error:
        where = f"line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        told = "is not a notebook: it is not JSON"
        raise NoNotebookError(problem(told, RESTORE, line=where)) from error
    if not isinstance(raw, dict) or not isinstance(raw.get("cells"), list):
        raise NoNotebookError(
            problem("is JSON, but not a notebook: it has no list of cells", RESTORE)
        )
    if raw.get("nbformat") != 4 or not isinstance(raw.get("nbformat_minor"), int):
        told = f"is in format {raw.get('nbformat')!r}, and 4 is needed"
        fix = "`jupyter nbconvert --to notebook --nbformat 4` converts it."
        raise NoNotebookError(problem(told, fix))
    cells = [_cell(number, one) for number, one in enumerate(raw["cells"], 1)]
    return Notebook(path, raw, cells)


def _cell(number: int, raw: Any) -> Cell:
    """A cell, whatever stands there: what is wrong with its form, `form` tells."""
    told = raw if isinstance(raw, dict) else {}
    source = told.get("source", "")
    if isinstance(source, list):
        source = "".join(line for line in source if isinstance(line, str))
    metadata = told.get("metadata")
    return Cell(
        number,
        str(told.get("cell_type", "")),
        source if isinstance(source, str) else "",
        told["id"] if isinstance(told.get("id"), str) else "",
        metadata if isinstance(metadata, dict) else {},
    )
