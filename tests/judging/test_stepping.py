"""check.learns(step=...): steps that are right in many ways, and wrong in the usual ones."""

from __future__ import annotations

import pytest
import torch

from skipgrade.judging.checks import stepping
from skipgrade.judging.checks.learning import TOLERANCE, Draw
from skipgrade.judging.checks.mistakes import MISTAKES
from skipgrade.judging.verdict import HiddenTestError
from tests.judging.trial import judge

HEAD = "def train_step(model, images, labels, loss_fn, optimizer):\n"
STEP = (
    HEAD
    + """\
    optimizer.zero_grad()
    loss = loss_fn(model(images), labels)
    loss.backward()
    optimizer.step()
    return loss.item()
"""
)
FULL = "check.learns(step='train_step', sets_mode=True, as_float=True)"


def instead(old: str, new: str, step: str = STEP) -> str:
    assert old in step
    return step.replace(old, new)


def with_lines(after: str, lines: str) -> str:
    """STEP with lines added after the one that ends in `after`."""
    return instead(f"{after}\n", f"{after}\n    {lines}\n")


ZERO = "    optimizer.zero_grad()\n"
RIGHT = {
    "as the reference": STEP,
    "zero_grad at the end": with_lines("optimizer.step()", "optimizer.zero_grad()").replace(ZERO, "", 1),
    "zero_grad at both ends": with_lines("optimizer.step()", "optimizer.zero_grad()"),
    "zero_grad between forward and backward": with_lines("labels)", "optimizer.zero_grad()").replace(ZERO, "", 1),
    "zeros kept": instead("zero_grad()", "zero_grad(set_to_none=False)"),
    "zeros gone": instead("zero_grad()", "zero_grad(set_to_none=True)"),
    "model.zero_grad": instead("optimizer.zero_grad()", "model.zero_grad()"),
    "p.grad = None": instead("optimizer.zero_grad()", "for p in model.parameters(): p.grad = None"),
    "p.grad.zero_": instead("optimizer.zero_grad()", "[p.grad.zero_() for p in model.parameters() if p.grad is not None]"),
    "sets train mode, prints": with_lines("zero_grad()", "model.train(); print(1)"),
    "float(loss)": instead("loss.item()", "float(loss)"),
    "loss.detach().item()": instead("loss.item()", "loss.detach().cpu().item()"),
    "a NumPy number": instead("loss.item()", "loss.detach().cpu().numpy().mean()"),
    "moves the batch": with_lines(
        "zero_grad()", "d = next(model.parameters()).device; images = images.to(d, non_blocking=True); labels = labels.to(d, non_blocking=True)"),
    "a Variable": with_lines("zero_grad()", "images = torch.autograd.Variable(images)"),
    "keywords for the loss": instead("loss_fn(model(images), labels)", "loss_fn(input=model(images), target=labels)"),
    "grad enabled by hand": HEAD + "    with torch.enable_grad():\n" + instead("    ", "        ", STEP.removeprefix(HEAD)),
    "the loss in float32": instead("model(images)", "model(images).float()"),
    "images in float32": instead("model(images)", "model(images.float())"),
    "autocast": instead("loss = loss_fn", "with torch.autocast('cpu', torch.bfloat16): loss = loss_fn"),
    "autocast for the scores alone": instead("loss = loss_fn(model(images), labels)", (
        "\n    with torch.autocast('cpu', torch.bfloat16): scores = model(images)\n    loss = loss_fn(scores, labels)")),
    "autocast, images in float32": instead("loss = loss_fn(model(images)", "with torch.autocast('cpu', torch.bfloat16): loss = loss_fn(model(images.float())"),
    "a scaler that is off": instead("loss.backward()\n    optimizer.step()", (
        "s = torch.amp.GradScaler('cuda', enabled=False); s.scale(loss).backward(); s.step(optimizer); s.update()")),
    "a scaler that is on": instead("loss.backward()\n    optimizer.step()", (
        "s = torch.amp.GradScaler('cpu'); s.scale(loss).backward(); s.step(optimizer); s.update()")),
    "a closure": HEAD + """
    def closure():
        optimizer.zero_grad()
        loss = loss_fn(model(images), labels)
        loss.backward()
        return loss
    return optimizer.step(closure).item()
""",
    "torch.autograd.grad": instead("loss.backward()", (
        "for p, g in zip(model.parameters(), torch.autograd.grad(loss, list(model.parameters()))): p.grad = g")),
}  # fmt: skip
CLIPPED = {
    "to a norm of 1": with_lines("backward()", "nn.utils.clip_grad_norm_(model.parameters(), 1.0)"),
    "to a norm of 0.1": with_lines("backward()", "nn.utils.clip_grad_norm_(model.parameters(), 0.1)"),
    "by value": with_lines("backward()", "nn.utils.clip_grad_value_(model.parameters(), 0.5)"),
    "to a norm of 10": with_lines("backward()", "nn.utils.clip_grad_norm_(model.parameters(), 10.0)"),
    "by a large value": with_lines("backward()", "nn.utils.clip_grad_value_(model.parameters(), 5.0)"),
}  # fmt: skip


def named(said: str, *codes: str) -> dict[str, tuple[str, str]]:
    return {f"{said} ({number})": (code, said) for number, code in enumerate(codes)}


WRONG = {
    **named("no step had been taken",
        instead("loss.backward()", "pass"),
        instead("optimizer.step()", "pass"),
        with_lines("backward()", "optimizer.zero_grad()").replace(ZERO, "", 1)),
    **named("cleared just before", with_lines("backward()", "optimizer.zero_grad(set_to_none=False)")),
    **named("step before were still there", instead("optimizer.zero_grad()", "pass")),
    **named("called twice", with_lines("optimizer.step()", "optimizer.step()")),
    **named("taken three times", HEAD + "    for _ in range(3):\n" + instead(
        "    ", "        ", STEP.removeprefix(HEAD)).replace("        return", "    return")),
    **named("eval mode", with_lines("zero_grad()", "model.eval()")),
    **named("not loss_fn",
        instead("loss_fn(", "F.cross_entropy("),
        instead("loss_fn(", "nn.CrossEntropyLoss()(")),
    **named("summed over the batch", with_lines("labels)", "loss = loss * len(labels)")),
    **named("halved", with_lines("labels)", "loss = loss / 2"), instead("loss.back", "(loss / 2).back")),
    **named("doubled", instead("loss.backward()", "loss.backward(retain_graph=True); loss.backward()")),
    **named("divided by", instead("loss.backward()", "(loss / len(images)).backward()")),
    **named("grow", instead("loss.backward()", "(-loss).backward()")),
    **named("last layer", with_lines("backward()", "model.first.weight.grad = model.norm.weight.grad = model.norm.bias.grad = None")),
    **named("length 1", with_lines("backward()", (
        "n = torch.cat([p.grad.flatten() for p in model.parameters()]).norm(); [p.grad.div_(n) for p in model.parameters()]"))),
    **named("clipped", CLIPPED["to a norm of 1"]),
    **named("left out", instead("model(images), labels", "model(images[:-1]), labels[:-1]")),
    **named("no longer numbers", with_lines("optimizer.step()", "[p.data.fill_(float('nan')) for p in model.parameters()]"),
        with_lines("optimizer.step()", "model.last.bias.data[0] = float('inf')")),
    **named("weights that moved differently",
        instead("optimizer.step()", "torch.optim.Adam(model.parameters()).step()"),
        instead("optimizer.step()", "torch.optim.SGD(model.parameters(), lr=0.01).step()"),
        with_lines("zero_grad()", "for g in optimizer.param_groups: g['lr'] /= 2"),
        with_lines("zero_grad()", "for g in optimizer.param_groups: g['weight_decay'] = 1e-4"),
        with_lines("labels)", "loss = loss + 1e-4 * sum((p ** 2).sum() for p in model.parameters())"),
        with_lines("zero_grad()", "labels = labels.roll(1)"),
        with_lines("zero_grad()", "images = torch.zeros_like(images)"),
        with_lines("zero_grad()", "images = images + 0.1 * torch.randn_like(images)"),
        with_lines("backward()", "[p.grad.sign_() for p in model.parameters()]"),
        CLIPPED["to a norm of 10"], CLIPPED["by a large value"]),
    **named("differently in the second",
        with_lines("optimizer.step()", "optimizer.state.clear()"),
        with_lines("backward()", "for p in model.parameters(): p.old = p.grad = p.grad + 0.5 * getattr(p, 'old', 0)")),
    **named("", "train_step = 3", HEAD + "    raise NotImplementedError()", instead("loss_fn(model(images), labels)", "loss_fn(model(images))")),
}  # fmt: skip
PARTLY_WRONG = {
    "after the step": (instead("loss.item()", "loss_fn(model.train()(images), labels).item()"), 0.0),
    "another value: after the step, in eval mode": (instead("loss.item()", "loss_fn(model.eval()(images), labels).item()"), 0.5),
    "sum over the batch": (instead("loss.item()", "loss.item() * len(labels)"), 0.5),
    "cross entropy, not loss_fn": (instead("loss.item()", "F.cross_entropy(scores, labels).item()").replace(
        "loss = loss_fn(model(images)", "scores = model(images); loss = loss_fn(scores"), 0.5),
    "another value": (instead("loss.item()", "0.0"), 0.5),
    "something that is not a number: NaN": (instead("loss.item()", "float('nan')"), 0.5),
    "not a number: infinity": (instead("loss.item()", "float('inf')"), 0.5),
    "not a number: None": (instead("return loss.item()", "return None"), 0.5),
    "another value: huge": (instead("loss.item()", "10 ** 300"), 0.5),
    "Python float": (instead("loss.item()", "loss"), 0.75),
    "Python float (detached)": (instead("loss.item()", "loss.detach()"), 0.75),
    "one forward pass": (with_lines("zero_grad()", "model(images)"), 0.5),
    "one forward pass (for the accuracy)": (
        with_lines("optimizer.step()", "with torch.no_grad(): right = (model(images).argmax(1) == labels).sum()"), 0.5),
}  # fmt: skip


@pytest.mark.parametrize("way", RIGHT)
def test_right_steps(way: str) -> None:
    verdict = judge("check.learns(step='train_step')", RIGHT[way], STEP)
    assert verdict.share == 1.0, verdict.reasons


@pytest.mark.parametrize("way", CLIPPED)
def test_clipping_where_the_text_allows_it(way: str) -> None:
    allowed = "check.learns(step='train_step', allow=['clipping'])"
    assert judge(allowed, CLIPPED[way], STEP).share == 1.0
    assert judge("check.learns(step='train_step')", CLIPPED[way], STEP).share == 0.0


@pytest.mark.parametrize("limit", [0.01, 0.05])
def test_clipping_to_less_than_the_text_allows(limit: float) -> None:
    code = CLIPPED["to a norm of 0.1"].replace("0.1", str(limit))
    verdict = judge("check.learns(step='train_step', allow=['clipping'])", code, STEP)
    assert verdict.share == 0.0, verdict.reasons


@pytest.mark.parametrize("mistake", WRONG)
@pytest.mark.parametrize("allow", [(), ("clipping",)])
def test_wrong_steps_and_their_name(mistake: str, allow: tuple[str, ...]) -> None:
    code, said = WRONG[mistake]
    if allow and "clip_grad" in code:
        return
    verdict = judge(f"check.learns(step='train_step', allow={allow})", code, STEP)
    assert verdict.share == 0.0 and verdict.internal_error == ""
    assert said in verdict.reasons[0]


@pytest.mark.parametrize("mistake", PARTLY_WRONG)
def test_a_fault_beside_the_step_costs_its_own_share(mistake: str) -> None:
    code, share = PARTLY_WRONG[mistake]
    verdict = judge("check.learns(step='train_step', as_float=True)", code, STEP)
    assert (verdict.share, verdict.internal_error) == (share, "")
    assert mistake.partition(":")[0].partition(" (")[0] in " ".join(verdict.reasons)


def test_who_sets_the_mode() -> None:
    sets = with_lines("zero_grad()", "model.train()")
    assert judge(FULL, sets, STEP).share == 1.0
    verdict = judge(FULL, STEP, STEP)
    assert verdict.share == 0.75 and "sets the mode" in verdict.reasons[0]
    assert judge(FULL, WRONG["eval mode (0)"][0], STEP).share == 0.0
    twice = judge(FULL, WRONG["called twice (0)"][0], STEP)
    assert twice.share == 0.0 and "called twice" in twice.reasons[0]


def test_two_faults_cost_two_shares() -> None:
    verdict = judge(FULL, instead("loss.item()", "loss"), STEP)
    assert verdict.share == 0.5 and len(verdict.reasons) == 2
    halved = judge(FULL.replace(")", ", worth=0.5)"), instead("loss.item()", "loss"), STEP)
    assert halved.share == 0.75


def test_only_clipping_can_be_allowed() -> None:
    with pytest.raises(HiddenTestError, match="clippin"):
        judge("check.learns(step='train_step', allow=['clippin'])", STEP, STEP)


@pytest.mark.parametrize("small", [False, True])
def test_every_mistake_is_far_from_right_whatever_was_drawn(small: bool) -> None:
    """Five times the widest tolerance, so that no rounding decides a verdict."""
    for seed in range(12):
        draw = Draw(torch.Generator().manual_seed(seed))
        problems = stepping.draw_problems(draw, small, sets_mode=False)
        due = stepping.take(problems)
        for said, _, otherwise in MISTAKES:
            got = stepping.take(problems, **otherwise)
            away = max(
                stepping.worst_gap(*three, stepping.WEIGHTS)
                for three in zip(got, due, problems, strict=True)
            )
            assert away > 5 * TOLERANCE[torch.float32] or (small and "clipped" in said), said


def test_every_submission_is_asked_something_else() -> None:
    seen = [
        stepping.draw_problems(Draw(torch.Generator().manual_seed(seed)), False, False)
        for seed in (1, 2)
    ]
    assert not torch.equal(*(problems[0]["batches"][0][0][:6] for problems in seen))
