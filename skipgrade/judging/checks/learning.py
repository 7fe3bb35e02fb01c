"""Reading what a training step and an evaluation loop did on the fixed small problem."""

from __future__ import annotations

from typing import Any

from skipgrade.judging.checks.asking import ask_student
from skipgrade.judging.session import Session
from skipgrade.judging.verdict import message

SEED = 7
TOLERANCE = 1e-4


def check_step(session: Session, step: str, hint: str) -> str | None:
    ours = session.solution.ask("training step", step=step, seed=SEED)
    expected = f"{step} to train the model it is given"
    theirs = ask_student(session, expected, hint, "training step", step=step, seed=SEED)
    if not isinstance(theirs, dict) or set(theirs) != set(ours):
        return message(expected, "an answer that is not of the agreed form", hint)
    before, after = theirs["loss before"], theirs["loss after"]
    told = f"the loss on a small fixed problem went from {before:.3f} to {after:.3f}"
    if theirs["stale gradients matter"] is not False:
        return message(
            "each step to start from gradients of zero",
            "a second step that still contains the gradients of the first",
            "zero_grad: is it called in every step, before backward?",
        )
    if not after < 0.6 * before:
        return message(
            "the loss to fall", told, hint or "backward, then optimizer.step, in every call."
        )
    if after > 1.5 * ours["loss after"] + 0.02:
        wanted = f"a loss of about {ours['loss after']:.3f} after {len(ours['reported'])} steps"
        return message(wanted, told, hint or "what is done to the gradients or the loss.")
    if not _close(theirs["reported"], theirs["expected"]):
        return message(
            "the loss of the batch as a number (before the step), returned by every call",
            _first_difference(theirs["reported"], theirs["expected"]),
            hint or "what the function returns: loss.item()?",
        )
    if theirs["trained in train mode"] is not True:
        return message("training in train mode", "a forward pass in eval mode", "model.train().")
    return None


def check_evaluation(session: Session, evaluate: str, hint: str) -> str | None:
    ours = session.solution.ask("evaluation", evaluate_name=evaluate, seed=SEED)
    expected = "(loss, accuracy) over all images of the loader"
    theirs = ask_student(session, expected, hint, "evaluation", evaluate_name=evaluate, seed=SEED)
    if not isinstance(theirs, dict) or set(theirs) != set(ours):
        return message(expected, "an answer that is not of the agreed form", hint)
    if not theirs["passes"]:
        return message(expected, "a result without a forward pass of the model", hint)
    if theirs["in eval mode"] is not True:
        return message(
            "the model in eval mode while it is evaluated", "a forward pass in train mode",
            "model.eval(): without it dropout drops and batch norm learns from test images.",
        )  # fmt: skip
    if theirs["without gradients"] is not True:
        return message(
            "no gradients recorded while evaluating", "a forward pass that records them",
            "torch.no_grad() round the loop: without it memory fills with graphs nobody uses.",
        )  # fmt: skip
    if theirs["model unchanged"] is not True:
        return message("a model that is as it was", "weights or statistics that changed", hint)
    return _result(ours["result"], theirs["result"], expected, hint)


def _result(ours: list[float], theirs: Any, expected: str, hint: str) -> str | None:
    if not isinstance(theirs, list) or len(theirs) != 2 or None in theirs:
        return message(expected, "something that is not two numbers", hint)
    loss, accuracy = theirs
    if abs(accuracy - 100 * ours[1]) < TOLERANCE:
        return message("accuracy as a fraction from 0 to 1", "a percentage", hint)
    if abs(accuracy - ours[1]) > TOLERANCE:
        hint = hint or "divide by the number of images; batches may differ in size."
        return message(f"accuracy {ours[1]:.4f} on a small fixed problem", f"{accuracy:.4f}", hint)
    if abs(loss - ours[0]) > TOLERANCE * (1 + abs(ours[0])):
        hint = hint or "the mean over images, not over batches: the last batch is smaller."
        return message(f"loss {ours[0]:.4f} on a small fixed problem", f"{loss:.4f}", hint)
    return None


def _close(got: Any, expected: Any) -> bool:
    return len(got) == len(expected) and not any(
        _far(*pair) for pair in zip(got, expected, strict=True)
    )


def _far(got: Any, expected: float) -> bool:
    return got is None or abs(got - expected) > 1e-3 * (1 + abs(expected))


def _first_difference(got: list[Any], expected: list[float]) -> str:
    for index, (one, other) in enumerate(zip(got, expected, strict=False)):
        if one is None:
            return "something that is not a number"
        if _far(one, other):
            return f"{one:.4f} where the loss was {other:.4f} (step {index + 1})"
    return "another number of steps"
