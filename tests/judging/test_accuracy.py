"""check.accuracy and check.predictions: exact verdicts from scores nobody can forge."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from skipgrade.judging.checks import accuracy
from skipgrade.judging.checks.accuracy import BATCH, earned, outlook, tiers_from
from skipgrade.judging.verdict import HiddenTestError
from skipgrade.lab.history import History
from tests.judging.trial import judge

# Reads the label off the first pixel, and errs on the share of the images the weight says.
NET = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.errs = nn.Parameter(torch.tensor([0.0]))
    def forward(self, x):
        pixel = x[:, :, 0, 0] * 255
        scores = -(pixel[:, :1] - torch.arange(10)) ** 2
        wrong = pixel[:, 1:2] < self.errs * 100 - 0.5
        return torch.where(wrong, -scores, scores)
def prepare(image):
    from torchvision.transforms.functional import to_tensor
    return to_tensor(image)
"""
CHECK = "check.accuracy('Net()', weights='net', prepare='prepare', {})"


@pytest.fixture
def hand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def weights(folder: Path, errs: float) -> None:
    save_file({"errs": torch.tensor([errs])}, folder / "net-best.safetensors")


@pytest.mark.parametrize(("errs", "share"), [(0.0, 1.0), (0.37, 1.0), (0.38, 0.0), (0.99, 0.0)])
def test_threshold(hand_in: Path, errs: float, share: float) -> None:
    weights(hand_in, errs)
    verdict = judge(CHECK.format("at_least=0.63"), NET, NET)
    assert verdict.share == share, verdict
    assert "held-out images right" in verdict.notes[0]


@pytest.mark.parametrize("told", [{"images": "builtin"}, {"data": "cifar10 (builtin)"}, {}])
@pytest.mark.parametrize("graded_on", ["official", "builtin"])
@pytest.mark.parametrize("errs", [0.0, 0.9])
def test_weights_of_drawn_images_graded_on_official_ones(
    hand_in: Path,
    monkeypatch: pytest.MonkeyPatch,
    told: dict[str, str],
    graded_on: str,
    errs: float,
) -> None:
    """Is that said, and nothing else? It changes no verdict: the history is a claim."""
    weights(hand_in, errs)
    History("net", settings=told).write(hand_in / "net-history.json")
    monkeypatch.setattr(accuracy, "source", lambda: graded_on)
    verdict = judge(CHECK.format("at_least=0.63"), NET, NET)
    assert verdict.share == (errs == 0)
    said = "trained on the drawn images, as net-history.json says" in str(verdict.reasons)
    assert said == (bool(told) and graded_on == "official" and errs > 0), verdict.reasons


@pytest.mark.parametrize(
    ("errs", "share"), [(0.05, 1.0), (0.09, 0.9), (0.10, 0.9), (0.2, 0.8), (0.5, 0.7), (0.95, 0.0)]
)
def test_tiers_give_part_of_the_points(hand_in: Path, errs: float, share: float) -> None:
    weights(hand_in, errs)
    tiers = "tiers={0.95: 1.0, 0.9: 0.9, 0.8: 0.8, 0.1: 0.7}"
    verdict = judge(CHECK.format(tiers), NET, NET)
    assert verdict.share == pytest.approx(share)
    assert bool(verdict.reasons) == (share < 1)


def test_stops_when_the_verdict_is_certain_and_says_how_many_images_it_took(hand_in: Path) -> None:
    weights(hand_in, 0.0)
    verdict = judge(CHECK.format("at_least=0.4"), NET, NET)
    assert verdict.share == 1.0
    assert verdict.notes == [
        "200 of 200 held-out images right (100.0%); the other 800 would not change the verdict"
    ]


def test_what_was_measured_is_kept_as_data(hand_in: Path) -> None:
    weights(hand_in, 0.2)
    verdict = judge(CHECK.format("tiers={0.9: 1.0, 0.4: 0.5}"), NET, NET)
    (one,) = verdict.accuracies
    assert one["bars"] == [0.4, 0.9]
    assert one["accuracy"] == pytest.approx(0.8, abs=0.1)
    assert f"({one['accuracy']:.1%})" in verdict.notes[0]
    assert judge("check.equal('1')", "", "").accuracies == []


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers_earn_nothing(hand_in: Path, value: float) -> None:
    weights(hand_in, value)
    verdict = judge(CHECK.format("at_least=0.05"), NET, NET)
    assert verdict.share == 0.0 and "NaN or infinity" in verdict.reasons[0]


def marked(answers: torch.Tensor, tiers: dict[float, float]) -> tuple[float, int]:
    """What a run through these right and wrong answers earns, and after how many of them."""
    total, seen, correct = len(answers), 0, 0
    fewest, most = 0, total
    while earned(fewest, total, tiers) != earned(most, total, tiers):
        correct += int(answers[seen : seen + BATCH].sum())
        seen = min(seen + BATCH, total)
        fewest, most = outlook(correct, seen, total)
    return earned(fewest, total, tiers), seen


def test_stopping_early_earns_what_all_images_would() -> None:
    """In 3,000 random orders, most of them close to a boundary, no verdict differs."""
    chance = random.Random(1)
    tiers = {0.91: 1.0, 0.9: 0.9, 0.87: 0.8, 0.1: 0.7}
    for number in range(3000):
        boundary = chance.choice(list(tiers))
        right = min(10_000, max(0, round(10_000 * (boundary + chance.gauss(0, 0.02)))))
        answers = torch.arange(10_000) < right
        order = torch.randperm(10_000, generator=torch.Generator().manual_seed(number))
        assert marked(answers[order], tiers)[0] == earned(right, 10_000, tiers)


def test_far_from_every_boundary_a_part_of_the_images_is_enough() -> None:
    order = torch.randperm(10_000, generator=torch.Generator().manual_seed(0))
    seen = {right: marked((torch.arange(10_000) < right)[order], {0.7: 1.0})[1]
            for right in (1000, 6990, 7010, 7540)}  # fmt: skip
    assert seen[1000] <= 200 and seen[7540] <= 3000
    assert seen[6990] == seen[7010] == 10_000


def test_the_outlook_is_never_wider_than_what_is_possible() -> None:
    chance = random.Random(1)
    for _ in range(2000):
        total = chance.randint(1, 60)
        seen = chance.randint(0, total)
        correct = chance.randint(0, seen)
        fewest, most = outlook(correct, seen, total)
        assert correct <= fewest <= most <= correct + total - seen


def test_threshold_met_exactly_counts() -> None:
    assert earned(6300, 10000, {0.63: 1.0}) == 1.0
    assert earned(6299, 10000, {0.63: 1.0}) == 0.0


def test_missing_weights(hand_in: Path) -> None:
    verdict = judge(CHECK.format("at_least=0.63"), NET, NET)
    assert verdict.share == 0.0
    assert "net-best.safetensors is not among the files handed in" in verdict.reasons[0]


def test_weights_of_another_model(hand_in: Path) -> None:
    save_file({"errs": torch.zeros(2)}, hand_in / "net-best.safetensors")
    assert "does not fit" in judge(CHECK.format("at_least=0.63"), NET, NET).reasons[0]
    save_file({"errs": torch.zeros(1), "more": torch.zeros(1)}, hand_in / "net-best.safetensors")
    assert "does not fit" in judge(CHECK.format("at_least=0.63"), NET, NET).reasons[0]


def test_a_pickle_for_weights_is_not_loaded(hand_in: Path) -> None:
    torch.save({"errs": torch.zeros(1)}, hand_in / "net-best.safetensors")
    verdict = judge(CHECK.format("at_least=0.63"), NET, NET)
    assert verdict.share == 0.0 and "damaged or of another kind" in verdict.reasons[0]


@pytest.mark.parametrize(
    "scores",
    ["torch.full((len(x), 10), float('nan'))", "x.sum()", "torch.zeros(3, 10)", "'ten'", "None"],
)
def test_nonsense_scores_are_wrong_scores(hand_in: Path, scores: str) -> None:
    weights(hand_in, 0.0)
    student = NET.replace("return torch.where(wrong, -scores, scores)", f"return {scores}")
    verdict = judge(CHECK.format("at_least=0.05"), student, NET)
    assert verdict.share == 0.0 and verdict.internal_error == ""


def test_reported_numbers_are_not_believed(hand_in: Path) -> None:
    weights(hand_in, 0.9)
    (hand_in / "net-history.json").write_text('{"epochs": [{"val_accuracy": 1.0}]}')
    assert judge(CHECK.format("at_least=0.63"), NET, NET).share == 0.0


def test_either_a_threshold_or_tiers() -> None:
    with pytest.raises(HiddenTestError, match="either"):
        tiers_from(None, None)
    with pytest.raises(HiddenTestError, match="either"):
        tiers_from(0.5, {0.5: 1.0})


def test_predictions(hand_in: Path) -> None:
    rows = [f"{i},{(i if i >= 200 else i + 1) % 10}" for i in range(1000)]
    (hand_in / "predictions.csv").write_text("id,label\n" + "\n".join(rows))
    hidden = "check.predictions('predictions.csv', {})"
    assert judge(hidden.format("at_least=0.8"), "", "").share == 1.0
    assert judge(hidden.format("at_least=0.81"), "", "").share == 0.0
    assert judge(hidden.format("tiers={0.9: 1.0, 0.7: 0.4}"), "", "").share == pytest.approx(0.4)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (None, "not among the files"),
        ("", "first line"),
        ("id,label\n0,cat", "line 2"),
        ("id,label\n0,1\n0,2", "line 3: want id 1"),
        ("id,label\n0,1\n1,2", "got 2"),
    ],
)
def test_bad_predictions_are_named(hand_in: Path, text: str | None, problem: str) -> None:
    if text is not None:
        (hand_in / "predictions.csv").write_text(text)
    verdict = judge("check.predictions('predictions.csv', at_least=0.1)", "", "")
    assert verdict.share == 0.0 and problem in verdict.reasons[0]


LOW = "check.accuracy('Net()', weights='net', at_least=0.63, hint='more epochs.')"


def test_scores_that_are_not_numbers_are_not_counted_as_wrong_answers(hand_in: Path) -> None:
    weights(hand_in, 0.0)
    broken = NET.replace("return torch.where", "return (scores - scores) / 0 + torch.where")
    (reason,) = judge(LOW, broken, NET).reasons
    assert "scores that are all NaN or infinite" in reason
    assert "0 of 200" not in reason and "more epochs" not in reason


def test_a_network_that_cannot_be_built_gets_no_hint_for_a_low_accuracy(hand_in: Path) -> None:
    weights(hand_in, 0.0)
    (reason,) = judge(LOW, "def Net():\n    return 1 / 0", NET).reasons
    assert "ZeroDivisionError" in reason and "more epochs" not in reason


@pytest.mark.parametrize("saved", [{}, {"errs": torch.zeros(2)}])
def test_weights_that_do_not_fit_get_no_hint_for_a_low_accuracy(
    hand_in: Path, saved: dict[str, torch.Tensor]
) -> None:
    if saved:
        save_file(saved, hand_in / "net-best.safetensors")
    (reason,) = judge(LOW, NET, NET).reasons
    assert "more epochs" not in reason
    assert "not among the files" in reason or "does not fit the network" in reason
