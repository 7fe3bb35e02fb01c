"""Is what is not filled in told in these words, and nothing else taken for it?"""

from collections.abc import Iterator
from typing import Any

import pytest
from IPython.core.interactiveshell import ExecutionResult, InteractiveShell

from skipgrade import lab
from skipgrade.classroom import stubs
from skipgrade.classroom.stubs import STUB
from skipgrade.lab import unfilled
from skipgrade.lab.trying import EMPTY, Outcome, try_test
from skipgrade.lab.unfilled import is_stub

TEST = """\
with lab.if_filled_in():
    assert f(2) == 4, 'f doubles'
    print('passed')
print('next')"""
IN_A_FUNCTION = "def f(x):\n" + "\n".join(f"    {line}" for line in STUB.splitlines())


@pytest.fixture
def shell() -> Iterator[InteractiveShell]:
    found = InteractiveShell.instance()
    found.user_ns["lab"] = lab
    yield found
    InteractiveShell.clear_instance()


def run(shell: InteractiveShell, *cells: str) -> ExecutionResult:
    for cell in cells:
        result = shell.run_cell(cell, store_history=True)
    return result


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("def f(x): return 2 * x", "passed"),
        (IN_A_FUNCTION, "Not filled in yet: f() is still a stub."),
        ("def f(x): raise NotImplementedError()", "Not filled in yet: f() is still a stub."),
        ("", "Not filled in yet: there is no f yet; fill in and run the cell that makes it."),
    ],
)
def test_an_open_answer_is_said_and_stops_nothing(shell, capsys, answer: str, said: str) -> None:
    assert run(shell, answer, TEST).success
    assert capsys.readouterr().out.splitlines()[-2:] == [said, "next"]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ("def f(x): return x", AssertionError),
        ("def f(x): return nope", NameError),
        ("def f(x): raise NotImplementedError('for images of one size')", NotImplementedError),
        ("f = 3", TypeError),
    ],
)
def test_any_other_error_is_raised(shell, capsys, answer: str, kind: type[Exception]) -> None:
    assert isinstance(run(shell, answer, TEST).error_in_exec, kind)
    assert "unfilled.py" not in "".join(capsys.readouterr()), "the traceback goes through our code"


def test_a_grader_sees_it_raise(shell, capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    assert isinstance(run(shell, IN_A_FUNCTION, TEST).error_in_exec, NotImplementedError)
    assert "not filled in yet" in "".join(capsys.readouterr())


def test_check_says_not_filled_in(shell, monkeypatch: pytest.MonkeyPatch) -> None:
    names: dict[str, Any] = {"lab": lab}
    exec(IN_A_FUNCTION, names)
    assert try_test(TEST, names) == Outcome(EMPTY, "f() is still a stub")
    assert try_test(TEST, {"lab": lab}).state == EMPTY


@pytest.mark.parametrize(
    ("source", "is_one"),
    [
        (STUB, True),
        (IN_A_FUNCTION, True),
        ("# True or False?\n# YOUR CODE HERE", True),
        ("", True),
        ("# YOUR CODE HERE\nanswer_1 = True", False),
        ("answer_1 = ", False),
        ("def f():\n    raise NotImplementedError()  # for the subclasses", False),
    ],
)
def test_what_counts_as_a_stub(source: str, is_one: bool) -> None:
    assert is_stub(source) is is_one


def test_the_release_and_the_bench_know_the_same_stub() -> None:
    assert stubs.SAYS == unfilled.SAYS and is_stub(stubs.STUB)
