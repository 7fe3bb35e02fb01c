"""Do two programs get the same weights, whatever either does to its own?"""

from __future__ import annotations

import torch
from torch import nn

from skipgrade.judging.checks.network import solution_network
from skipgrade.judging.judge.answerers import LocalNotebook
from skipgrade.judging.judge.trial import Trial
from skipgrade.judging.programs.carrying import Values, drawn_state, named_slots
from skipgrade.judging.programs.naming import SCHEMES
from tests.judging.trial import fixed_images


def test_what_one_program_does_to_its_weights_is_not_seen_by_another() -> None:
    notebook = LocalNotebook({"net": nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))})
    trial = Trial(notebook, notebook, fixed_images, grading=True)
    program = solution_network(trial, "net", [torch.rand(2, 4)]).eval
    slots, values = named_slots(program, SCHEMES[0]), Values("seed")
    first = drawn_state(program, slots, values, set(), torch.float64)
    kept = {number: tensor.clone() for number, tensor in first.items()}
    assert len(kept) == 4 and all(tensor.abs().min() > 0 for tensor in kept.values())
    for tensor in first.values():
        tensor.zero_()
    again = drawn_state(program, slots, values, set(), torch.float64)
    assert all(torch.equal(again[number], kept[number]) for number in kept)
    other = drawn_state(program, slots, Values("another"), set(), torch.float64)
    assert not any(torch.equal(other[number], kept[number]) for number in kept)
