"""01: slips that run without a complaint, or stop where one does not look: what do they cost, and
what is said of them?
"""

from __future__ import annotations

import pytest

from tests.assignments.variants import Assignment

TRIAL = Assignment("01-lenet5-pipeline")


@pytest.mark.parametrize("story", ["misspelled", "inside __init__"])
def test_a_missing_forward_is_no_stub(story: str) -> None:
    head, body = TRIAL.cells["lenet5"].split("    def forward")
    if story == "misspelled":
        code = f"{head}    def foward{body}"
    else:
        code = f"{head}        def forward" + body.replace("\n", "\n    ")
    verdict = TRIAL.refuses("lenet5-forward", {"lenet5": code})
    (reason,) = verdict.reasons
    assert "stub" not in reason
    assert "is it spelled `forward`, and indented as a method" in reason


def test_what_torch_lacks_is_no_stub() -> None:
    swapped = TRIAL.edited(
        "train-step",
        ("model(images.to(device)), labels.to(device)", "labels, model(images.to(device))"),
    )
    (reason, *_) = TRIAL.refuses("train-step-test", swapped).reasons
    assert "stub" not in reason
    assert "Long" in reason
    stub = {"train-step": "def train_step(*given):\n    raise NotImplementedError()"}
    assert "a stub that is not filled in" in TRIAL.refuses("train-step-test", stub).reasons[0]
