"""nbgrader must read from a cell exactly the points of the verdict, whatever the cell printed."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable

import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_output
from nbgrader.utils import determine_grade

from skipgrade.judging.checks.asking import NoAnswerError
from skipgrade.judging.grader.outputs import NO_TEX, flatten_outputs, write_verdict
from skipgrade.judging.verdict import CheckFailedError, Reason, Verdict, message, reasons_of
from tests.judging.trial import judge

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


def test_the_page_says_that_what_follows_is_not_ours() -> None:
    below = "Below: what the notebook showed."
    cell = cell_with([new_output("stream", name="stdout", text="4 of 4 points")])
    write_verdict(cell, Verdict(1.0))
    assert below in cell.outputs[0].data["text/html"]
    cell = cell_with([])
    write_verdict(cell, Verdict(1.0))
    assert (
        below not in cell.outputs[0].data["text/html"]
        and NO_TEX in cell.outputs[0].data["text/html"]
    )


def test_reasons_are_kept_as_data() -> None:
    cell = cell_with([])
    got = "9\nHint: <the grader>"
    verdict = Verdict(0.0, [message("7", got, "a sum"), "plain\ntext"], earlier=["An earlier cell"])
    write_verdict(cell, verdict)
    kept = cell.metadata.skipgrade
    assert kept["reasons"] == [
        {"expected": "7", "got": got, "hint": "a sum"},
        {"text": "plain\ntext"},
    ]
    assert [*reasons_of(kept)] == [*verdict.reasons, "An earlier cell"]
    assert json.loads(json.dumps(kept)) == kept
    page = cell.outputs[0].data["text/html"]
    assert "Expected: 7<br>Got: 9<br>Hint: &lt;the grader&gt;<br>Hint: a sum<br>plain" in page


@pytest.mark.parametrize(
    "wrap", [NoAnswerError, CheckFailedError, Reason.of, lambda reason: reason]
)
def test_a_reason_keeps_its_parts_on_its_way(wrap: Callable[[Reason], object]) -> None:
    """Through exceptions, `str`, copies, pickles and JSON, as checks and kernels pass it on."""
    reason = message("7", "9", "a sum")
    arrived = str(wrap(reason))
    assert arrived == "Expected: 7\nGot: 9\nHint: a sum"
    for one in (arrived, copy.deepcopy(arrived), pickle.loads(pickle.dumps(arrived))):
        assert Reason.of(one).as_data() == reason.as_data()
    verdict = Verdict(0.5, [arrived, "text"], notes=["n"], earlier=["e"])
    again = Verdict(**json.loads(json.dumps(verdict.to_dict())))
    assert again == verdict
    assert [Reason.of(one).as_data() for one in again.reasons] == [
        reason.as_data(),
        {"text": "text"},
    ]


@pytest.mark.parametrize(
    "hidden", ["check.equal('a')", "check.equal('a', worth=0.5)", "check.equal('b')"]
)
def test_checks_give_reasons_with_their_parts(hidden: str) -> None:
    (reason,) = judge(hidden, "a = 1", "a = 2; b = 3").reasons
    assert isinstance(reason, Reason) and reason.expected and reason.got


def test_plain_words_are_a_reason_too() -> None:
    for text in ("", "a hidden test failed", "Expected: 1\nGot: 2"):
        assert Reason.of(text).as_data() == {"text": text}
        assert Reason.of({"text": text}) == text
        assert Reason.of(text).in_short() == text.split("\n")[0]
    assert message("7", "9", "").in_short() == "9 (expected 7)"
