"""Is an honest run believed, and what speaks against one that is not?"""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from skipgrade.classroom.audit.comparing import (
    NOT_REPRODUCIBLE,
    NOT_RUN,
    PLAUSIBLE,
    REPRODUCED,
    compare,
    judge,
    worst,
)
from skipgrade.classroom.audit.measuring import Measured
from skipgrade.classroom.audit.retraining import Again
from skipgrade.lab.history import History
from tests.classroom.audit.curves_of_runs import history


def weights_of(told: History) -> Measured:
    return Measured(told.best["val_accuracy"], told.best["val_loss"])


def again(trained: History, told: History, **other: Any) -> Again:
    """Trained again, with weights on both sides that do what the histories say."""
    found = {"claimed": weights_of(told), "reached": weights_of(trained), **other}
    return Again(trained, **found)


@pytest.mark.parametrize("seed", range(1, 6))
def test_another_seed_of_one_recipe_is_reproduced(seed: int) -> None:
    claimed, trained = history(0), history(seed)
    verdict = compare("net", claimed, again(trained, claimed), "")
    assert verdict.verdict == REPRODUCED and not verdict.reasons


def edited(told: History, **more: float) -> History:
    changed = copy.deepcopy(told)
    for epoch in changed.epochs:
        for column, value in more.items():
            epoch[column] += value
    return changed


FORGED: dict[str, tuple[Callable[[History], History], str]] = {
    "accuracies raised": (lambda told: edited(told, val_accuracy=0.1), "its weights"),
    "losses lowered": (lambda told: edited(told, val_loss=-0.3), "validation loss"),
    "training loss lowered": (lambda told: edited(told, train_loss=-0.4), "training loss: "),
    "another recipe": (lambda told: history(3, top=0.8), "is claimed after 10 epochs"),
}


@pytest.mark.parametrize("kind", FORGED)
def test_a_forged_history_is_not_reproducible(kind: str) -> None:
    forge, says = FORGED[kind]
    honest, trained = history(0), history(1)
    claimed = forge(honest)
    # Of another recipe the weights are there as well; of the rest they are the honest run's.
    weights = weights_of(claimed if kind == "another recipe" else honest)
    verdict = compare("net", claimed, again(trained, claimed, claimed=weights), "")
    assert verdict.verdict == NOT_REPRODUCIBLE
    assert any(says in reason for reason in verdict.against), verdict.against


@pytest.mark.parametrize(
    "weights", [Measured(0.1, 5.0), Measured(0.8, 0.5)], ids=["noise", "trained longer"]
)
def test_weights_that_are_not_of_the_history(weights: Measured) -> None:
    """Better ones as well: they come from another training than the one that was handed in."""
    claimed, trained = history(0), history(1)
    verdict = compare("net", claimed, again(trained, claimed, claimed=weights), "")
    assert verdict.verdict == NOT_REPRODUCIBLE and not verdict.chance_alone


def test_scaled_weights_show_in_the_loss_alone() -> None:
    claimed, trained = history(0), history(1)
    scaled = Measured(claimed.best["val_accuracy"], claimed.best["val_loss"] + 0.2)
    verdict = compare("net", claimed, again(trained, claimed, claimed=scaled), "")
    assert "validation loss" in verdict.against[0]


def test_code_that_counts_in_another_way_costs_nobody_a_name() -> None:
    """An `evaluate` of one's own that says ten points more says so of both runs."""
    claimed, trained = history(0, top=0.7), history(1, top=0.7)
    less = [
        Measured(one.best["val_accuracy"] - 0.1, one.best["val_loss"]) for one in (claimed, trained)
    ]
    found = Again(trained, claimed=less[0], reached=less[1])
    verdict = compare("net", claimed, found, "")
    assert verdict.verdict == PLAUSIBLE and "counts otherwise" in verdict.open[0]


def test_code_that_writes_a_history_without_training_gains_nothing() -> None:
    """The notebook writes the claimed curve again, once more with a better epoch behind it; the
    weights it leaves are tried here."""
    claimed = history(0, top=0.8)
    for more in ([], [{**claimed.epochs[-1], "epoch": 11, "val_accuracy": 0.99}]):
        written = History("net", [*claimed.epochs, *more], claimed.settings)
        found = Again(written, claimed=weights_of(claimed), reached=Measured(0.1, 2.3))
        assert compare("net", claimed, found, "").verdict == NOT_REPRODUCIBLE


def test_the_same_weights_from_other_seeds_are_to_be_looked_at() -> None:
    claimed = history(0)
    found = again(claimed, claimed, same=True)
    verdict = compare("net", claimed, found, "")
    assert verdict.verdict == PLAUSIBLE and "to the last bit" in verdict.open[0]


def test_settings_that_are_not_those_of_the_code() -> None:
    claimed = history(0, lr=0.1)
    verdict = compare("net", claimed, again(history(1), claimed), "")
    assert "optimizer lr: 0.1 there, 0.05 by the code" in verdict.against[0]


def test_what_a_machine_or_a_seed_decides_is_no_setting() -> None:
    """A GPU fuses the optimizer's step, and what is frozen at random is frozen at other numbers."""
    claimed, trained = history(0, frozen="abc"), history(1, frozen="def")
    claimed.settings["optimizer fused"], trained.settings["optimizer fused"] = True, None
    assert compare("net", claimed, again(trained, claimed), "").verdict == REPRODUCED


def test_a_function_has_another_address_in_every_process() -> None:
    claimed = history(0, step="augmented(by=<function f at 0x7f01>)")
    trained = history(1, step="augmented(by=<function f at 0x7f02>)")
    assert compare("net", claimed, again(trained, claimed), "").verdict == REPRODUCED
    trained = history(1, step="augmented(by=<function g at 0x7f02>)")
    assert compare("net", claimed, again(trained, claimed), "").verdict == NOT_REPRODUCIBLE


def test_another_version_of_torch_may_print_a_network_otherwise() -> None:
    claimed, trained = history(0, layers="abc"), history(1, layers="def")
    verdict = compare("net", claimed, again(trained, claimed), "")
    assert verdict.verdict == PLAUSIBLE and "another version of torch" in verdict.open[0]


def test_settings_that_were_taken_out_are_missed() -> None:
    claimed = history(0)
    del claimed.settings["optimizer lr"]
    verdict = compare("net", claimed, again(history(1), claimed), "")
    assert verdict.verdict == PLAUSIBLE and "optimizer lr" in verdict.open[0]


def test_a_run_that_was_taken_up_for_longer_is_plausible() -> None:
    """Its rates were another schedule's at first; so was its curve, and it ends where it may."""
    claimed, trained = history(0), history(1)
    for epoch in claimed.epochs[1:6]:
        epoch["train_loss"] += 0.5
        epoch["learning_rate"] = 0.02
    verdict = compare("net", claimed, again(trained, claimed), "")
    assert verdict.verdict == PLAUSIBLE and "taken up for longer" in verdict.open[0]


def test_a_run_that_was_stopped_early_is_compared_as_far_as_it_goes() -> None:
    claimed, trained = history(0, epochs=4), history(1, epochs=10)
    assert compare("net", claimed, again(trained, claimed), "").verdict == REPRODUCED


def test_more_epochs_than_were_trained_here_leave_it_open() -> None:
    claimed, trained = history(0), history(1, epochs=4)
    verdict = compare("net", claimed, again(trained, claimed), "")
    assert verdict.verdict == PLAUSIBLE and "4 of its 10 epochs" in verdict.open[0]


def test_less_than_the_code_reaches_is_nobodys_gain() -> None:
    claimed, trained = history(0, epochs=10, top=0.5), history(1, top=0.5)
    for epoch in trained.epochs:
        epoch["val_accuracy"] += 0.05
    assert compare("net", claimed, again(trained, claimed), "").verdict == REPRODUCED


def test_a_bad_epoch_is_no_other_curve() -> None:
    """Validation accuracy falls for an epoch where the rate is large, in one run only."""
    claimed, trained = history(0), history(1)
    claimed.epochs[4]["val_accuracy"] -= 0.3
    assert compare("net", claimed, again(trained, claimed), "").verdict == REPRODUCED


def test_weights_nobody_can_try_leave_it_open() -> None:
    claimed = history(0)
    verdict = compare("net", claimed, Again(history(1), unmeasured="too odd"), "")
    assert verdict.verdict == PLAUSIBLE and verdict.open == [
        "its weights could not be tried: too odd"
    ]


def test_weights_of_another_network() -> None:
    claimed, trained = history(0), history(1)
    found = Again(trained, reached=weights_of(trained), misfit="0.weight has another shape")
    assert compare("net", claimed, found, "").verdict == NOT_REPRODUCIBLE


@pytest.mark.parametrize("made", ["missing", "diverged", "other images"])
def test_what_was_not_run_says_why(made: str) -> None:
    claimed = history(0)
    trained = {
        "missing": None,
        "diverged": Again(History("net", [], {}, "the loss became nan")),
        "other images": Again(history(1, images="official")),
    }[made]
    verdict = compare("net", claimed, trained, "a cell stopped")
    said = {"missing": "a cell", "diverged": "the loss became", "other images": "official ones"}
    assert verdict.verdict == NOT_RUN and said[made] in verdict.reasons[0]


def test_what_chance_alone_speaks_against_is_tried_again() -> None:
    """One training that got stuck is no reason to accuse anybody; nor are two that lie apart."""
    claimed = history(0)
    stuck, well = (again(history(seed, top=top), claimed) for seed, top in ((1, 0.3), (2, 0.6)))
    assert judge("net", claimed, [stuck], "").verdict == NOT_REPRODUCIBLE
    assert judge("net", claimed, [stuck, stuck, stuck], "").verdict == NOT_REPRODUCIBLE
    assert judge("net", claimed, [stuck, well], "").verdict == REPRODUCED
    assert judge("net", claimed, [stuck, None], "lost").verdict == NOT_REPRODUCIBLE


def test_code_that_fails_on_purpose_makes_no_room_for_what_it_never_reaches() -> None:
    claimed = history(0, top=0.9)
    tries = [again(history(seed, top=top), claimed) for seed, top in ((1, 0.6), (2, 0.1))]
    assert judge("net", claimed, tries, "").verdict == NOT_REPRODUCIBLE


def test_what_is_sure_is_not_tried_again() -> None:
    claimed = history(0, lr=0.1)
    tried = judge("net", claimed, [again(history(1), claimed)], "")
    assert tried.verdict == NOT_REPRODUCIBLE and not tried.chance_alone


def test_rates_of_another_recipe_show_in_the_first_epoch() -> None:
    """No schedule begins otherwise because the run is to be longer."""
    claimed = history(0, rate=0.1)
    verdict = compare("net", claimed, again(history(1), claimed), "")
    assert "begins with a learning rate of 0.1, its code with 0.05" in verdict.against[0]


def test_a_student_is_as_far_as_the_last_run() -> None:
    assert worst([REPRODUCED, PLAUSIBLE]) == PLAUSIBLE
    assert worst([NOT_REPRODUCIBLE, NOT_RUN, REPRODUCED]) == NOT_REPRODUCIBLE
