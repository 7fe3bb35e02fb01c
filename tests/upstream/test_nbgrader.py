"""nbgrader, nbclient and nbconvert: do they still do what judging and classroom rely on?"""

from __future__ import annotations

import asyncio
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from nbclient import NotebookClient
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook, new_output
from nbgrader.converters import Autograde
from nbgrader.utils import determine_grade

from skipgrade.classroom.course import Course, _log_to
from skipgrade.classroom.rows import CELL_KINDS, MERGED, TABLES
from skipgrade.judging.grader.execute import JudgedExecute
from skipgrade.judging.grader.outputs import flatten_outputs, write_verdict
from skipgrade.judging.intake.exporter import SubmissionExporter
from skipgrade.judging.verdict import Verdict

ROOT = Path(__file__).parents[2]
MARKS = {"schema_version": 3, "grade_id": "one", "locked": True, "solution": False,
         "grade": True, "task": False, "points": 4, "cell_type": "code"}  # fmt: skip


def graded_cell() -> NotebookNode:
    """A cell whose visible part said everything that nbgrader takes for a grade."""
    outputs = [
        new_output("stream", name="stderr", text="a warning"),
        new_output("execute_result", data={"text/plain": "3.5"}, execution_count=1),
        new_output("error", ename="E", evalue="e", traceback=["E: e"]),
    ]
    return new_code_cell("", metadata={"nbgrader": MARKS}, outputs=outputs)


@pytest.mark.parametrize(("share", "points"), [(1.0, 4.0), (0.375, 1.5), (0.0, 0.0)])
def test_nbgrader_reads_the_verdict_and_nothing_else(share: float, points: float) -> None:
    """grader/outputs.py: an error or stderr is zero, a result is points, neither is full marks."""
    cell = graded_cell()
    flatten_outputs(cell)
    write_verdict(cell, Verdict(share, ["why"] if share < 1 else []))
    assert determine_grade(cell) == (points, 4.0), "determine_grade reads outputs in another way"


def test_nbgrader_would_read_what_a_notebook_shows() -> None:
    """So that the test above has something to keep out."""
    assert determine_grade(graded_cell()) == (0, 4.0)


def test_a_preprocessor_finds_the_converter_above_its_exporter() -> None:
    """grader/execute.py and intake/exporter.py reach the course by `parent`."""
    course = Course(ROOT)
    converter = Autograde(coursedir=course.directory("x"), config=course.config)
    exporter = converter.exporter_class(parent=converter, config=converter.config)
    assert isinstance(exporter, SubmissionExporter)
    exporter.register_preprocessor(JudgedExecute, enabled=True)
    step = exporter._preprocessors[-1]
    assert step.parent is exporter
    assert step.parent.parent is converter
    assert step.parent.parent.coursedir.root == str(ROOT)


class Starting:
    """As much of a kernel manager as nbclient needs to start a kernel."""

    has_kernel, ipykernel = False, False

    async def start_kernel(self, **given: Any) -> None:
        self.given = given

    async def interrupt_kernel(self) -> None:
        self.interrupted = True


def test_the_kernel_starts_where_the_resources_say() -> None:
    """grader/execute.py names the working copy there; a submission must not run elsewhere."""
    client = NotebookClient(new_notebook(), resources={"metadata": {"path": "/a/copy"}})
    client.km = manager = Starting()  # type: ignore[assignment]
    client.start_new_kernel()
    assert manager.given["cwd"] == "/a/copy", "nbclient takes the working folder from elsewhere"


def test_a_timeout_is_told_by_the_name_in_error_on_timeout() -> None:
    """grader/recovery.py tells a cell that was stopped by nbclient by that name."""
    step = JudgedExecute()
    step.km = Starting()  # type: ignore[assignment]
    reply = asyncio.run(step._async_handle_timeout(1))
    assert reply
    cell = new_code_cell("")
    step.on_cell_executed(cell=cell, cell_index=0, execute_reply=reply)
    step.begin()
    step._patience = 7
    assert step._interruption(cell) == "it was stopped after 7 s."


@pytest.mark.parametrize("words", ["Traceback (most recent call last):\n...", "it went wrong"])
def test_the_reason_is_the_exception_in_whatever_words_it_is_logged(
    words: str, tmp_path: Path
) -> None:
    """classroom/course.py: nbgrader logs an exception where it catches it, and raises another."""
    with _log_to(tmp_path / "log") as log:
        log.logger.error("There was an error")
        try:
            raise ValueError("why it went wrong")
        except ValueError:
            log.logger.error(words)
        log.logger.error("Please see the log")
    assert log.reason == "ValueError: why it went wrong"


def test_without_an_exception_the_reason_is_what_was_logged_first(tmp_path: Path) -> None:
    with _log_to(tmp_path / "log") as log:
        log.logger.error("No notebooks found")
        log.logger.error("Please see the log")
    assert log.reason == "No notebooks found"


def test_the_gradebook_has_our_tables_and_columns() -> None:
    """classroom/rows.py copies rows of nbgrader's tables."""
    for name, keys, written in MERGED:
        missing = {"id", *keys, *written} - set(TABLES[name].columns.keys())
        assert not missing, f"nbgrader's table {name} has no {missing}"
    for name in ("course", "assignment", "notebook", "base_cell", "source_cell", *CELL_KINDS):
        assert name in TABLES, f"nbgrader has no table {name}"
    assert {"manual_score", "extra_credit"} <= set(TABLES["grade"].columns.keys())
    assert "manual_comment" in TABLES["comment"].columns


def test_alembic_lies_beside_python() -> None:
    """nbgrader starts it by name; classroom/course.py puts Python's own folder on PATH for that."""
    assert shutil.which("alembic", path=str(Path(sys.executable).parent))
