"""While a class is audited: does a run train although it is graded, from nothing, and otherwise?"""

from functools import partial

import pytest
import torch
from torch.optim import SGD

from skipgrade import lab
from skipgrade.lab import retraining


@pytest.fixture
def asked(monkeypatch):
    """As `skipgrade audit` has it: other seeds, two epochs."""
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    monkeypatch.setenv(retraining.VARIABLE, "1 2")


def fit(net, loaders, **settings):
    lab.seed_everything(0)
    settings = {"name": "small", "epochs": 3, "schedule": lab.cosine, **settings}
    return lab.fit(net(), loaders, optimizer=partial(SGD, lr=0.1), **settings)


def test_a_graded_notebook_trains_only_when_asked(net, loaders, monkeypatch) -> None:
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    with pytest.raises(lab.LabError, match="is missing"):
        fit(net, loaders)
    monkeypatch.setenv(retraining.VARIABLE, "1 2")
    assert len(fit(net, loaders)) == 2


def test_fewer_epochs_are_the_first_of_the_whole_run(net, loaders, monkeypatch) -> None:
    """Rates are those of the schedule for all epochs; with the notebook's own seeds all is."""
    whole = fit(net, loaders)
    lab.forget("small")
    monkeypatch.setenv(retraining.VARIABLE, "0 2")
    short = fit(net, loaders)
    for column in ("learning_rate", "train_loss", "val_accuracy"):
        assert short[column] == whole[column][:2]
    assert retraining.trained("small").epochs == 3


def test_other_seeds_give_another_run_of_the_same_settings(net, loaders, monkeypatch) -> None:
    here = fit(net, loaders)
    lab.forget("small")
    monkeypatch.setenv(retraining.VARIABLE, "1 0")
    again = fit(net, loaders)
    assert again["train_loss"] != here["train_loss"]
    assert again.settings == here.settings and len(again) == len(here)


def test_every_seed_that_a_notebook_sets_is_another(monkeypatch) -> None:
    lab.seed_everything(5)
    before = torch.rand(3)
    monkeypatch.setenv(retraining.VARIABLE, "1 0")
    lab.seed_everything(5)
    assert not torch.equal(torch.rand(3), before)


def test_a_second_retraining_is_another_again(monkeypatch) -> None:
    drawn = set()
    for seeds in range(3):
        monkeypatch.setenv(retraining.VARIABLE, f"{seeds} 0")
        lab.seed_everything(0)
        drawn.add(float(torch.rand(())))
    assert len(drawn) == 3


def test_nothing_is_taken_up_from_a_folder_that_outlives_the_machine(
    net, loaders, tmp_path, monkeypatch, asked
) -> None:
    """A student on Colab has set it to a Drive that is not here, or to one that holds the run."""
    monkeypatch.setenv("SKIPGRADE_RUNS", str(tmp_path / "no" / "drive"))
    assert len(fit(net, loaders)) == 2


def test_a_sweep_trains_its_runs_here_where_they_can_be_measured(net, loaders, asked) -> None:
    grid = {rate: {"optimizer": partial(SGD, lr=rate)} for rate in (0.1, 0.01)}
    found = lab.sweep(net, grid, loaders, name="lr-{}", epochs=3)
    assert [len(one) for one in found.values()] == [2, 2]
    assert retraining.trained("lr-0.1").images(4).shape == (4, 3, 3, 3)
    assert len(retraining.trained("lr-0.01").labels()) == 30


def test_a_run_nobody_trained_is_named(asked) -> None:
    with pytest.raises(lab.LabError, match="'other'"):
        retraining.trained("other")
