"""What is told as a program: is it one, does it run within limits, and does it leave anything?"""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from skipgrade.judging.checks.network import (
    student_network,
)
from skipgrade.judging.judge.answerers import LocalNotebook
from skipgrade.judging.judge.handed_in import HandedIn
from skipgrade.judging.judge.trial import Trial
from skipgrade.judging.programs import running
from skipgrade.judging.programs.program import BadProgramError, read_program
from skipgrade.judging.programs.recording import LARGEST_CONSTANT, record
from skipgrade.judging.programs.running import measure, run
from tests.judging.test_programs import NET
from tests.judging.trial import fixed_images, namespace


def recorded(code: str = NET) -> dict[str, Any]:
    net = namespace(code)["Net"]()
    return record(net, [torch.randn(2, 3, 32, 32)], train=False, owner=net)


def bent(nodes: Any = None, **changes: Any) -> dict[str, Any]:
    changed = {} if nodes is None else {"nodes": json.dumps(nodes)}
    return {**copy.deepcopy(recorded()), **changed, **changes}


def node(op: str, *args: Any, out: int = 900, **kwargs: Any) -> dict[str, Any]:
    return {"op": op, "args": ["list", list(args)], "kwargs": kwargs, "out": [out], "grad": True}


INPUT = ["tensor", len(recorded()["state"])]


@pytest.mark.parametrize(
    "told",
    [
        None,
        [],
        {},
        {**recorded(), "nodes": None},
        {**recorded(), "nodes": [node("aten.relu.default", INPUT)]},
        {**recorded(), "nodes": "[" * 100_000},
        {**recorded(), "nodes": "[1" + "0" * 5_000 + "]"},
        bent(nodes=[{}]),
        bent(nodes=[node("aten.relu.default", json.loads('["list", [' * 400 + "]]" * 400))]),
        bent(nodes=[node("os.system", "ls")], outputs=[900]),
        bent(nodes=[node("aten.from_file.default", "/etc/passwd")], outputs=[900]),
        bent(nodes=[node("aten.relu.default.__class__", INPUT)], outputs=[900]),
        bent(nodes=[node("aten.__init__.default", INPUT)], outputs=[900]),
        bent(nodes=[node("aten.set_.source_Tensor", INPUT, INPUT)], outputs=[900]),
        bent(nodes=[node("aten.as_strided.default", INPUT, ["list", [9]], ["list", [1]])], outputs=[900]),
        bent(nodes=[node("aten.relu.default", ["tensor", 12345])], outputs=[900]),
        bent(nodes=[node("aten.relu.default", ["tensor", -1])], outputs=[900]),
        bent(nodes=[node("aten.relu.default", ["generator", 1])], outputs=[900]),
        bent(outputs=[12345]),
        bent(outputs=["0"]),
        bent(inputs=10**9),
        bent(constants={7000: torch.zeros(LARGEST_CONSTANT + 1)}),
        bent(constants={7000: "text"}),
        bent(state=[{"names": [], "shape": [1], "dtype": "float32"}]),
        bent(state=[{"names": ["a"], "shape": [-1], "dtype": "float32", "parameter": True, "trainable": True}]),
        bent(state=[{"names": ["a"], "shape": [1], "dtype": "object", "parameter": True, "trainable": True}]),
    ],
)  # fmt: skip
def test_forms_the_recorder_never_writes_are_refused(told: Any) -> None:
    with pytest.raises(BadProgramError):
        read_program(told)


def made(*nodes: dict[str, Any], outputs: list[int]) -> Any:
    return read_program(bent(nodes=list(nodes), outputs=outputs))


ALL_KINDS = NET.replace(
    "x = F.max", "x = x * x + F.silu(x) - F.gelu((x + 1).neg_()) / F.hardswish(x + 1); x = F.max"
)


@pytest.mark.parametrize("train", [False, True])
def test_shapes_told_are_those_that_come_out(train: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The common operations' shapes are told without torch: the same as torch's own."""
    net = namespace(ALL_KINDS)["Net"]()
    inputs = [torch.randn(2, 3, 32, 32)]
    told = record(net, inputs, train=train, owner=net)
    quick = running.shapes_in(read_program(told), inputs)
    monkeypatch.setattr(running, "made_by", lambda *_: None)
    slow = running.shapes_in(read_program(told), inputs)
    statistics = {n for one in read_program(told).nodes if "norm" in one.name for n in one.out[1:]}
    assert statistics and quick.keys() == slow.keys()
    assert {n: s for n, s in quick.items() if n not in statistics} == {
        n: s for n, s in slow.items() if n not in statistics
    }


def test_measured_once_for_inputs_of_one_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    program = read_program(recorded())
    first = measure(program, [torch.zeros(2, 3, 32, 32)])
    assert measure(program, [torch.zeros(2, 3, 32, 32)], torch.float64) > first
    monkeypatch.setattr(running, "_imagined", lambda *_: pytest.fail("measured again"))
    assert measure(program, [torch.ones(2, 3, 32, 32)]) == first


def test_too_much_memory_is_noticed_before_any_is_taken() -> None:
    huge = made(node("aten.zeros.default", ["list", [200_000, 200_000]], out=900), outputs=[900])
    with pytest.raises(BadProgramError, match="too much memory"):
        measure(huge, [torch.zeros(2, 3, 32, 32)])
    nodes = [node("aten.zeros.default", ["list", [10_000, 10_000]], out=900 + i) for i in range(40)]
    total = node("aten.cat.default", ["list", [["tensor", 900 + i] for i in range(40)]], out=990)
    with pytest.raises(BadProgramError, match="too much memory"):
        measure(made(*nodes, total, outputs=[990]), [torch.zeros(2, 3, 32, 32)])


def test_too_much_arithmetic_is_noticed_before_any_is_done() -> None:
    square = node("aten.zeros.default", ["list", [9_000, 9_000]], out=900)
    products = [
        node("aten.mm.default", ["tensor", 900 + i], ["tensor", 900], out=901 + i) for i in range(3)
    ]
    with pytest.raises(BadProgramError, match="arithmetic"):
        measure(made(square, *products, outputs=[903]), [torch.zeros(2, 3, 32, 32)])


def test_time_runs_out(monkeypatch: pytest.MonkeyPatch) -> None:
    program = read_program(recorded())
    state = {n: torch.zeros(entry.shape) for n, entry in enumerate(program.state)}
    ticks = iter(range(0, 10_000, 40))
    monkeypatch.setattr(
        "skipgrade.judging.programs.running.time.monotonic", lambda: float(next(ticks))
    )
    with pytest.raises(BadProgramError, match="longer than"):
        run(program, state, [torch.zeros(2, 3, 32, 32)])


def test_steps_that_do_not_fit_each_other_are_the_students_fault() -> None:
    program = made(node("aten.mm.default", INPUT, INPUT), outputs=[900])
    with pytest.raises(BadProgramError, match="cannot be taken again"):
        run(
            program,
            {n: torch.zeros(e.shape) for n, e in enumerate(program.state)},
            [torch.zeros(2, 3, 32, 32)],
        )


def test_one_batch_leaves_nothing_for_the_next(tmp_path: Any) -> None:
    """A program that counts what it has seen counts from the start for every batch."""
    code = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("seen", torch.zeros(1))
        self.last = nn.Linear(3 * 32 * 32, 10)
    def forward(self, x):
        self.seen += 1
        return self.last(x.flatten(1)) + 1000 * self.seen
"""
    net = namespace(code)["Net"]()
    save_file(net.state_dict(), tmp_path / "net-best.safetensors")
    trial = Trial(
        LocalNotebook({"net": net}),
        LocalNotebook({}),
        fixed_images,
        grading=True,
        handed_in=HandedIn(tmp_path),
    )
    network = student_network(trial, "net", "a network", "")
    scores = network.scores(trial.handed_in.weights("net"), torch.randn(500, 3, 32, 32))
    assert float(scores.max()) < 1500
    assert isinstance(net, nn.Module)
