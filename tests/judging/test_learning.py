"""check.learns: steps and evaluations, right in many ways and wrong in the usual ones."""

from __future__ import annotations

import pytest

from tests.judging.trial import judge

STEP = """
def train_step(model, images, labels, loss_fn, optimizer):
    optimizer.zero_grad()
    loss = loss_fn(model(images), labels)
    loss.backward()
    optimizer.step()
    return loss.item()
"""
EVALUATE = """
def evaluate(model, loader, loss_fn):
    model.eval()
    total, right, count = 0.0, 0, 0
    with torch.no_grad():
        for images, labels in loader:
            scores = model(images)
            total += loss_fn(scores, labels).item() * len(labels)
            right += (scores.argmax(1) == labels).sum().item()
            count += len(labels)
    return total / count, right / count
"""
RIGHT_STEPS = {
    "as the reference": STEP,
    "zero_grad at the end": """
        def train_step(model, images, labels, loss_fn, optimizer):
            loss = loss_fn(model(images), labels)
            loss.backward()
            optimizer.step()
            model.zero_grad()
            return loss.item()
    """,
    "model.zero_grad, loss as a tensor": STEP.replace("optimizer.zero_grad", "model.zero_grad").replace(
        "loss.item()", "loss.detach()"),
    "gradients clipped": STEP.replace(
        "optimizer.step()", "nn.utils.clip_grad_norm_(model.parameters(), 5.0)\n    optimizer.step()"),
    "prints and sets train mode": STEP.replace("optimizer.zero", "model.train(); print(1); optimizer.zero"),
}  # fmt: skip
WRONG_STEPS = {
    "forgotten zero_grad": (STEP.replace("optimizer.zero_grad()", "pass"), "zero_grad"),
    "zero_grad after backward": (
        STEP.replace("    optimizer.zero_grad()\n", "").replace(
            "loss.backward()", "loss.backward()\n    optimizer.zero_grad()"), "loss"),
    "no backward": (STEP.replace("loss.backward()", "pass"), "backward"),
    "no step": (STEP.replace("optimizer.step()", "pass"), "step"),
    "returns nothing": (STEP.replace("return loss.item()", "return None"), "number"),
    "returns the sum": (STEP.replace("loss.item()", "loss.item() * len(labels)"), "loss"),
    "climbs": (STEP.replace("loss.backward()", "(-loss).backward()"), "fall"),
    "trains in eval mode": (STEP.replace("optimizer.zero_grad", "model.eval(); optimizer.zero_grad"), ""),
    "ignores the images": (STEP.replace("model(images)", "model(torch.zeros_like(images))"), ""),
    "the stub": ("def train_step(*args):\n    raise NotImplementedError()", "stub"),
    "not a function": ("train_step = 3", ""),
}  # fmt: skip


@pytest.mark.parametrize("way", RIGHT_STEPS)
def test_right_steps(way: str) -> None:
    verdict = judge("check.learns(step='train_step')", RIGHT_STEPS[way], STEP)
    assert verdict.share == 1.0, verdict.reasons


@pytest.mark.parametrize("mistake", WRONG_STEPS)
def test_wrong_steps_and_their_hint(mistake: str) -> None:
    code, word = WRONG_STEPS[mistake]
    verdict = judge("check.learns(step='train_step')", code, STEP)
    assert verdict.share == 0.0 and verdict.trouble == ""
    assert word in verdict.reasons[0]


RIGHT_EVALUATIONS = {
    "as the reference": EVALUATE,
    "inference mode, tensors back": EVALUATE.replace("torch.no_grad", "torch.inference_mode").replace(
        "return total / count, right / count", "return torch.tensor(total / count), right / count"),
    "decorated, back to train mode": EVALUATE.replace("def eval", "@torch.no_grad()\ndef eval").replace(
        "    return total", "    model.train()\n    return total"),
    "a list, length from the data set": EVALUATE.replace(
        "return total / count, right / count",
        "return [total / len(loader.dataset), right / len(loader.dataset)]"),
}  # fmt: skip
WRONG_EVALUATIONS = {
    "missing eval": (EVALUATE.replace("    model.eval()\n", ""), "model.eval()"),
    "missing no_grad": (EVALUATE.replace("with torch.no_grad():", "if True:"), "no_grad"),
    "mean over batches": (
        EVALUATE.replace(" * len(labels)", "").replace("total / count", "total / len(loader)"),
        "last batch"),
    "percent": (EVALUATE.replace("right / count", "100 * right / count"), "fraction"),
    "swapped": (EVALUATE.replace("total / count, right / count", "right / count, total / count"), ""),
    "first batch only": (EVALUATE.replace("count += len(labels)", "count += len(labels); break"), ""),
    "invented": ("def evaluate(model, loader, loss_fn):\n    return 0.5, 0.9", "forward pass"),
    "accuracy alone": (EVALUATE.replace("return total / count,", "return"), "two numbers"),
    "trains on the side": (
        EVALUATE.replace("            scores =", "            model.last.bias += 1\n            scores ="),
        "as it was"),
}  # fmt: skip


@pytest.mark.parametrize("way", RIGHT_EVALUATIONS)
def test_right_evaluations(way: str) -> None:
    verdict = judge("check.learns(evaluate='evaluate')", RIGHT_EVALUATIONS[way], EVALUATE)
    assert verdict.share == 1.0, verdict.reasons


@pytest.mark.parametrize("mistake", WRONG_EVALUATIONS)
def test_wrong_evaluations_and_their_hint(mistake: str) -> None:
    code, word = WRONG_EVALUATIONS[mistake]
    verdict = judge("check.learns(evaluate='evaluate')", code, EVALUATE)
    assert verdict.share == 0.0 and verdict.trouble == ""
    assert word in verdict.reasons[0]


def test_both_at_once() -> None:
    hidden = "check.learns(step='train_step', evaluate='evaluate')"
    assert judge(hidden, STEP + EVALUATE, STEP + EVALUATE).share == 1.0
    assert judge(hidden, STEP + WRONG_EVALUATIONS["percent"][0], STEP + EVALUATE).share == 0.0
