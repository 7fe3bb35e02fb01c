"""Is a hidden test that cannot work found before a student meets it?"""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest

from skipgrade import cli
from skipgrade.classroom import rehearsal
from skipgrade.classroom.errors import CourseError
from skipgrade.classroom.lint import hidden_tests, order
from skipgrade.classroom.lint.notebook import read
from skipgrade.classroom.progress import Outcome
from tests.classroom.conftest import ASSIGNMENT, cell, new_course

SETUP = "%matplotlib inline\nimport torch\nfrom torch import nn\nclass MLP(nn.Module): pass\n!true"
BEGIN = "### BEGIN HIDDEN TESTS\n"
END = "\n### END HIDDEN TESTS"
HEAD = "from skipgrade.judging import check, images, solution, student\n"


def source(folder: Path, hidden: str, setup: str = SETUP) -> Path:
    path = folder / ASSIGNMENT / f"{ASSIGNMENT}.ipynb"
    path.parent.mkdir(exist_ok=True)
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [
        nbformat.v4.new_code_cell(setup, id="setup"),
        cell("code", "mlp", "def train(): pass", solution=True),
        cell("code", "mlp-test", f"net = MLP()\n{BEGIN}{HEAD}{hidden}{END}", grade=True, points=1),
    ]
    nbformat.write(notebook, path)
    return path


def faults(path: Path) -> list[str]:
    notebook = read(path)
    found, names = order.find(notebook)
    return [str(one) for one in (*found, *hidden_tests.find(notebook, names, judged=False))]


@pytest.mark.parametrize(
    "hidden",
    [
        "check.function('MLP()', x=images(4), worth=0.5, hint='a hint')",
        "check.equal('[y for y in range(3)] + [f(x) for f in (train,)]', x=images(1))",
        "check.shapes('(lambda net: net(x))(MLP())', x=images(3), worth=1)",
        "check.learns(step='train', evaluate='train')",
        "check.accuracy('MLP()', weights='mlp', tiers={0.63: 1.0, 0.6: 0.5})",
        "check.accuracy('MLP()', weights='mlp', at_least=0.5)",
        "check.accuracy('MLP()', weights='mlp', tiers={0.6: 1.0} if torch else {0.5: 1.0})",
        "tiers = {0.6: 1.0}\ncheck.accuracy('MLP()', weights='mlp', tiers=tiers)",
        "check.equal(f'{net}')",
        "args = {'x': images(1)}\ncheck.equal('x', **args)",
        "for word in ('net',):\n    check.equal(word)",
        "def own(value):\n    return student.eval('net', value=value)\nown(solution.eval('net'))",
        "try:\n    import math as m\nexcept ImportError as error:\n    print(error, m)",
        "check.that(True, expected='this', got='that')",
    ],
)
def test_what_works_is_left_alone(tmp_path: Path, hidden: str) -> None:
    assert faults(source(tmp_path, hidden)) == []


@pytest.mark.parametrize(
    ("hidden", "line", "told"),
    [
        ("check.functon('MLP()')", 2, "there is no check.functon"),
        (
            "\ncheck.parameters('MPL()')",
            3,
            "check.parameters: nothing in the notebook is called MPL",
        ),
        ("check.parameters('MLP(')", 2, "'MLP(' is not an expression"),
        ("check.parameters()", 2, "check.parameters: missing a required argument: 'expression'"),
        ("check.parameters('MLP()', y=1)", 2, "got an unexpected keyword argument 'y'"),
        ("check.parameters('MLP()', 'net')", 2, "too many positional arguments"),
        ("student.evaluate('net')", 2, "there is no student.evaluate"),
        ("student.eval()", 2, "student.eval: missing a required argument"),
        ("solution.eval('MPL')", 2, "nothing in the notebook is called MPL"),
        ("images()", 2, "images: missing a required argument: 'count'"),
        ("chekc.equal('net')", 2, "nothing in the notebook is called chekc"),
        ("check.learns(step='trian')", 2, "nothing in the notebook is called trian"),
        ("from skipgrade.judging import chek", 2, "skipgrade.judging has no chek"),
        ("check.equal('net'", 2, "SyntaxError: '(' was never closed"),
        ("check.equal('net', worth=2)", 2, "check.equal: worth=2 is not a share"),
        ("check.accuracy('MLP()', weights='mlp', tiers={.63: 3, .6: 2})", 2, "0.63 earns 3"),
        ("check.accuracy('MLP()', weights='mlp', at_least=63)", 2, "at_least=63 is not a share"),
        (
            "check.predictions('p.csv', tiers={.6: .5, .5: 1} if net else {.6: 1})",
            2,
            "a lower accuracy must earn less",
        ),
    ],
)
def test_what_cannot_work_is_named_with_its_line(
    tmp_path: Path, hidden: str, line: int, told: str
) -> None:
    (fault,) = faults(source(tmp_path, hidden))
    where = f"{ASSIGNMENT}/{ASSIGNMENT}.ipynb, cell mlp-test, line {line} of its hidden tests: "
    assert fault.startswith(where)
    assert told in fault.removeprefix(where)


@pytest.mark.parametrize("setup", ["from torch import *", "exec('MPL = int')", "%run other.py"])
def test_names_that_may_come_from_anywhere_are_not_doubted(tmp_path: Path, setup: str) -> None:
    assert faults(source(tmp_path, "check.equal('MPL()')", setup + "\nclass MLP: pass")) == []


def test_a_cell_that_is_no_python_is_named(tmp_path: Path) -> None:
    (fault,) = faults(source(tmp_path, "pass", "import torch\nclass"))
    where = f"{ASSIGNMENT}/{ASSIGNMENT}.ipynb, cell setup, line 2: "
    assert fault == f"{where}invalid syntax. Correct it; nobody could run the cell."


@pytest.mark.parametrize("command", ["release", "rehearse"])
def test_commands_name_every_fault_without_a_traceback(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    course = new_course(tmp_path)
    source(tmp_path / "source", "check.functon('MLP()')\ncheck.parameters('MPL()')")
    assert cli.main(["--course", str(tmp_path), command, ASSIGNMENT]) == 1
    told = capsys.readouterr().err
    assert "there is no check.functon" in told
    assert "line 3 of its hidden tests: check.parameters: nothing in the notebook" in told
    assert "Traceback" not in told
    assert not course.folder("release", ASSIGNMENT).exists()


def test_a_judge_that_fails_in_a_rehearsal_is_told_once() -> None:
    cause = "not graded: tiny.ipynb, cell a-test, line 2 of its hidden tests: KeyError: 'x'"
    outcomes = [Outcome(student, 1.0, cause, scored=False) for student in ("solution", "untouched")]
    with pytest.raises(CourseError) as raised:
        rehearsal._demand_graded(outcomes)
    assert str(raised.value) == cause


def test_a_source_that_fails_when_run_is_told_with_its_cell(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new_course(tmp_path)
    source(tmp_path / "source", "check.equal('MLP().forward()', hint='x' * (1 // 0))")
    assert cli.main(["--course", str(tmp_path), "rehearse", ASSIGNMENT]) == 1
    told = capsys.readouterr().err
    assert "the source notebook fails in cell mlp-test: ZeroDivisionError" in told
    assert "Traceback" not in told
