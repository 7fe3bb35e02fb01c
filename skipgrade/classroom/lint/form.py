"""Is it a notebook as nbformat and nbgrader describe one, with names that stay?"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from typing import Any

from nbformat import from_dict
from nbformat.validator import iter_validate
from nbgrader.nbgraderformat import MetadataValidator, ValidationError
from nbgrader.nbgraderformat.common import SchemaMismatchError

from skipgrade.classroom.lint.finding import Finding
from skipgrade.classroom.lint.notebook import RESTORE, Cell, Notebook
from skipgrade.classroom.stubs import OPTIONAL
from skipgrade.judging.grader.source import NEEDS_TRAINING

ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")
TAGS = {
    NEEDS_TRAINING: "a code cell that trains, or needs what training gives",
    OPTIONAL: "a code cell that students answer in, and may leave open",
}
NBGRADERS = "Set the cell's kind, name and points again in nbgrader's Create Assignment."
OTHER_ID = "Give each cell an id of its own in the file."
OTHER_NAME = "Give each an id of its own in nbgrader's Create Assignment."


def find(notebook: Notebook) -> Iterator[Finding]:
    yield from _schema(notebook)
    yield from _ids(notebook)
    yield from _marks(notebook)
    yield from _tags(notebook)


def _schema(notebook: Notebook) -> Iterator[Finding]:
    """What nbformat says, ids apart; of each cell the first."""
    raw = copy.deepcopy(notebook.raw)
    for number, cell in enumerate(raw["cells"], 1):
        if isinstance(cell, dict) and notebook.keeps_ids:
            cell["id"] = f"cell-{number}"
    seen = set()
    for error in iter_validate(raw):
        cell = _cell_at(notebook, list(error.absolute_path))
        if cell not in seen:
            seen.add(cell)
            told = f"does not have the form of a notebook: {error.message.splitlines()[0][:200]}"
            yield Finding(notebook.file, cell, told, RESTORE)


def _cell_at(notebook: Notebook, path: list[Any]) -> str:
    inside = len(path) > 1 and path[0] == "cells"
    return notebook.cells[path[1]].name if inside else ""


def _ids(notebook: Notebook) -> Iterator[Finding]:
    if not notebook.keeps_ids:
        told = "keeps no ids of cells, so messages can name few of them"
        fix = "Save it in JupyterLab, which writes format 4.5."
        yield Finding(notebook.file, "", told, fix, note=True)
        return
    seen: dict[str, Cell] = {}
    for cell in notebook.cells:
        if not cell.id:
            told = f"cell number {cell.number} has no id, and would get another each time"
            yield Finding(notebook.file, cell.name, told, OTHER_ID)
        elif not ID.fullmatch(cell.id):
            told = f"its id {cell.id!r} is not allowed: letters, digits, - and _ only, 64 at most"
            yield Finding(notebook.file, cell.name, told, OTHER_ID)
        elif cell.id in seen:
            told = f"cells {seen[cell.id].number} and {cell.number} have the same id {cell.id}"
            yield Finding(notebook.file, cell.name, told, OTHER_ID)
        elif cell.grade_id and cell.grade_id != cell.id:
            told = f"its id in the file is {cell.id}, so messages and pages call it differently"
            fix = f"Call it {cell.grade_id} there as well."
            yield Finding(notebook.file, cell.name, told, fix, note=True)
        seen.setdefault(cell.id, cell)


def _marks(notebook: Notebook) -> Iterator[Finding]:
    """nbgrader's metadata."""
    seen: dict[str, Cell] = {}
    for cell in notebook.cells:
        if "nbgrader" not in cell.metadata:
            continue
        if told := _wrong_marks(cell):
            yield Finding(notebook.file, cell.name, told, NBGRADERS)
        if cell.grade_id in seen:
            told = (
                f"cells {seen[cell.grade_id].number} and {cell.number} have the same name "
                f"(grade_id) {cell.grade_id}"
            )
            yield Finding(notebook.file, cell.name, told, OTHER_NAME)
        elif cell.grade_id:
            seen[cell.grade_id] = cell


def _wrong_marks(cell: Cell) -> str:
    if not isinstance(cell.metadata["nbgrader"], dict):
        return "nbgrader's metadata are wrong: they are not a table of names and values"
    made_as = cell.marks.get("cell_type", cell.kind)
    if made_as != cell.kind:
        return f"is a {cell.kind} cell, and was a {made_as} cell when it got its points or name"
    if (cell.is_graded or cell.is_answer or cell.marks.get("locked")) and not cell.grade_id:
        return "has no name (grade_id), so the gradebook cannot keep it"
    try:
        known = from_dict({"cell_type": cell.kind, "source": "", "metadata": cell.metadata})
        MetadataValidator().validate_cell(known)
    except SchemaMismatchError as error:
        return f"nbgrader's metadata are of another version: {error}"
    except ValidationError as error:
        return f"nbgrader's metadata are wrong: {error.message.splitlines()[0][:200]}"
    return ""


def _tags(notebook: Notebook) -> Iterator[Finding]:
    for cell in notebook.cells:
        for tag in cell.tags:
            if tag not in TAGS:
                told = f"the tag {tag!r} means nothing here"
                fix = f"Remove it. There is: {', '.join(map(repr, TAGS))}."
                yield Finding(notebook.file, cell.name, told, fix)
            elif not (cell.is_code and (cell.is_answer or tag != OPTIONAL)):
                told = f"the tag {tag!r} stands on a cell of another kind"
                yield Finding(notebook.file, cell.name, told, f"Put it on {TAGS[tag]}.")
