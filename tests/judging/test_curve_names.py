"""Students name curves as they like; a name that is another curve's is refused."""

from __future__ import annotations

import pytest

from skipgrade.judging.checks.curve_names import wrongly_named

RUNS = ("transfer train", "transfer val", "own train", "own val")
NETS = (
    "plain training loss",
    "plain test accuracy",
    "residual training loss",
    "residual test accuracy",
)
PARTS = ("training", "validation", "gap")
DEEP = ("resnet18", "plain18", "resnet50", "plain50")
RATES = ("learning rate 1.0", "learning rate 0.1", "learning rate 0.05")
STARTS = ("default start", "Kaiming start")
SPLITS = ("training loss", "validation loss", "test loss")

RIGHT = [
    (RUNS, ("ResNet-18 train", "ResNet-18 val", "SmallNet (no transfer) train", "SmallNet (no transfer) val")),
    (RUNS, ("pretrained: training", "pretrained: validation", "without transfer: training", "without transfer: validation")),
    (RUNS, ("downloaded ResNet train", "downloaded ResNet val", "SmallNet train", "SmallNet val")),
    (RUNS, ("a", "b", "c", "d")),
    (NETS, ("plain", "plain", "plain + shortcuts", "plain + shortcuts")),
    (NETS, ("no residual connections", "acc, no residual connections", "with residual connections", "acc, with")),
    (NETS, ("PlainNet18", "PlainNet18 (test)", "ResNet18", "ResNet18 (test)")),
    (PARTS, ("train", "val", "training - validation")),
    (PARTS, ("running training", "val", "difference (training less validation)")),
    (DEEP, ("ResNet18 with shortcuts", "ResNet18 without shortcuts", "ResNet50 with shortcuts", "ResNet50 without shortcuts")),
    (DEEP, ("ResNet18(shortcut=True)", "ResNet18(shortcut=False)", "ResNet50(True)", "ResNet50(shortcut=False)")),
    (DEEP, ("ResNet-18", "Plain-18", "ResNet-50", "Plain-50")),
    (DEEP, ("18 mit Shortcuts", "18 ohne Shortcuts", "50 mit Shortcuts", "50 ohne Shortcuts")),
    (DEEP, ("ResNet18", "ResNet18, no skip connections", "ResNet50", "ResNet50, no skip connections")),
    (DEEP, ("with shortcuts", "without shortcuts", "with shortcuts", "without shortcuts")),
    (DEEP, ("R18", "R18 - no shortcuts", "R50", "R50 - no shortcuts")),
    (NETS, ("plain", "plain (test)", "plain with shortcuts", "plain with shortcuts (test)")),
    (NETS, ("ohne Shortcuts", "ohne Shortcuts, Test", "mit Shortcuts", "mit Shortcuts, Test")),
    (RATES, ("lr=1", "1e-1", "0.05 (best)")),
    (STARTS, ("kaiming uniform (PyTorch)", "kaiming normal")),
    (STARTS, ("PyTorch (Kaiming uniform, a=√5)", "He / Kaiming normal")),
    (SPLITS, ("train", "held out", "testing")),
    (("trial-cycle", "trial-cycle-augmented"), ("trial-cycle", "trial-cycle-augmented")),
    (("a", "b"), ("baseline: a lot", "b, a cosine")),
]  # fmt: skip
WRONG = [
    (RUNS, ("transfer val", "transfer train", "own val", "own train"), "transfer train"),
    (RUNS, ("own train", "own val", "transfer train", "transfer val"), "own val"),
    (NETS, ("residual", "residual", "plain", "plain"), "plain training loss"),
    (NETS, ("ResNet", "ResNet test", "plain", "plain test"), "residual training loss"),
    (PARTS, ("val accuracy", "train accuracy", "gap"), "training"),
    (DEEP, ("Plain-18", "ResNet-18", "ResNet-50", "Plain-50"), "plain18"),
    (DEEP, ("18, no shortcuts", "18, with shortcuts", "50 without", "50 with"), "resnet18"),
    (DEEP, ("ResNet18, no shortcuts", "ResNet18", "ResNet50", "ResNet50, no shortcuts"), "resnet18"),
    (DEEP, ("R18(shortcut=False)", "R18(shortcut=True)", "R50", "R50"), "plain18"),
    (NETS, ("mit Shortcuts", "mit Shortcuts", "ohne Shortcuts", "ohne Shortcuts"), "plain test accuracy"),
    (RATES, ("lr 0.1", "lr 0.05", "lr 1.0"), "learning rate 0.1"),
    (STARTS, ("Kaiming", "default"), "default start"),
    (SPLITS, ("train loss", "test loss", "val loss"), "validation loss"),
    (("trial-cycle", "trial-long"), ("trial-long", "trial-cycle"), "trial-cycle"),
]  # fmt: skip


@pytest.mark.parametrize(("labels", "names"), RIGHT)
def test_names_that_are_right(labels: tuple[str, ...], names: tuple[str, ...]) -> None:
    given = {label: [name] for label, name in zip(labels, names, strict=True)}
    assert [label for label in labels if wrongly_named(label, given)] == []


@pytest.mark.parametrize(("labels", "names", "wrong"), WRONG)
def test_names_that_are_anothers(
    labels: tuple[str, ...], names: tuple[str, ...], wrong: str
) -> None:
    given = {label: [name] for label, name in zip(labels, names, strict=True)}
    assert wrongly_named(wrong, given)


def test_a_curve_drawn_twice_may_have_another_name_once() -> None:
    given = {"training": ["val", "train"], "validation": ["val"]}
    assert not wrongly_named("training", given)
