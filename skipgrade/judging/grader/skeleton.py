"""[grader] Undoes what a submission did to the skeleton of its notebook, before nbgrader reads it.

nbgrader trusts a cell's own metadata for what the cell is, and stops at a cell it does not know.
Here every cell gets the marks it was released with; cells nobody released lose theirs; released
cells that are missing come back, empty, where they were.
"""

from __future__ import annotations

import copy

import nbformat
from nbconvert.exporters.exporter import ResourcesDict
from nbformat import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor

from skipgrade.judging.grader.notebook_paths import released_path


class RestoreCells(NbGraderPreprocessor):
    """First but for ClearOutput in `c.Autograde.sanitize_preprocessors`."""

    def preprocess(
        self, nb: NotebookNode, resources: ResourcesDict
    ) -> tuple[NotebookNode, ResourcesDict]:
        path = released_path(self.parent.parent, resources)
        released = nbformat.read(path, as_version=4)
        changed = restore(nb, released)
        for told in changed:
            self.log.warning("%s: %s", resources["nbgrader"]["student"], told)
        return nb, resources


def restore(nb: NotebookNode, released: NotebookNode) -> list[str]:
    """Restore the released skeleton in `nb`; says what had to be mended."""
    marked = [cell for cell in released.cells if grade_id(cell)]
    known = {grade_id(cell): cell for cell in marked}
    told = _restore_marks(nb, known)
    names = [grade_id(cell) for cell in nb.cells]
    place = 0
    for cell in marked:
        name = grade_id(cell)
        if name not in names:
            nb.cells.insert(place, copy.deepcopy(cell))
            names.insert(place, name)
            told.append(f"cell {name} was missing and is back, unanswered")
        place = len(names) - names[::-1].index(name)  # after its last
    return told


def _restore_marks(nb: NotebookNode, known: dict[str, NotebookNode]) -> list[str]:
    told = []
    seen: set[str] = set()
    for number, cell in reversed(list(enumerate(nb.cells, start=1))):
        if "nbgrader" not in cell.metadata:
            continue
        name = grade_id(cell)
        del cell.metadata["nbgrader"]
        if name in seen:  # a copied cell: the last counts, as with nbgrader's DeduplicateIds
            told.append(f"cell {number} was a copy of {name}")
        elif name not in known:
            told.append(f"cell {number} had marks nobody gave it")
        else:
            seen.add(name)
            cell.metadata["nbgrader"] = copy.deepcopy(known[name].metadata.nbgrader)
            if cell.cell_type != known[name].cell_type:
                told.append(f"cell {number} was {cell.cell_type}, and is what it was released as")
                _become(cell, known[name].cell_type)
    return told[::-1]


def _become(cell: NotebookNode, kind: str) -> None:
    """Another type for a cell; its text stays."""
    for name in ("outputs", "execution_count", "attachments"):
        cell.pop(name, None)
    cell.cell_type = kind
    if kind == "code":
        cell.update(outputs=[], execution_count=None)


def grade_id(cell: NotebookNode) -> str:
    marks = cell.metadata.get("nbgrader")
    name = marks.get("grade_id") if isinstance(marks, dict) else ""
    return name if isinstance(name, str) else ""
