"""[grader] nbgrader's check of the marks cells carry, without repeating itself for a whole
class.
"""

from __future__ import annotations

import json
from collections import OrderedDict

from nbconvert.exporters.exporter import ResourcesDict
from nbformat import NotebookNode
from nbgrader.preprocessors import CheckCellMetadata

MOST_KEPT = 32
passed: OrderedDict[str, None] = OrderedDict()


class CheckMetadataOnce(CheckCellMetadata):
    """Checks a set of marks once: by then every submission has the marks it was released with.

    nbgrader's own, which checks its schema as well, takes more than a millisecond for every cell.
    """

    def preprocess(
        self, nb: NotebookNode, resources: ResourcesDict
    ) -> tuple[NotebookNode, ResourcesDict]:
        marks = json.dumps([[cell.cell_type, cell.metadata.get("nbgrader")] for cell in nb.cells])
        if marks not in passed:
            super().preprocess(nb, resources)
            passed[marks] = None
            if len(passed) > MOST_KEPT:
                passed.popitem(last=False)
        return nb, resources
