"""Which cells are taken for which, and what is never taken for an answer?"""

from __future__ import annotations

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from skipgrade.judging.grader.matching import grade_id
from skipgrade.judging.grader.skeleton import restore

STUB = "# f()\n# YOUR CODE HERE\nraise NotImplementedError()"


def marked(kind: str, name: str, source: str, **flags: bool) -> NotebookNode:
    new = new_code_cell if kind == "code" else new_markdown_cell
    marks = {"grade": False, "solution": False, "locked": False, "task": False} | flags
    return new(source, metadata={"nbgrader": {"grade_id": name, **marks}})


def released() -> NotebookNode:
    return new_notebook(
        cells=[
            marked("code", "setup", "import torch", locked=True),
            new_markdown_cell("## One"),
            marked("code", "f", STUB, solution=True),
            marked("code", "test-f", "assert f(1) == 1", grade=True, locked=True),
            marked("markdown", "why", "YOUR ANSWER HERE", grade=True, solution=True),
            new_markdown_cell("## Two"),
            marked("code", "g", STUB.replace("f", "g"), solution=True),
            marked("code", "test-g", "assert g(1) == 1", grade=True, locked=True),
            marked("markdown", "why-g", "YOUR ANSWER HERE", grade=True, solution=True),
        ]
    )


def submission(**answers: str) -> NotebookNode:
    notebook = nbformat.from_dict(released())
    for cell in notebook.cells:
        cell.source = answers.get(grade_id(cell).replace("-", "_"), cell.source)
    return notebook


def forget(notebook: NotebookNode) -> None:
    for cell in notebook.cells:
        cell.metadata = NotebookNode()


def sources(notebook: NotebookNode) -> dict[str, str]:
    return {name: cell.source for cell in notebook.cells if (name := grade_id(cell))}


RIGHT = {"f": "def f(x):\n    return x", "g": "g = lambda x: x", "why": "So.", "why_g": "Thus."}


def test_nothing_is_told_of_a_submission_that_is_in_order() -> None:
    assert restore(submission(**RIGHT), released()) == []


def test_all_metadata_gone() -> None:
    notebook = submission(**RIGHT)
    before = sources(notebook)
    forget(notebook)
    told = restore(notebook, released())
    assert sources(notebook) == before
    assert "a cell without nbgrader's metadata is taken for f: it defines f" in told
    assert len(told) == len(before)


@pytest.mark.parametrize("answers", [{}, {"f": RIGHT["f"]}, {"why": "So."}, {"g": "g = 1"}])
def test_what_is_not_answered_stays_so(answers: dict[str, str]) -> None:
    notebook = submission(**answers)
    before = sources(notebook)
    forget(notebook)
    restore(notebook, released())
    assert sources(notebook) == before


def test_no_stray_cell_becomes_an_answer() -> None:
    """Stubs are there and empty: what stands beside them is not taken instead."""
    notebook = submission()
    notebook.cells.insert(3, new_code_cell("def f(x):\n    return x"))
    notebook.cells.append(new_markdown_cell("A long note."))
    told = restore(notebook, released())
    assert told == []
    assert sources(notebook) == sources(released())


def test_an_answer_is_taken_from_its_own_part_only() -> None:
    notebook = submission(**RIGHT)
    index = [grade_id(cell) for cell in notebook.cells].index("f")
    answer = notebook.cells.pop(index)
    answer.metadata = NotebookNode()
    notebook.cells.append(answer)  # after part two: nothing says that it belongs to part one
    told = restore(notebook, released())
    assert sources(notebook)["f"] == STUB
    assert "cell f was missing and is back, unanswered" in told
    assert notebook.cells[-1].source == RIGHT["f"]  # and runs all the same


def test_of_copies_the_last_answer_counts_and_no_stub() -> None:
    notebook = submission(**RIGHT)
    first = marked("code", "f", "f = 0", solution=True)
    notebook.cells.insert(2, first)
    notebook.cells.append(marked("code", "f", STUB, solution=True))
    told = restore(notebook, released())
    assert sources(notebook)["f"] == RIGHT["f"]
    assert [line.partition(" was ")[2] for line in told] == ["a copy of f"] * 2


def test_a_forged_cell_earns_nothing() -> None:
    notebook = submission(**RIGHT)
    notebook.cells.append(marked("code", "bonus", "pass", grade=True))
    notebook.cells[3].metadata.nbgrader["points"] = 100
    told = restore(notebook, released())
    assert "bonus" not in sources(notebook)
    assert "points" not in notebook.cells[3].metadata.nbgrader
    assert told == ["cell 10 had nbgrader metadata that is not in the release"]


def test_tests_run_after_the_answers_released_above_them() -> None:
    notebook = submission(**RIGHT)
    notebook.cells.reverse()
    restore(notebook, released())
    order = list(sources(notebook))
    for answer, test in (("f", "test-f"), ("g", "test-g"), ("f", "test-g")):
        assert order.index(answer) < order.index(test)


def test_a_changed_locked_cell_runs_after_the_released_one() -> None:
    notebook = submission(setup="import torch as t", **RIGHT)
    told = restore(notebook, released())
    assert [cell.source for cell in notebook.cells[:2]] == ["import torch as t"] * 2
    assert (grade_id(notebook.cells[0]), grade_id(notebook.cells[1])) == ("setup", "")
    assert told == ["setup was changed: the released text runs first, then what stood there"]


def test_a_changed_test_is_not_kept() -> None:
    notebook = submission(test_f="assert True", **RIGHT)
    restore(notebook, released())
    assert [cell.source for cell in notebook.cells].count("assert True") == 1  # nbgrader's to undo
