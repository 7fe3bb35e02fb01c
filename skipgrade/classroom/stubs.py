"""Answers that are not filled in: what is released in their place, and how feedback shows them."""

from nbconvert.exporters.exporter import ResourcesDict
from nbformat import NotebookNode
from nbformat.v4 import new_output
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import List, Unicode

SAYS = "not filled in yet"  # the words of lab.unfilled, which would bring torch along
STUB = f'# YOUR CODE HERE\nraise NotImplementedError("{SAYS}")'
OPTIONAL = "optional"  # the tag of an answer cell that may stay open
RAISES = STUB.splitlines()[-1]


class QuietStubs(NbGraderPreprocessor):
    """Lets a Run All pass over answers tagged `optional`; comes after ClearSolutions.

    Only what runs with the cell goes: the stub of a function still raises when it is called.
    """

    def preprocess_cell(
        self, cell: NotebookNode, resources: ResourcesDict, cell_index: int
    ) -> tuple[NotebookNode, ResourcesDict]:
        if cell.cell_type == "code" and OPTIONAL in cell.metadata.get("tags", []):
            cell.source = "\n".join(line for line in cell.source.split("\n") if line != RAISES)
        return cell, resources


class SayNotFilledIn(NbGraderPreprocessor):
    """Says so where a stub raised, in place of its traceback; for feedback pages."""

    # A setting of nbconvert's, for which nbgrader's base class has a plain value.
    display_data_priority = List(Unicode()).tag(config=True)

    def preprocess_cell(
        self, cell: NotebookNode, resources: ResourcesDict, cell_index: int
    ) -> tuple[NotebookNode, ResourcesDict]:
        if cell.cell_type == "code":
            cell.outputs = [_said(output) for output in cell.outputs]
        return cell, resources


def is_unfilled(output: NotebookNode) -> bool:
    """Whether a cell stopped because an answer is still a stub."""
    if output.output_type != "error" or output.ename != "NotImplementedError":
        return False
    return output.evalue in ("", SAYS)


def _said(output: NotebookNode) -> NotebookNode:
    if not is_unfilled(output):
        return output
    return new_output("stream", name="stderr", text="Not filled in yet.\n")
