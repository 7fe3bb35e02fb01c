"""Are optional answers released without a stop, and unfilled ones shown in plain words?"""

import subprocess
import sys

import pytest
from nbconvert.exporters import ResourcesDict
from nbformat.v4 import new_code_cell, new_output

from skipgrade.classroom.report import why
from skipgrade.classroom.stubs import OPTIONAL, SAYS, STUB, QuietStubs, SayNotFilledIn
from tests.conftest import ROOT

FUNCTION = "def f():\n    # YOUR CODE HERE\n    " + STUB.splitlines()[1]
RAISED = {
    "stub": new_output("error", ename="NotImplementedError", evalue=SAYS, traceback=["long"]),
    "nbgrader's": new_output("error", ename="NotImplementedError", evalue="", traceback=["long"]),
}
OTHER = new_output("error", ename="NotImplementedError", evalue="for cubes", traceback=["long"])


@pytest.mark.parametrize(
    ("source", "tags", "is_released"),
    [
        (f"# True or False?\n{STUB}", [OPTIONAL], "# True or False?\n# YOUR CODE HERE"),
        (f"# True or False?\n{STUB}", [], f"# True or False?\n{STUB}"),
        (FUNCTION, [OPTIONAL], FUNCTION),
    ],
)
def test_only_what_runs_with_an_optional_cell_goes(source, tags, is_released) -> None:
    cell = new_code_cell(source, metadata={"tags": tags})
    assert QuietStubs().preprocess_cell(cell, ResourcesDict(), 0)[0].source == is_released


@pytest.mark.parametrize("kind", RAISED)
def test_a_page_says_not_filled_in(kind: str) -> None:
    cell = new_code_cell(outputs=[RAISED[kind]])
    cell, _ = SayNotFilledIn().preprocess_cell(cell, ResourcesDict(), 0)
    (shown,) = cell.outputs
    assert (shown.output_type, shown.text) == ("stream", "Not filled in yet.\n")
    assert why(new_code_cell(outputs=[RAISED[kind]])) == (SAYS, "")


def test_another_error_is_shown_as_it_was() -> None:
    cell, _ = SayNotFilledIn().preprocess_cell(new_code_cell(outputs=[OTHER]), ResourcesDict(), 0)
    assert cell.outputs == [OTHER]
    assert why(cell) == ("NotImplementedError: for cubes", "")


def test_the_configuration_brings_no_torch_along() -> None:
    """Every command reads it, and every worker that grades."""
    code = (
        "import sys; from traitlets.config import Config; c = Config()\n"
        "exec(open('nbgrader_config.py').read(), {'get_config': lambda: c})\n"
        "assert c.GenerateAssignment.preprocessors and 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
