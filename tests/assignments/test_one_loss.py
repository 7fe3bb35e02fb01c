"""One mistake, one loss: what stands on a wrong part is judged as if that part were right."""

from __future__ import annotations

import functools

import pytest

from tests.assignments.mistakes import BANK, IDLE, NAMES, Mistake
from tests.assignments.variants import Assignment

MOST = 0.25  # of a second cell's points
# What stands on a part of its own, and is to be judged as if that part were right.
MADE_OF = {
    ("03", "output-size"): ["test-output-shape"],
    ("04", "plain-block"): ["test-plain-net"],
    ("04", "res-block"): ["test-resnet"],
    ("04", "conv-dw"): ["test-mobile-net"],
    ("05", "shortcut"): ["test-block", "test-resnet20"],
    ("05", "block"): ["test-resnet20"],
    ("06", "basic-block"): ["test-resnet18"],
    ("06", "bottleneck"): ["test-resnet50"],
    ("07", "block"): ["test-network"],
    ("08", "net"): ["test-freeze", "test-hundred-net"],
    ("01", "transform"): ["transform-augment", "loaders-contents", "loaders-order"],
    ("01", "device"): ["initial-loss-test"],
    ("01", "loss"): ["initial-loss-test"],
    ("01", "evaluate"): ["initial-loss-test"],
    ("01", "lenet5"): ["sanity-check-test", "initial-loss-test", "bonus-init-test"],
}
CHOSEN = [mistake for mistake in BANK if (mistake.number, mistake.cell) in MADE_OF]
# What comes out has another shape, so that nothing behind it fits: no plan can be judged.
ANOTHER_SHAPE = {
    "PlainBlock: stride ignored",
    "BasicBlock: projection always",
    "output_size: a float",
    "TransferNet: head of 1000 kept",
}
# Nothing of the network can be run, so neither cell that looks at it finds anything.
NOTHING_RUNS = {
    "LeNet5: a layer that does not fit",
    "LeNet5: forward returns nothing",
    "LeNet5: super().__init__ forgotten",
    "LeNet5: a syntax error",
}
LOOKED_AT_TWICE = [
    mistake for mistake in BANK if len(mistake.own) > 1 and mistake.story not in NOTHING_RUNS
]


@functools.cache
def assignment(number: str) -> Assignment:
    return Assignment(NAMES[number])


def test_there_are_thirty_single_mistakes_over_all_assignments() -> None:
    assert len(CHOSEN) >= 30
    assert {mistake.number for mistake in BANK} == set(NAMES)
    assert len({str(mistake) for mistake in BANK}) == len(BANK)


@pytest.mark.parametrize("mistake", CHOSEN, ids=str)
def test_a_mistake_in_a_part_costs_that_part(mistake: Mistake) -> None:
    trial = assignment(mistake.number)
    second = MADE_OF[mistake.number, mistake.cell]
    idle = dict.fromkeys(IDLE.get(mistake.number, ()), "")
    changed = idle | trial.edited(mistake.cell, *mistake.pairs)
    found = trial.report(changed, only=[*mistake.own, *second])
    assert any(found[cell].share < 1 for cell in mistake.own), "nobody noticed"
    if mistake.story not in ANOTHER_SHAPE:
        lost = {cell: 1 - found[cell].share for cell in second if cell not in mistake.own}
        assert all(share <= MOST + 1e-9 for share in lost.values()), (
            lost,
            [found[cell].reasons for cell in lost],
        )


@pytest.mark.parametrize("mistake", LOOKED_AT_TWICE, ids=str)
def test_two_cells_about_one_thing_do_not_both_lose_it(mistake: Mistake) -> None:
    trial = assignment(mistake.number)
    idle = dict.fromkeys(IDLE.get(mistake.number, ()), "")
    found = trial.report(idle | trial.edited(mistake.cell, *mistake.pairs), only=mistake.own)
    lost = {cell: 1 - verdict.share for cell, verdict in found.items()}
    assert sum(share > MOST + 1e-9 for share in lost.values()) <= 1, lost


@pytest.mark.parametrize(
    ("number", "cell", "helper"),
    [("01", "evaluate", "accuracy"), ("04", "res-block", "block"), ("07", "block", "norm")],
)
def test_test_cells_leave_a_students_own_helpers_alone(number: str, cell: str, helper: str) -> None:
    trial = assignment(number)
    code = f'def {helper}(*args):\n    return "mine"\n\n\n' + trial.cells[cell]
    last = next(reversed(trial.source.tests))
    assert trial.student({cell: code}, until=last)[helper]() == "mine"


@pytest.mark.parametrize(
    ("story", "share"),
    [
        ("LeNet5BN: momentum changed", 0.75),
        ("swish: into its input", 0.5),
        ("augment: offsets too small", 2 / 3),
        ("l1_step: the loss without the penalty returned", 0.75),
        ("ResBlock: a projection that nobody uses", 0.75),
        ("step_down: at 50 and 75%", 0.7),
    ],
)
def test_a_small_slip_is_seen_and_costs_its_own_share(story: str, share: float) -> None:
    (mistake,) = (one for one in BANK if one.story == story)
    trial = assignment(mistake.number)
    idle = dict.fromkeys(IDLE.get(mistake.number, ()), "")
    found = trial.report(idle | trial.edited(mistake.cell, *mistake.pairs), only=mistake.own)
    assert [verdict.share for verdict in found.values()] == [pytest.approx(share)]


def test_a_changed_momentum_costs_its_share_in_what_inherits_it_too() -> None:
    (mistake,) = (one for one in BANK if one.story == "LeNet5BN: momentum changed")
    trial = assignment("02")
    changed = trial.edited(mistake.cell, *mistake.pairs)
    assert trial.verdict("test-lenet-swish", changed).share >= 1 - MOST
