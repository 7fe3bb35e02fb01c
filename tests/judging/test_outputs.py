"""nbgrader must read from a cell exactly the points of the verdict, whatever the cell printed."""

from __future__ import annotations

import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_output
from nbgrader.utils import determine_grade

from skipgrade.judging.outputs import flatten_outputs, write_verdict
from skipgrade.judging.verdict import Verdict

PRINTED = {
    "nothing": [],
    "a warning": [new_output("stream", name="stderr", text="UserWarning: harmless\n")],
    "a number": [new_output("execute_result", data={"text/plain": "100"}, execution_count=1)],
    "an error": [new_output("error", ename="E", evalue="v", traceback=["t"])],
    "an error without traceback": [new_output("error", ename="E", evalue="v", traceback=[])],
    "a picture": [new_output("display_data", data={"image/png": "aaaa"})],
}


def cell_with(outputs: list[NotebookNode], points: float = 4.0) -> NotebookNode:
    marks = {
        "grade": True, "solution": False, "locked": True, "points": points, "grade_id": "a-test",
        "schema_version": 3, "task": False, "cell_type": "code",
    }  # fmt: skip
    return new_code_cell("pass", metadata={"nbgrader": marks}, outputs=outputs)


@pytest.mark.parametrize("printed", PRINTED)
@pytest.mark.parametrize("share", [0.0, 0.1, 1 / 3, 0.5, 1.0])
def test_nbgrader_reads_the_verdict(printed: str, share: float) -> None:
    cell = cell_with([NotebookNode(output) for output in PRINTED[printed]])
    flatten_outputs(cell)
    reasons = [] if share == 1 else ["Expected: <b>this</b>"]
    write_verdict(cell, Verdict(share, reasons))
    assert determine_grade(cell) == (pytest.approx(4 * share, abs=1e-4), 4.0)
    assert cell.metadata.skipgrade["points"] == pytest.approx(4 * share, abs=1e-4)


def test_a_cell_worth_nothing() -> None:
    cell = cell_with([], points=0)
    write_verdict(cell, Verdict(0.0, ["no"]))
    assert determine_grade(cell) == (0, 0)


def test_the_page_shows_reasons_as_text() -> None:
    cell = cell_with([])
    write_verdict(cell, Verdict(0.5, ["Got: <script>alert(1)</script>"]))
    assert "<script>" not in cell.outputs[0].data["text/html"]
    assert "2 of 4 points" in cell.outputs[0].data["text/html"]


def test_the_verdict_stands_first() -> None:
    cell = cell_with([new_output("stream", name="stdout", text="x\n" * 5000)])
    write_verdict(cell, Verdict.zero("Expected: something"))
    assert "Expected: something" in cell.outputs[0].data["text/plain"]
