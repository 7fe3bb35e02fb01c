"""Formgrader's pages with each mark scheme below the answer it belongs to, folded.

Formgrader shows a notebook with nbconvert's HTMLExporter; `c.HTMLExporter.preprocessors` names the
class below. What it adds is in the page alone, never in a file: schemes are for who grades.
"""

from pathlib import Path

import nbformat
from nbconvert.exporters.exporter import ResourcesDict
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import ClearMarkScheme, NbGraderPreprocessor
from traitlets import List, Unicode

from skipgrade.classroom.course import CONFIG_FILE
from skipgrade.judging.grader.matching import grade_id

FORMGRADER = "submission_id"  # what Formgrader's pages have in their resources, and no others
FOLDED = (
    '<details style="border-left: 3px solid #bbb; margin: 0 0 1em; padding-left: 1em">'
    '<summary style="cursor: pointer; display: list-item"><b>Mark scheme</b></summary>'
    "\n\n{}\n\n</details>"
)


class MarkSchemes(NbGraderPreprocessor):
    """Puts a cell with the scheme after each answer that has one in the source notebook."""

    # A setting of nbconvert's, for which nbgrader's base class has a plain value.
    display_data_priority = List(Unicode()).tag(config=True)

    def preprocess(
        self, nb: NotebookNode, resources: ResourcesDict
    ) -> tuple[NotebookNode, ResourcesDict]:
        if FORMGRADER not in resources:
            return nb, resources
        schemes = self._schemes(resources)
        cells = []
        for cell in nb.cells:
            cells.append(cell)
            if scheme := schemes.get(grade_id(cell)):
                cells.append(new_markdown_cell(FOLDED.format(scheme)))
        nb.cells = cells
        return nb, resources

    def _schemes(self, resources: ResourcesDict) -> dict[str, str]:
        """By the answer's name; none for a notebook in no course, or without its source."""
        graded = Path(resources["metadata"]["path"])
        root = next((up for up in graded.parents if (up / CONFIG_FILE).is_file()), None)
        if root is None:
            return {}
        directory = CourseDirectory(config=self.config, root=str(root))
        folder = directory.format_path(directory.source_directory, ".", resources["assignment_id"])
        source = Path(folder, f"{resources['notebook_id']}.ipynb")
        if not source.is_file():
            return {}
        marks = ClearMarkScheme(parent=self)
        begin, end = marks.begin_mark_scheme_delimeter, marks.end_mark_scheme_delimeter
        cells = nbformat.read(source, as_version=4).cells
        return {
            name: _scheme(cell.source, begin, end) for cell in cells if (name := grade_id(cell))
        }


def _scheme(text: str, begin: str, end: str) -> str:
    """The lines between the delimiters."""
    lines, inside = [], False
    for line in text.splitlines():
        if begin in line or end in line:
            inside = begin in line
        elif inside:
            lines.append(line)
    return "\n".join(lines).strip()
