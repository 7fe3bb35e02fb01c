"""[grader] Keeps hidden tests out of feedback pages, which nbgrader makes from the autograded
notebooks.
"""

from __future__ import annotations

from nbconvert.exporters.exporter import ResourcesDict
from nbformat import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import List, Unicode

from skipgrade.judging.grader.source import is_automatic, split


class HideTests(NbGraderPreprocessor):
    """Cuts the hidden part out of every judged cell.

    nbgrader's ClearHiddenTests would do it for sound notebooks, but gives up on one whose author
    wrote the delimiters into another cell.
    """

    # A setting of nbconvert's, for which nbgrader's base class has a plain value.
    display_data_priority = List(Unicode()).tag(config=True)

    def preprocess_cell(
        self, cell: NotebookNode, resources: ResourcesDict, cell_index: int
    ) -> tuple[NotebookNode, ResourcesDict]:
        if is_automatic(cell):
            cell.source = split(cell.source)[0]
        return cell, resources
