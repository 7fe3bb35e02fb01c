"""[grader] Undoes what a submission did to the skeleton of its notebook, before nbgrader reads it.

nbgrader trusts a cell's own metadata for what the cell is, and stops at a cell it does not know.
Here every cell gets the metadata and the type it was released with; cells nobody released lose
theirs; released cells that are missing come back, empty, where they were; a test that stands above
the answer it tests is put below it. What was changed in a locked cell runs after that cell.
"""

from __future__ import annotations

import copy

import nbformat
from nbconvert.exporters.exporter import ResourcesDict
from nbformat import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor

from skipgrade.judging.grader.matching import grade_id, match, same_text
from skipgrade.judging.grader.notebook_paths import released_path
from skipgrade.judging.repairs import add_repairs


class RestoreCells(NbGraderPreprocessor):
    """First except for ClearOutput in `c.Autograde.sanitize_preprocessors`."""

    def preprocess(
        self, nb: NotebookNode, resources: ResourcesDict
    ) -> tuple[NotebookNode, ResourcesDict]:
        path = released_path(self.parent.parent, resources)
        released = nbformat.read(path, as_version=4)
        repairs = restore(nb, released)
        for told in repairs:
            self.log.warning("%s: %s", resources["nbgrader"]["student"], told)
        add_repairs(nb, repairs)
        return nb, resources


def restore(nb: NotebookNode, released: NotebookNode) -> list[str]:
    """Restore the released skeleton in `nb`; says what had to be repaired."""
    matches = match(nb.cells, released.cells)
    told = matches.told
    for cell in nb.cells:
        cell.metadata.pop("nbgrader", None)
    skeleton = {name: cell for cell in released.cells if (name := grade_id(cell))}
    for name, cell in matches.cells.items():
        told += _restore(cell, skeleton[name], name)
    told += _keep_changes(nb, skeleton)
    told += _bring_back(nb, skeleton)
    told += _put_tests_below(nb, skeleton)
    return told


def _restore(cell: NotebookNode, released: NotebookNode, name: str) -> list[str]:
    cell.metadata["nbgrader"] = copy.deepcopy(released.metadata.nbgrader)
    if cell.cell_type == released.cell_type:
        return []
    told = f"{name} was a {cell.cell_type} cell, and is what it was released as"
    for field in ("outputs", "execution_count", "attachments"):
        cell.pop(field, None)
    cell.cell_type = released.cell_type
    if cell.cell_type == "code":
        cell.update(outputs=[], execution_count=None)
    return [told]


def _keep_changes(nb: NotebookNode, skeleton: dict[str, NotebookNode]) -> list[str]:
    """nbgrader puts the released text back into a locked cell; what was written there instead
    becomes a cell after it. Tests are the course's own.
    """
    told = []
    for index, cell in reversed(list(enumerate(nb.cells))):
        name = grade_id(cell)
        if not name or cell.cell_type != "code" or cell.metadata.nbgrader.get("grade"):
            continue
        if not cell.metadata.nbgrader.get("locked") or same_text(cell, skeleton[name]):
            continue
        if cell.source.strip():
            changed = copy.deepcopy(cell)
            del changed.metadata["nbgrader"]
            nb.cells.insert(index + 1, changed)
        told.append(f"{name} was changed: the released text runs first, then what stood there")
    return told[::-1]


def _bring_back(nb: NotebookNode, skeleton: dict[str, NotebookNode]) -> list[str]:
    told = []
    names = [grade_id(cell) for cell in nb.cells]
    place = 0
    for name, released in skeleton.items():
        if name not in names:
            nb.cells.insert(place, copy.deepcopy(released))
            names.insert(place, name)
            told.append(f"cell {name} was missing and is back, unanswered")
        place = len(names) - names[::-1].index(name)  # after its last
    return told


def _put_tests_below(nb: NotebookNode, skeleton: dict[str, NotebookNode]) -> list[str]:
    """A test runs after every answer that was released above it."""
    told = []
    answers: list[str] = []
    for name, released in skeleton.items():
        marks = released.metadata.nbgrader
        if marks.get("grade") and marks.get("locked"):
            names = [grade_id(cell) for cell in nb.cells]
            above = [answer for answer in answers if names.index(answer) > names.index(name)]
            if above:
                cell = nb.cells.pop(names.index(name))
                last = max(names.index(answer) for answer in above)
                nb.cells.insert(last, cell)  # one place less, now that the test is out
                told.append(f"{name} stood above {above[-1]}, and runs after it")
        elif marks.get("solution") and released.cell_type == "code":
            answers.append(name)
    return told
