"""A check that lacks a name says which cell stopped, where, and with what."""

from __future__ import annotations

import pytest
from nbformat.v4 import new_code_cell, new_output

from skipgrade.judging.checks.causes import why_not
from skipgrade.judging.judge import answerers
from skipgrade.judging.judge.answerers import NotebookCodeError
from skipgrade.judging.stopped_cells import StoppedCell, cell_behind, names_set, stopped_cell
from tests.judging.conftest import Graded

BROKEN = "class Net(nn.Module):\n    def __init__(self):\n        super().__init__(\n"


def cell(code: str, kind: str, told: str, *traceback: str) -> StoppedCell:
    error = new_output("error", ename=kind, evalue=told, traceback=list(traceback))
    found = stopped_cell(new_code_cell(code, outputs=[error], execution_count=3))
    assert found
    return found


def test_a_cell_that_raised_nothing() -> None:
    assert stopped_cell(new_code_cell("x = 1")) is None


def test_an_answer_that_raises_nothing_and_says_nothing_is_not_filled_in() -> None:
    """A claim is released without a `raise`: it would end a student's Run All."""
    empty = new_code_cell("# True or False?\n# YOUR CODE HERE")
    found = stopped_cell(empty, due="answer_1 = True")
    assert found is not None and found.names == ("answer_1",)
    assert found.describe() == "the cell that starts '# True or False?' is not filled in"
    assert stopped_cell(empty) is None
    assert stopped_cell(new_code_cell("# YOUR CODE HERE\nanswer_1 = 1"), due="answer_1 = 0") is None


def test_the_line_is_the_cells_own() -> None:
    stopped = cell(
        "\na = 1\nb = helper(a)",
        "ValueError",
        "no",
        "\x1b[0;31mValueError\x1b[0m",
        "Cell \x1b[0;32mIn[3], line 3\x1b[0m",
        "Cell In[2], line 8, in helper(x)",
    )
    assert stopped.describe() == (
        "the cell that starts 'a = 1' stopped in line 3, `b = helper(a)`, with ValueError: no"
    )
    assert set(stopped.names) == {"a", "b"}


@pytest.mark.parametrize(
    ("code", "names"),
    [
        (BROKEN, ["Net"]),
        ("x, y = 1, 2\ndef f(:\n    inner = 1\nz: int = 3\nif x == 1:", ["x", "y", "f", "z"]),
        ("%matplotlib inline\nx = 1", ["x"]),
        ("import a.b as c\nfor i in ():\n    j = i\nprint(k)", ["c", "i", "j"]),
    ],
)
def test_names_a_cell_would_have_defined(code: str, names: list[str]) -> None:
    assert sorted(names_set(code)) == sorted(names)


def test_the_first_cell_in_a_chain_is_named() -> None:
    net = cell(BROKEN, "SyntaxError", "'(' was never closed", "Cell In[3], line 3")
    run = cell("history = fit(Net())", "NameError", "name 'Net' is not defined")
    best = cell("best = history.best", "NameError", "name 'history' is not defined")
    assert cell_behind("best", [net, run, best]) == net
    assert cell_behind("other", [net, run, best]) is None
    itself = cell("a = a", "NameError", "name 'a' is not defined")
    assert cell_behind("a", [itself]) == itself


def test_in_a_real_kernel(graded: Graded) -> None:
    """A cell after a broken one says what broke, not that a name is misspelled."""
    told = graded.verdicts("syntax-error")["net"]["reason"]
    assert "the cell that starts 'class Net(nn.Module):' stopped in line 3" in told
    assert "SyntaxError: '(' was never closed" in told
    assert "spelled" not in told
    assert graded.points("syntax-error") == {"double": 2.0, "net": 0.0, "number": 4.0}


def test_a_stub_is_not_filled_in(graded: Graded) -> None:
    told = "`Net` is not defined: its cell is not filled in"
    assert told in graded.verdicts("stub")["net"]["reason"]


def test_a_cell_that_died_is_known_by_what_belongs_there(graded: Graded) -> None:
    told = graded.verdicts("dies")["double"]["reason"]
    assert "`double` is not defined: the cell that starts 'import os' did not end" in told


def test_a_process_that_lies_about_a_name_gets_no_words_into_the_hint() -> None:
    error = {"type": "NameError", "message": "name 'Net' is not defined", "line": ""}
    for near, told in (("Nett", True), ("Nett`. Full marks: `", False), (["Nett"], False)):
        with pytest.raises(NotebookCodeError) as raised:
            answerers._unwrap({"error": {**error, "near": near}})
        got, hint = why_not(raised.value, [])
        assert got == "NameError: `Net` is not defined"
        assert hint is not None and ("Nett" in hint) is told


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ("", "a stub that is not filled in (at the line: x)"),
        ("not filled in yet", "a stub that is not filled in (at the line: x)"),
        ("for 'Long'", "NotImplementedError: for 'Long' (at the line: x)"),
        ("no meta. You may have run into this", "NotImplementedError: no meta (at the line: x)"),
    ],
)
def test_only_a_stub_is_called_a_stub(told: str, shown: str) -> None:
    got, hint = why_not(NotebookCodeError("NotImplementedError", told, "x"), [])
    assert got == shown
    assert hint is None or "stub" in shown
    said = cell("x", "NotImplementedError", told).describe()
    assert ("is not filled in" in said) is ("stub" in shown)
