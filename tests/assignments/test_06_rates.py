"""06, the bonus: which right answers earn their points, and which wrong ones do not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from skipgrade import lab
from skipgrade.lab.checkpoint import save_weights
from tests.assignments.depth import TINY, TRIAL, source

# 8: the bonus ------------------------------------------------------------------------------

RIGHT_MATRICES = {
    "a loop, float": """
        def confusion_matrix(labels, predicted, num_classes):
            matrix = torch.zeros(num_classes, num_classes)
            for label, other in zip(labels, predicted):
                matrix[label, other] += 1
            return matrix
    """,
    "lists": """
        def confusion_matrix(labels, predicted, num_classes):
            pairs = list(zip(labels.tolist(), predicted.tolist()))
            return [[pairs.count((i, j)) for j in range(num_classes)] for i in range(num_classes)]
    """,
    "one-hot": """
        def confusion_matrix(labels, predicted, num_classes):
            return F.one_hot(labels, num_classes).T @ F.one_hot(predicted, num_classes)
    """,
    "NumPy": """
        import numpy as np
        def confusion_matrix(labels, predicted, num_classes):
            matrix = np.zeros((num_classes, num_classes), int)
            np.add.at(matrix, (labels.numpy(), predicted.numpy()), 1)
            return matrix
    """,
}
SQUARE = "view(num_classes, num_classes)"
WRONG_MATRICES = {
    "transposed": source("bonus-matrix", (SQUARE, f"{SQUARE}.T")),
    "shares": source("bonus-matrix", (SQUARE, f"{SQUARE} / 9")),
    "only what occurs": """
        def confusion_matrix(labels, predicted, num_classes):
            size = int(max(labels.max(), predicted.max())) + 1
            return torch.bincount(labels * size + predicted, minlength=size**2).view(size, size)
    """,
    "each pair once": """
        def confusion_matrix(labels, predicted, num_classes):
            matrix = torch.zeros(num_classes, num_classes)
            matrix[labels, predicted] += 1
            return matrix
    """,
    "always ten": source(
        "bonus-matrix", ("num_classes**2", "100"), (SQUARE, "view(-1)[:100].view(10, 10)")
    ),
}


@pytest.mark.parametrize("name", RIGHT_MATRICES)
def test_right_matrices(name: str) -> None:
    TRIAL.accepts("test-bonus-matrix", {"bonus-matrix": RIGHT_MATRICES[name]})


@pytest.mark.parametrize("name", WRONG_MATRICES)
def test_wrong_matrices(name: str) -> None:
    verdict = TRIAL.refuses("test-bonus-matrix", {"bonus-matrix": WRONG_MATRICES[name]})
    assert verdict.share == 0.0, verdict.reasons


BY_LOOP = """
    def class_rates(matrix):
        matrix = matrix.double()
        rates = {"precision": [], "recall": [], "specificity": []}
        for k in range(len(matrix)):
            tp = matrix[k, k]
            fp, fn = matrix[:, k].sum() - tp, matrix[k].sum() - tp
            tn = matrix.sum() - tp - fp - fn
            for name, a, b in (("precision", tp, fp), ("recall", tp, fn), ("specificity", tn, fp)):
                rates[name].append(a / (a + b) if a + b > 0 else NOTHING)
        return {name: torch.tensor(values) for name, values in rates.items()}
"""
RIGHT_RATES = {
    "a loop": BY_LOOP.replace("NOTHING", "torch.tensor(0.0)"),
    "nan turned to zero": source(
        "bonus-rates",
        (".clamp(min=1)", ""),
        ('"precision": hit / called', '"precision": (hit / called).nan_to_num(0)'),
        ('"recall": hit / real', '"recall": (hit / real).nan_to_num(0)'),
        ("(rest - called + hit) / rest", "((rest - called + hit) / rest).nan_to_num(0)"),
    ),
    "single precision": source("bonus-rates", (".double()", ".float()")),
}
WRONG_RATES = {
    "nan where nothing is": (BY_LOOP.replace("NOTHING", "torch.tensor(float('nan'))"), 0.7),
    "one where nothing is": (BY_LOOP.replace("NOTHING", "torch.tensor(1.0)"), 0.7),
    "precision and recall exchanged": (
        source("bonus-rates", ("matrix.sum(0), matrix.sum(1)", "matrix.sum(1), matrix.sum(0)")),
        0.0,
    ),
    "specificity is recall": (
        source("bonus-rates", ("(rest - called + hit) / rest.clamp", "hit / real.clamp")), 0.6,
    ),
    "negative predictive value": (
        source(
            "bonus-rates",
            ("+ hit) / rest.clamp", "+ hit) / (matrix.sum() - called).clamp"),
        ),
        0.6,
    ),
    "averages": (
        source(
            "bonus-rates",
            ("hit / called.clamp(min=1)", "(hit / called.clamp(min=1)).mean()"),
            ("hit / real.clamp(min=1)", "(hit / real.clamp(min=1)).mean()"),
        ),
        0.4,
    ),
    "at least two real ones": (
        source("bonus-rates", ("real.clamp(min=1)", "real.clamp(min=2)")), 0.9
    ),
    "at least two of the rest": (
        source("bonus-rates", ("rest.clamp(min=1)", "rest.clamp(min=2)")), 0.9
    ),
    "a list": ("def class_rates(matrix):\n    return [1, 2, 3]", 0.0),
}  # fmt: skip


@pytest.mark.parametrize("name", RIGHT_RATES)
def test_right_rates(name: str) -> None:
    code = RIGHT_RATES[name]
    TRIAL.accepts("test-bonus-rates", {"bonus-rates": code})
    assert TRIAL.passes_visible("test-bonus-rates", {"bonus-rates": code})


@pytest.mark.parametrize("name", WRONG_RATES)
def test_wrong_rates(name: str) -> None:
    code, most = WRONG_RATES[name]
    verdict = TRIAL.refuses("test-bonus-rates", {"bonus-rates": code})
    assert verdict.share <= most + 1e-9, verdict.reasons


@pytest.mark.parametrize("split", ["test", "stand-in"])
def test_the_matrix_of_the_final_network(split: str) -> None:
    """Typed in after training, or computed while it is graded: `truth` is another one then."""
    truth, labels = (lab.raw("cifar10", name)[1] for name in (split, "test"))
    predicted = torch.where(torch.arange(len(labels)) % 3 == 0, (labels + 1) % 10, labels)
    lab.write_predictions("resnet18-predictions.csv", predicted)
    save_weights(TRIAL.student(TINY)["build_final"](), Path("resnet18-best.safetensors"))
    matrix = TRIAL.solution["confusion_matrix"](truth, predicted, 10)
    rates = TRIAL.solution["class_rates"](matrix)

    def share(matrix: Any, rates: Any) -> float:
        given = {"final_matrix": matrix, "final_rates": rates, "truth": truth}
        return TRIAL.verdict("test-bonus-final", TINY, given=given).share

    assert share(matrix, rates) == 1.0
    assert share(matrix.tolist(), {name: values.tolist() for name, values in rates.items()}) == 1.0
    assert share(matrix, {**rates, "recall": rates["precision"] + 0.01}) == 0.5
    for wrong in (matrix.T, matrix[:9, :9], "none", None, 3):
        assert share(wrong, rates) == 0.0


@pytest.mark.parametrize("stale", [False, True])
def test_the_predictions_of_a_further_run_are_compared_with_its_weights(stale: bool) -> None:
    final = {"final": "FINAL = 'final'\ndef build_final():\n    return build('resnet18')"}
    network = TRIAL.student(TINY | final)["build_final"]().eval()
    pixels, labels = lab.raw("cifar10", "test")
    mean, std = (torch.tensor(part).view(3, 1, 1) for part in lab.normalisation("cifar10"))
    with torch.no_grad():
        predicted = network((pixels.float() / 255 - mean) / std).argmax(1)
    if stale:
        predicted = (predicted + 1) % 10
    lab.write_predictions("final-predictions.csv", predicted)
    save_weights(network, Path("final-best.safetensors"))
    matrix = TRIAL.solution["confusion_matrix"](labels, predicted, 10)
    given = {"final_matrix": matrix, "final_rates": TRIAL.solution["class_rates"](matrix)}
    verdict = TRIAL.verdict("test-bonus-final", TINY | final, given)
    assert verdict.share == (0.5 if stale else 1.0), verdict.reasons
