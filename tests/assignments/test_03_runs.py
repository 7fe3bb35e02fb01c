"""03, what training leaves behind: which runs, figures and tables earn their points?"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pytest
import torch
from torch import nn

from skipgrade import lab
from tests.assignments.cnn_design import (
    MODELS,
    TRIAL,
    drawn,
    history,
    labelled_by,
    measured,
    write_run,
)

# Part 2: its run ----------------------------------------------------------------------------

COLUMNS = ("train_loss", "val_loss", "test_loss", "train_accuracy", "val_accuracy", "test_accuracy")


def losses(run: lab.History, labels: tuple[str, ...] = ("train", "val", "test")) -> dict[str, Any]:
    found = measured(run)
    return {
        label: found[f"{part}_loss"]
        for label, part in zip(labels, ("train", "val", "test"), strict=True)
    }


def figure_share(run: lab.History, figure: Any) -> float:
    given = {"three_conv_history": run, "three_conv_figure": figure}
    return TRIAL.verdict("test-three-conv-figure", given=given).share


def three_conv_run(epochs: int = 7) -> tuple[lab.History, nn.Module]:
    torch.manual_seed(0)
    net = TRIAL.solution["ThreeConvNet"]()
    run = history("three-conv", epochs)
    write_run(run, net, test=0.6)
    return run, net


def test_a_figure_of_three_losses() -> None:
    run, _ = three_conv_run()
    for labels in (
        ("train", "val", "test"),
        ("Training loss", "Validation", "Test"),
        ("a", "b", "c"),
    ):
        assert figure_share(run, drawn(losses(run, labels))) == 1
    assert figure_share(run, drawn(losses(run)).axes[0]) == 1


def test_figures_of_something_else() -> None:
    run, _ = three_conv_run()
    two = losses(run)
    two.pop("test")
    accuracy = {key: measured(run)[f"{key}_accuracy"] for key in ("train", "val", "test")}
    short = {key: values[:-1] for key, values in losses(run).items()}
    for wrong in (
        drawn(two),
        drawn(accuracy),
        drawn(short),
        drawn(losses(run), figures=3),  # in one plot, says the text
        drawn(losses(run), legend=False),
        drawn(losses(run, ("test", "train", "val"))),
        plt.figure(),
        None,
        7,
    ):
        assert figure_share(run, wrong) == 0


def test_the_figure_needs_the_run_of_the_network() -> None:
    run, _ = three_conv_run(epochs=3)
    assert figure_share(run, drawn(losses(run))) == 0  # no curve with three points
    run, _ = three_conv_run()
    run.settings["parameters"] = 62_006
    run.write("three-conv-history.json")
    assert figure_share(run, drawn(losses(run))) == 0
    run, _ = three_conv_run()
    figure = drawn(losses(run))
    Path("three-conv-test-history.json").unlink()  # trained with lab.fit alone
    assert figure_share(run, figure) == 0


def test_a_history_is_believed_as_far_as_its_weights_go() -> None:
    net = TRIAL.solution["ThreeConvNet"]()
    run = history("three-conv", best=0.6)
    write_run(run, net, test=0.6)
    assert figure_share(run, drawn(losses(run))) == 0
    given = {"three_conv_history": run, "three_conv_accuracies": accuracies(run)}
    assert TRIAL.verdict("test-accuracies", given=given).share == 0


def accuracies(run: lab.History, **changes: Any) -> dict[str, Any]:
    row = run.best["epoch"] - 1
    names = {"training": "train", "validation": "val", "test": "test"}
    found = {name: measured(run)[f"{part}_accuracy"][row] for name, part in names.items()}
    return found | changes


def test_accuracies_of_the_epoch_that_is_handed_in() -> None:
    run, net = three_conv_run()

    def earned(told: Any, right: float = 0.6) -> float:
        given = {"three_conv_history": run, "three_conv_accuracies": told}
        holdout = labelled_by(net, right)
        return TRIAL.verdict("test-accuracies", given=given, holdout=holdout).share

    assert earned(accuracies(run)) == 1
    assert earned({key: round(value, 3) for key, value in accuracies(run).items()}) == 1
    last = {"training": run["train_accuracy"][-1], "validation": run["val_accuracy"][-1]}
    assert earned(accuracies(run, **last)) == 0.5
    assert earned({key: 100 * value for key, value in accuracies(run).items()}) == 0
    assert earned(accuracies(run, test=0.9)) == 0  # the weights say otherwise
    assert earned(accuracies(run, test="sixty")) == 0
    assert earned(accuracies(run), right=0.2) == 0  # has not learned
    assert earned({}) == 0


# The helper that notes test curves ----------------------------------------------------------


def small_data() -> tuple[Any, Any]:
    data = lab.load("cifar10")
    part = functools.partial(torch.utils.data.DataLoader, batch_size=20, collate_fn=lambda b: b)
    pick = [torch.utils.data.Subset(loader.dataset, range(40)) for loader in (data.train, data.val)]
    return tuple(part(some) for some in pick), part(pick[1])


def test_an_interrupted_run_goes_on_with_its_test_record_in_line() -> None:
    names = TRIAL.solution
    loaders, test = small_data()
    calls = []

    def interrupted(model: nn.Module, loader: Any, loss: Any) -> Any:
        calls.append(1)
        result = names["_TestWatch"]("run", test)(model, loader, loss)
        if len(calls) == 3:
            raise KeyboardInterrupt  # the test images are noted, the epoch is not
        return result

    build = lambda: nn.Sequential(nn.Flatten(), nn.Linear(3072, 10))  # noqa: E731
    watch = names["_TestWatch"]("run", test)
    settings: dict[str, Any] = {"name": "run", "epochs": 4, "schedule": lab.cosine}
    lab.seed_everything(0)
    with pytest.raises(KeyboardInterrupt):
        lab.fit(build(), loaders, evaluate=interrupted, **settings)
    assert len(names["_test_record"]("run")) == 3
    resumed = lab.fit(build(), loaders, evaluate=watch, **settings)
    assert len(resumed) == len(names["_test_record"]("run")) == 4
    whole = measured(resumed)
    lab.forget("run")
    lab.seed_everything(0)
    lab.fit(build(), loaders, evaluate=watch, **settings)
    assert measured(resumed) == whole
    assert all(len(whole[column]) == 4 for column in COLUMNS)


def test_a_run_begun_without_the_watch_is_refused() -> None:
    names = TRIAL.solution
    loaders, test = small_data()
    net = nn.Sequential(nn.Flatten(), nn.Linear(3072, 10))
    lab.fit(net, loaders, name="run", epochs=1)
    with pytest.raises(lab.LabError, match=r"lab\.forget"):
        lab.fit(net, loaders, name="run", epochs=2, evaluate=names["_TestWatch"]("run", test))


# Part 3: the runs ---------------------------------------------------------------------------


@functools.cache
def validation_accuracy(which: str) -> tuple[nn.Module, float]:
    torch.manual_seed(1)
    net = TRIAL.solution[which]()
    return net, lab.evaluate(net, lab.load("cifar10").val)[1]


def model_share(
    model: tuple[str, str, str],
    *,
    right: float = 0.9,
    epochs: int = 10,
    off: float = 0.0,
    **settings: Any,
) -> float:
    """What a model earns whose run, weights and score on held-out images are as said."""
    name, build, variable = model
    own, best = validation_accuracy(build)
    run = history(name, epochs, best + off, **settings)
    write_run(run, own)
    return TRIAL.verdict(
        f"test-{name}", given={variable: run}, holdout=labelled_by(own, right)
    ).share


@pytest.mark.parametrize("model", MODELS)
def test_a_model_that_reaches_its_goal(model: tuple[str, str, str]) -> None:
    assert model_share(model) == 1
    assert model_share(model, epochs=2) == 1
    assert model_share(model, right=0.65) == 0.5
    assert model_share(model, right=0.5) == 0


def test_the_epoch_limit_comes_from_the_history() -> None:
    assert model_share(MODELS[0], epochs=11) == 0
    assert model_share(MODELS[1], epochs=11) == 0


def test_an_epoch_is_one_pass_over_the_training_images() -> None:
    for number in (90_000, None, 9_900):  # the last: lab.load(val=500)
        told: dict[str, Any] = {"training images": number}
        assert model_share(MODELS[0], **told) == 0


def test_a_run_begins_with_random_weights() -> None:
    name, build, variable = MODELS[0]
    net, best = validation_accuracy(build)
    run = history(name, 10, best)
    run.epochs[0]["train_accuracy"] = 0.93
    write_run(run, net)
    given = {variable: run}
    verdict = TRIAL.verdict("test-model-one", given=given, holdout=labelled_by(net, 0.9))
    assert verdict.share == 0 and "random weights" in verdict.reasons[0]


def test_weights_of_another_run_are_not_taken_for_this_one() -> None:
    assert model_share(MODELS[0], off=0.2) == 0  # another run's history
    assert model_share(MODELS[0], parameters=1_000_000) == 0  # another network's
    Path("model-one-best.safetensors").unlink()
    assert TRIAL.refuses("test-model-one").share == 0
    Path("model-one-history.json").unlink()
    assert TRIAL.refuses("test-model-one").share == 0


def test_the_second_model_may_not_be_the_first_again() -> None:
    code = TRIAL.cells["models"] + "\n\nclass ModelTwo(ModelOne):\n    pass\n"
    names = TRIAL.student({"models": code})
    torch.manual_seed(1)
    twin = names["ModelTwo"]()
    best = lab.evaluate(twin, lab.load("cifar10").val)[1]
    run = history("model-two", 10, best)
    write_run(run, twin)
    verdict = TRIAL.verdict(
        "test-model-two",
        {"models": code},
        given={"two_history": run},
        holdout=labelled_by(twin, 0.9),
    )
    assert verdict.share == 0 and "another structure" in verdict.reasons[0]
