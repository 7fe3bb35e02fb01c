"""check.learns(evaluate=...): evaluations that are right in many ways, and wrong in the usual ones."""

from __future__ import annotations

import pytest
import torch

from skipgrade.judging.checks import evaluating
from skipgrade.judging.checks.learning import Draw
from tests.judging.test_stepping import STEP
from tests.judging.trial import judge

EVALUATE = """
def evaluate(model, loader, loss_fn):
    model.eval()
    total, right, count = 0.0, 0, 0
    with torch.no_grad():
        for images, labels in loader:
            images, labels = (part.to(model.last.bias.device) for part in (images, labels))
            scores = model(images)
            total += loss_fn(scores, labels).item() * len(labels)
            right += (scores.argmax(1) == labels).sum().item()
            count += len(labels)
    return total / count, right / count
"""
RETURN = "return total / count, right / count"
WITHOUT_EVAL = EVALUATE.replace("    model.eval()\n", "")
WITHOUT_NO_GRAD = EVALUATE.replace("with torch.no_grad():", "if True:")
BATCH_MEANS = EVALUATE.replace(" * len(labels)", "").replace("total / count", "total / len(loader)")
RIGHT = {
    "as the reference": EVALUATE,
    "inference mode, tensors back": EVALUATE.replace("torch.no_grad", "torch.inference_mode").replace(
        RETURN, "return torch.tensor(total / count), torch.tensor(right) / count"),
    "decorated, back to train mode": EVALUATE.replace("def eval", "@torch.no_grad()\ndef eval").replace(
        "    return total", "    model.train()\n    return total"),
    "a list, length from the data set": EVALUATE.replace(
        RETURN, "return [total / len(loader.dataset), right / len(loader.dataset)]"),
    "all scores first": """
        @torch.inference_mode()
        def evaluate(model, loader, loss_fn):
            model.eval()
            pairs = [(model(images.to(model.last.bias.device)), labels) for images, labels in loader]
            scores, labels = (torch.cat(parts).cpu() for parts in zip(*pairs))
            return float(loss_fn(scores, labels)), (scores.argmax(1) == labels).float().mean().item()
    """,
    "autocast": EVALUATE.replace("torch.no_grad()", "torch.no_grad(), torch.autocast('cpu', torch.bfloat16)"),
    "images in float32": EVALUATE.replace("model(images)", "model(images.float())"),
    "autocast, images in float32": EVALUATE.replace("model(images)", "model(images.float())").replace(
        "torch.no_grad()", "torch.no_grad(), torch.autocast('cpu', torch.bfloat16)"),
    "twice over the loader": EVALUATE.replace("for images, labels in loader", "for images, labels in [*loader, *loader]"),
    "soft maximum first": EVALUATE.replace("scores.argmax(1)", "scores.softmax(1).max(1).indices"),
}  # fmt: skip
WRONG = {
    "model.eval()": (WITHOUT_EVAL, 0.25),
    "model.eval() (train mode set)": (EVALUATE.replace("model.eval()", "model.train()"), 0.25),
    "torch.no_grad() around": (WITHOUT_NO_GRAD, 0.75),
    "torch.no_grad() around (and no eval)": (WITHOUT_NO_GRAD.replace("    model.eval()\n", ""), 0.0),
    "Got: the mean over batches": (BATCH_MEANS, 0.5),
    "Got: the mean over batches (both)": (
        BATCH_MEANS.replace(".sum().item()", ".double().mean().item()").replace("right / count", "right / len(loader)"), 0.5),
    "Got: the batches' means, divided": (EVALUATE.replace(" * len(labels)", ""), 0.5),
    "Got: the sum over images": (EVALUATE.replace("total / count", "total"), 0.5),
    "Got: a percentage": (EVALUATE.replace("right / count", "100 * right / count"), 0.5),
    "Got: the number of right": (EVALUATE.replace("right / count", "right"), 0.5),
    "Got: the share of wrong": (EVALUATE.replace("right / count", "1 - right / count"), 0.5),
    "first the loss": (EVALUATE.replace(RETURN, "return right / count, total / count"), 0.5),
    "Got: the value of the first batch": (
        EVALUATE.replace("count += len(labels)", "count += len(labels); break"), 0.5),
    "Got: the value without the last": (EVALUATE.replace("in loader", "in list(loader)[:-1]"), 0.5),
    "loss_fn is an argument": (EVALUATE.replace("loss_fn(scores", "F.cross_entropy(scores"), 0.5),
    "instead of": ("def evaluate(model, loader, loss_fn):\n    return 0.5, 0.9", 0.0),
    "Got: nan instead of": ("def evaluate(model, loader, loss_fn):\n    return float('nan'), float('nan')", 0.0),
    "Got: inf instead of": ("def evaluate(model, loader, loss_fn):\n    return float('inf'), -float('inf')", 0.0),
    "Got: nan instead of (the loss)": (EVALUATE.replace("total / count", "float('nan')"), 0.5),
    "two numbers": (EVALUATE.replace("return total / count,", "return"), 0.0),
    "two numbers (three)": (EVALUATE.replace("return total", "return 1.0, total"), 0.0),
    "two numbers (text)": (EVALUATE.replace(RETURN, "return '0.1', '0.2'"), 0.0),
    "does not change": (EVALUATE.replace("            scores =", "            model.last.bias += 1\n            scores ="), 0.5),
    "does not change (NaN)": (EVALUATE.replace("    return", "    model.last.bias.data.fill_(float('nan'))\n    return"), 0.5),
    "does not change (train mode at the end)": (
        EVALUATE.replace("    return", "    model.train()(images)\n    return"), 0.25),
    "stub": ("def evaluate(*args):\n    raise NotImplementedError()", 0.0),
    "": ("evaluate = 3", 0.0),
}  # fmt: skip
HIDDEN = "check.learns(evaluate='evaluate')"


@pytest.mark.parametrize("way", RIGHT)
def test_right_evaluations(way: str) -> None:
    verdict = judge(HIDDEN, RIGHT[way], EVALUATE)
    assert verdict.share == 1.0, verdict.reasons


@pytest.mark.parametrize("mistake", WRONG)
def test_each_fault_costs_its_own_share_and_is_named(mistake: str) -> None:
    code, share = WRONG[mistake]
    verdict = judge(HIDDEN, code, EVALUATE)
    assert (verdict.share, verdict.internal_error) == (share, "")
    assert mistake.partition(" (")[0] in " ".join(verdict.reasons)


def test_numbers_are_read_as_those_of_the_mode_they_were_taken_in() -> None:
    """A forgotten model.eval() is one fault, a percentage another; the first explains no second."""
    verdict = judge(HIDDEN, WITHOUT_EVAL.replace("right / count", "100 * right / count"), EVALUATE)
    assert verdict.share == 0.0 and len(verdict.reasons) == 2
    assert "a percentage" in verdict.reasons[1]


def test_a_share_of_a_share() -> None:
    verdict = judge("check.learns(evaluate='evaluate', worth=0.4)", WITHOUT_NO_GRAD, EVALUATE)
    assert verdict.share == pytest.approx(0.9)


def test_both_at_once() -> None:
    hidden = "check.learns(step='train_step', evaluate='evaluate')"
    assert judge(hidden, STEP + EVALUATE, STEP + EVALUATE).share == 1.0
    assert judge(hidden, STEP + BATCH_MEANS, STEP + EVALUATE).share == 0.5


def test_right_and_wrong_whatever_was_drawn() -> None:
    for seed in map(str, range(8)):
        assert judge(HIDDEN, EVALUATE, EVALUATE, seed).share == 1.0
        for code, share in ((WITHOUT_EVAL, 0.25), (BATCH_MEANS, 0.5)):
            assert judge(HIDDEN, code, EVALUATE, seed).share == share


@pytest.mark.parametrize("table", [evaluating.LOSS, evaluating.ACCURACY])
def test_every_mistake_gives_another_number_whatever_was_drawn(
    table: dict[str, evaluating.Number],
) -> None:
    for seed in range(50):
        problems = evaluating.draw_problems(Draw(torch.Generator().manual_seed(seed)))
        passes = [evaluating.measure(problem, training=False) for problem in problems]
        due, *others = ([float(number(p)) for p in passes] for number in table.values())
        assert all(due)
        for name, got in zip([*table][1:], others, strict=True):
            away = max(abs(a / b - 1) for a, b in zip(got, due, strict=True))
            assert away > 0.01, name
