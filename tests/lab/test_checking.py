"""Does lab.check() tell what the visible tests say, and leave the notebook as it was?"""

import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
import torch
from IPython.core.interactiveshell import InteractiveShell
from matplotlib import pyplot as plt
from nbclient import NotebookClient
from torch import nn

from skipgrade import lab
from skipgrade.lab import checking, visible
from skipgrade.lab.visible import Task

ROOT = Path(__file__).parents[2]


@pytest.fixture
def shell() -> Iterator[InteractiveShell]:
    yield InteractiveShell.instance()
    InteractiveShell.clear_instance()


def tasks(*sources: str | None, title: str = "", **given: Any) -> list[Task]:
    return [
        Task(f"task-{n}-test", title or f"Task {n}", 2.0, given.get("bonus", False), source)
        for n, source in enumerate(sources, start=1)
    ]


@pytest.fixture
def course(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[Task]]:
    told = {
        "01-first": tasks("assert x == 1, 'x is one'", "assert f(2) == 4", None),
        "02-second": tasks("assert y"),
    }
    monkeypatch.setattr(checking, "released", lambda: told)
    return told


STUB = "def f(x):\n    raise NotImplementedError()"


@pytest.mark.parametrize(
    ("cell", "test", "line"),
    [
        ("x = 1", "assert x == 1, 'x is one'", "passed"),
        ("x = 2", "assert x == 1, f'x is one, not {x}'", "FAILED: x is one, not 2"),
        ("x = 2", "assert x == 1", "FAILED: assert x == 1"),
        ("x = 2", "assert x.y", "FAILED: AttributeError: 'int' object has no attribute 'y'"),
        (
            "",
            "assert x == 1",
            "not filled in: there is no x yet; fill in",
        ),
        (STUB, "f(1)", "not filled in: f() is still a stub"),
        ("def f(x):\n    return nope", "f(1)", "FAILED: NameError: name 'nope' is not defined"),
        ("class N(nn.Module): pass", "N()(1)", "FAILED: NotImplementedError: Module [N]"),
        ("def f(x):\n    exit()", "f(1)", "FAILED"),
    ],
)
def test_a_line_says_how_a_task_stands(cell: str, test: str, line: str) -> None:
    names: dict[str, Any] = {"nn": nn}
    exec(cell, names)
    ((_, outcome),) = checking.try_all(tasks(test), names)
    assert f"{outcome.state}: {outcome.sentence}".startswith(line)


def test_the_whole_report(shell, course, capsys) -> None:
    shell.run_cell("x = 1\ndef f(x): return x + 1", store_history=True)
    shell.run_cell("assert x == 1, 'x is one'", store_history=True)
    lab.check()
    assert capsys.readouterr().out.splitlines() == [
        "01-first: the visible tests",
        "  passed   2 points  Task 1",
        "  FAILED   2 points  Task 2: assert f(2) == 4",
        "1 of 2 visible tests pass. Their tasks are worth 2 points, all tested tasks 4 points.",
        "Hidden tests give the points when you are graded: they try what the text asks for on "
        "other inputs, and your weights on images you have not seen.",
        "A person reads your written answers (1): 2 points.",
    ]


def test_which_assignment_is_told_from_its_cells_its_file_or_by_name(shell, course, capsys) -> None:
    with pytest.raises(lab.LabError, match=r"Run a test cell first.*01-first, 02-second"):
        lab.check()
    Path("02-second.ipynb").write_text("{}")
    lab.check()
    lab.check("01-first")
    out = capsys.readouterr().out
    assert out.index("02-second:") < out.index("01-first:")
    with pytest.raises(lab.LabError, match="no assignment '3'"):
        lab.check("3")


def test_tasks_under_one_heading_are_told_apart() -> None:
    found = checking.try_all(tasks("1", "2", title="Both"), {})
    assert checking.labels(found) == ["Both [task-1]", "Both [task-2]"]


def test_the_bonus_is_counted_apart() -> None:
    every = tasks("1") + tasks("2", bonus=True)
    report = checking.report("01", every, checking.try_all(every, {}))
    assert "2 points (and 2 of the bonus)" in report[-2]


def test_nothing_of_the_notebook_changes() -> None:
    layer = nn.Linear(2, 2)
    net = nn.Sequential(layer, nn.BatchNorm1d(2))
    net(torch.ones(3, 2)).sum().backward()
    net.eval()
    optimizer = torch.optim.SGD(net.parameters(), lr=1.0)
    names = {"net": net, "x": 1, "optimizer": optimizer, "torch": torch, "np": np, "plt": plt}
    weights = {key: value.clone() for key, value in net.state_dict().items()}
    assert layer.weight.grad is not None
    gradient = layer.weight.grad.clone()
    figure = plt.figure()
    torch.manual_seed(3), np.random.seed(3)
    expected = torch.rand(2), np.random.rand(2)
    torch.manual_seed(3), np.random.seed(3)
    vandal = (
        "x = 2\nprint('noise')\nnet.train()\nnet(torch.rand(4, 2)).sum().backward()\n"
        "optimizer.step()\nnp.random.rand(5)\nplt.figure()\ntorch.set_grad_enabled(False)"
    )
    ((_, outcome),) = checking.try_all(tasks(vandal), names)
    assert outcome.state == "passed", outcome
    assert torch.equal(torch.rand(2), expected[0]) and (np.random.rand(2) == expected[1]).all()
    assert names["x"] == 1 and names["net"] is net and not net.training and not net[1].training
    assert all(torch.equal(value, weights[key]) for key, value in net.state_dict().items())
    assert torch.equal(layer.weight.grad, gradient)
    assert plt.get_fignums() == [figure.number] and torch.is_grad_enabled()


def test_a_test_finds_what_one_above_assigned_unless_the_student_has_it() -> None:
    chain = tasks("batch = 5", "assert batch == 5")
    assert [outcome.state for _, outcome in checking.try_all(chain, {})] == ["passed"] * 2
    assert checking.try_all(chain, {"batch": 7})[1][1].state == "FAILED"


def test_while_grading_it_does_nothing(monkeypatch, capsys) -> None:
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    lab.check()
    assert not capsys.readouterr().out


def test_an_installation_in_place_has_those_of_its_release() -> None:
    notebooks = {path.stem for path in ROOT.glob("release/*/*.ipynb")}
    assert visible.released().keys() == notebooks


def test_an_installation_without_a_course_says_so(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setattr(visible, "__file__", str(tmp_path / "skipgrade/lab/visible.py"))
    with pytest.raises(lab.LabError, match="come with the course's own wheel"):
        lab.check()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    (path,) = (ROOT / "release").glob("*.whl")
    zipfile.ZipFile(path).extractall(folder)
    return folder


@pytest.mark.parametrize("answered", [False, True])
def test_in_a_real_notebook_with_the_students_wheel(tmp_path, wheel, answered, monkeypatch) -> None:
    """01 as released, and with the model answers but without training."""
    name = "01-lenet5-pipeline"
    folder = ROOT / ("source" if answered else "release") / name
    notebook = nbformat.read(folder / f"{name}.ipynb", as_version=4)
    notebook.cells = [
        cell
        for cell in notebook.cells
        if cell.cell_type == "code"
        and "needs-training" not in cell.metadata.get("tags", [])
        and not cell.metadata.get("nbgrader", {}).get("grade")
    ]
    notebook.cells.append(nbformat.v4.new_code_cell(f"lab.check({name!r})"))
    program = (
        f"import sys; sys.path.insert(0, {str(wheel)!r})\n"
        "from skipgrade import lab\n"
        f"assert lab.__file__.startswith({str(wheel)!r}), lab.__file__"
    )
    notebook.cells.insert(0, nbformat.v4.new_code_cell(program))
    client = NotebookClient(notebook, timeout=300, allow_errors=True, kernel_name="python3")
    client.execute(cwd=str(tmp_path), env={**os.environ, "SKIPGRADE_DATASET": "builtin"})
    told = "".join(out.get("text", "") for out in notebook.cells[-1].outputs)
    assert told.startswith(f"{name}: the visible tests"), notebook.cells[-1].outputs
    assert "NotImplementedError" not in told
    lines = [line.split("  ") for line in told.splitlines()[1:]]
    passed = [line for line in lines if "passed" in line]
    assert "FAILED" not in told
    assert len(passed) == (25 if answered else 0), told
