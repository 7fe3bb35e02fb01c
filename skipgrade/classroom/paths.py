"""Feedback without the grader's folders.

A traceback names the files it went through. On a student's page they say where the grader keeps
the course, and under whose name; what helps is the part inside a package.
"""

import sys
import sysconfig
from pathlib import Path
from typing import Any

from nbconvert.exporters.exporter import ResourcesDict
from nbformat import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import List, Unicode

PROJECT = Path(__file__).parents[2]


class HidePaths(NbGraderPreprocessor):
    """Shortens the paths in every text a cell printed; for `c.GenerateFeedback.preprocessors`."""

    # A setting of nbconvert's, for which nbgrader's base class has a plain value.
    display_data_priority = List(Unicode()).tag(config=True)

    def preprocess_cell(
        self, cell: NotebookNode, resources: ResourcesDict, cell_index: int
    ) -> tuple[NotebookNode, ResourcesDict]:
        if cell.cell_type == "code":
            cell.outputs = [_output(output) for output in cell.outputs]
        return cell, resources


def _folders() -> list[str]:
    paths = sysconfig.get_paths()
    libraries = [Path(paths[name]) for name in ("purelib", "platlib", "stdlib")]
    known = {*libraries, PROJECT, Path(sys.prefix), Path(sys.base_prefix), Path.home()}
    return sorted((f"{folder}/" for folder in known), key=len, reverse=True)


def _output(output: NotebookNode) -> NotebookNode:
    """Only what is shown as it is: where markup is cut, its two ends may make a new whole."""
    if "data" not in output:
        return NotebookNode(_without_folders(output))
    plain = {kind: text for kind, text in output.data.items() if kind == "text/plain"}
    return NotebookNode(output | {"data": output.data | _without_folders(plain)})


def _without_folders(value: Any) -> Any:
    """The same output, with the known folders cut out of every text in it."""
    if isinstance(value, str):
        for folder in _folders():
            value = value.replace(folder, "")
        return value
    if isinstance(value, list):
        return [_without_folders(part) for part in value]
    if isinstance(value, dict):
        return NotebookNode({key: _without_folders(part) for key, part in value.items()})
    return value
