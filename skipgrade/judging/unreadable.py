"""A hand-in that is no notebook: reported as zero instead of stopping the class.

nbgrader gives up on such a submission and its run ends in an error. This exporter reads it as the
empty release version, marked with the reason, so that every cell gets its zero on the record.
"""

from __future__ import annotations

import json
from typing import Any

import nbformat
from nbconvert.exporters import NotebookExporter
from nbformat import NotebookNode

from skipgrade.judging.places import released_path

MARK = "skipgrade_unreadable"


class SubmissionExporter(NotebookExporter):
    """nbconvert's notebook exporter, for files that may not be notebooks."""

    def from_file(
        self, file_stream: Any, resources: dict | None = None, **kwargs: Any
    ) -> tuple[NotebookNode, dict]:
        content = file_stream.read()
        try:
            notebook = parse(content)
        except NotANotebook as error:
            notebook = nbformat.read(released_path(self.parent, resources), as_version=4)
            notebook.metadata[MARK] = f"The file handed in is not a notebook: {error}."
        else:
            if not self._grading_again():
                notebook.metadata.pop(MARK, None)
        return self.from_notebook_node(notebook, resources, **kwargs)

    def _grading_again(self) -> bool:
        """In nbgrader's second pass the file is its own, and the mark with it."""
        return not getattr(self.parent, "_sanitizing", True)


class NotANotebook(ValueError):
    """The text says what is wrong with the file, and where."""


def parse(content: str | bytes) -> NotebookNode:
    """A notebook whose every cell has what graders rely on; `NotANotebook` otherwise."""
    text = content.decode("utf-8", "replace") if isinstance(content, bytes) else content
    try:
        raw = json.loads(text)
    except (ValueError, RecursionError) as error:
        where = f"line {error.lineno}" if isinstance(error, json.JSONDecodeError) else "its nesting"
        raise NotANotebook(f"no valid JSON ({where})") from error
    if not isinstance(raw, dict) or not isinstance(raw.get("nbformat"), int):
        raise NotANotebook("JSON, but without the fields of a notebook")
    try:
        notebook = nbformat.reads(text, as_version=4)
    except Exception as error:
        raise NotANotebook(f"nbformat cannot read it ({type(error).__name__})") from error
    for number, cell in enumerate(notebook.get("cells", [None]), start=1):
        if problem := _problem(cell):
            raise NotANotebook(f"cell {number} {problem}")
    return notebook


def _problem(cell: Any) -> str | None:
    if not isinstance(cell, dict):
        return "is not a cell"
    if cell.get("cell_type") not in ("code", "markdown", "raw"):
        return "has no known type"
    if not isinstance(cell.get("source"), str):
        return "has no source"
    if not isinstance(cell.get("metadata"), dict):
        return "has no metadata"
    if cell["cell_type"] == "code" and not isinstance(cell.get("outputs"), list):
        return "has no outputs"
    return None


def reason_unreadable(notebook: NotebookNode) -> str:
    """Why the hand-in could not be read; empty when it could."""
    return str(notebook.metadata.get(MARK, ""))
