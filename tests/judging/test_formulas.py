"""Layers written as formulas: which are the layers they stand for, and what is said of others."""

from __future__ import annotations

from typing import Any

import pytest

from skipgrade.judging.programs import formulas, running
from skipgrade.judging.verdict import Reason
from tests.judging.own_norm import OWN_NORM
from tests.judging.trial import judge

NET = """
def net():
    return nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 5, 3), nn.BatchNorm2d(5),
        nn.ReLU(), nn.Flatten(), nn.Linear(80, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Linear(6, 3))
"""
OWN = OWN_NORM + NET.replace("nn.BatchNorm2d", "BN").replace("nn.BatchNorm1d", "BN")
FORMULA = "return (x - m) / torch.sqrt(v + 1e-5) * w + b"
FORMULAS = (
    "return w * ((x - m) / (v + 1e-5).sqrt()) + b",
    "return w * (x - m) / (v + 1e-5).sqrt() + b",
    "return (x - m) * torch.rsqrt(v + 1e-5) * w + b",
    "return (x - m) * (torch.rsqrt(v + 1e-5) * w) + b",
    "return b + (x - m) / (v + 1e-5) ** 0.5 * w",
    "return torch.addcmul(b, (x - m) * (v + 1e-5) ** -0.5, w)",
    "a = w / (v + 1e-5).sqrt(); return x * a + (b - m * a)",
    "x = x - m; x /= (v + 1e-5).sqrt(); x *= w; x += b; return x",
)
MEAN, VAR = (f"self.running_{what}.copy_(0.9 * self.running_{what} + 0.1 * {what}.detach())"
             for what in ("mean", "var"))  # fmt: skip
UPDATES = (
    "self.running_{0}.mul_(0.9).add_({0}, alpha=0.1)",
    "self.running_{0}.lerp_({0}, 0.1)",
    "self.running_{0} = 0.9 * self.running_{0} + 0.1 * {0}.detach()",
    "self.running_{0}.data = 0.9 * self.running_{0} + 0.1 * {0}.detach()",
    "self.running_{0}[:] = self.running_{0} * 0.9 + {0} * 0.1",
    "self.running_{0} += 0.1 * (x.{0}(d) - self.running_{0})",
)


def changed(*pairs: tuple[str, str]) -> str:
    code = OWN
    for old, new in pairs:
        assert old in code, old
        code = code.replace(old, new)
    return code


RIGHT = {
    "as it is": OWN,
    **{formula: changed((FORMULA, formula)) for formula in FORMULAS},
    **{
        update: changed((MEAN, update.format("mean")), (VAR, update.format("var")))
        for update in UPDATES
    },
    "parameters like maps": changed(
        ("shape = (c,)", "shape = (1, c, 1, 1) if c < 6 else (1, c)"),
        (MEAN, MEAN.replace("detach()", "detach().view(s)")),
        (VAR, VAR.replace("detach()", "detach().view(s)")),
    ),
    "one of three": changed(("BN(5)", "nn.BatchNorm2d(5)"), ("BN(6)", "nn.BatchNorm1d(6)")),
    "no bias in front": changed(("nn.Conv2d(3, 4, 3)", "nn.Conv2d(3, 4, 3, bias=False)")),
    "averages step by step": changed(
        ("x.mean(d), x.var(d, unbiased=False)", "x.mean(d), (x ** 2).mean(d) - x.mean(d) ** 2")
    ),
}
ONE = "batch norm (4 channels"
OF_BATCH = f"{ONE}, with the batch's own statistics"
WRONG = {
    "the unbiased variance": (
        ("x.var(d, unbiased=False)", "x.var(d)"), "normalised by the variance over n - 1"),
    "eps outside": (("torch.sqrt(v + 1e-5)", "(torch.sqrt(v) + 1e-5)"), "eps outside the root"),
    "a large eps": (("1e-5", "1e-3"), "eps 0.001"),
    "no eps": (("v + 1e-5", "v"), "eps 0"),
    "no root": (("torch.sqrt(v + 1e-5)", "(v + 1e-5)"), "by a formula that computes something else"),
    "each image's variance": (
        ("x.var(d, unbiased=False)", "x.var((2, 3), unbiased=False).mean(0) if x.ndim == 4 else x.var(d)"),
        "by a formula that computes something else"),
    "the batch's statistics in eval mode": (("if self.training", "if True"), OF_BATCH),
    "running statistics in train mode": (
        ("in (mean, var,", "in (self.running_mean, self.running_var,"), f"{ONE}) after"),
    "no gamma": (("* w + b", "+ b"), "without a weight of its own (gamma)"),
    "no beta": (("* w + b", "* w"), "without a bias of its own (beta)"),
    "neither": (("* w + b", ""), "without a weight and bias of its own"),
    "gamma for beta": (("* w + b", "* b + w"), "with weight and bias exchanged"),
    "mean for variance": (("m, v,", "v, m,"), "with running mean and running var exchanged"),
    "statistics that are not saved": (
        ('"running_mean", torch.zeros(shape)', '"running_mean", torch.zeros(shape), persistent=False'),
        "with statistics that are not buffers"),
}  # fmt: skip
CHECK = "check.function('net()', x=images(4, size=8))"


@pytest.mark.parametrize("style", RIGHT)
def test_a_batch_norm_however_it_is_written(style: str) -> None:
    verdict = judge(CHECK, RIGHT[style], NET)
    assert verdict.share == 1.0, verdict.reasons


@pytest.mark.parametrize("mistake", WRONG)
def test_another_formula_is_named_as_such(mistake: str) -> None:
    pair, told = WRONG[mistake]
    verdict = judge(CHECK, changed(pair), NET)
    assert verdict.share == 0 and not verdict.internal_error
    (reason,) = map(Reason.of, verdict.reasons)
    assert reason.expected.startswith(ONE) and reason.got.startswith(ONE), reason
    assert told in reason.got


@pytest.mark.parametrize("statistic", ["mean", "var"])
def test_gradients_flow_through_the_statistics(statistic: str) -> None:
    cut = changed((FORMULA, FORMULA.replace(f"{statistic[0]})", f"{statistic[0]}.detach())")
                   .replace("v + 1e-5", "v.detach() + 1e-5" if statistic == "var" else "v + 1e-5")))  # fmt: skip
    verdict = judge(CHECK, cut, NET)
    assert verdict.share == 0 and "gradients" in Reason.of(verdict.reasons[0]).expected


@pytest.mark.parametrize(
    ("old", "new"), [("0.9 * self.running_mean + 0.1", "0.1 * self.running_mean + 0.9"), (VAR, "pass")]
)  # fmt: skip
def test_statistics_that_are_kept_otherwise_cost_a_quarter(old: str, new: str) -> None:
    verdict = judge(CHECK, changed((old, new)), NET)
    assert verdict.share == 0.75 and "running statistics" in verdict.reasons[0]


def test_what_changes_in_place_what_gradients_need_is_told() -> None:
    verdict = judge(CHECK, changed(("(x - m) /", "x.sub_(m) /")), NET)
    assert verdict.share == 0 and not verdict.internal_error
    assert "changes in place" in Reason.of(verdict.reasons[0]).got


def test_a_native_norm_without_its_own_weights_is_told() -> None:
    student = NET.replace("nn.BatchNorm2d(4)", "nn.BatchNorm2d(4, affine=False)")
    (reason,) = map(Reason.of, judge(CHECK, student, NET).reasons)
    assert "without a weight and bias of its own (gamma and beta)" in reason.got


SCALE = """
class net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.w, self.b = nn.Conv2d(3, 4, 3), nn.Parameter(torch.ones(4)), nn.Parameter(torch.ones(4))
    def forward(self, x):
        x, w, b = self.conv(x), self.w.view(4, 1, 1), self.b.view(4, 1, 1)
        for _ in range(300):
            x = x * w - b
        return x.mean((2, 3))
"""


def test_no_search_goes_on_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hundreds of steps that might each end a batch norm: after so many trials none is looked for."""
    tried = []

    def counted(*given: Any) -> Any:
        tried.append(given)
        return running.run_part(*given)

    monkeypatch.setattr(formulas, "run_part", counted)
    monkeypatch.setattr(formulas, "MOST_TRIED", 1e5)
    other = SCALE.replace("range(300)", "range(2)")
    assert judge(CHECK, SCALE, other).share == 0
    assert 0 < len(tried) < 500


HEAD = """
class net(nn.Module):
    def __init__(self):
        super().__init__()
        self.w, self.b = nn.Parameter(torch.rand(5, 3)), nn.Parameter(torch.zeros(5))
        self.v, self.a = nn.Parameter(torch.rand(5, 5)), nn.Parameter(torch.zeros(5))
    def forward(self, x):
        x = x.mean((2, 3))
        return {}
"""
BY_LINEAR = "F.linear(torch.tanh(F.linear(x, self.w, self.b)), self.v, self.a)"


@pytest.mark.parametrize(
    ("formula", "share"),
    [
        ("torch.tanh(x @ self.w.T + self.b) @ self.v.T + self.a", 1.0),
        ("self.a + (self.b + x @ self.w.t()).tanh().matmul(self.v.t())", 1.0),
        ("torch.tanh((x @ self.w.T).add_(self.b)) @ self.v.T + self.a[None]", 1.0),
        ("torch.tanh(x @ self.w.T + self.b) @ self.v.T", 1.0),  # a bias less changes no weights
        ("torch.tanh(x @ self.w.T - self.b) @ self.v.T + self.a", 0.0),
        ("torch.tanh(x @ self.w.T) @ self.v.T + self.a + self.b", 0.0),
        ("torch.tanh(x @ self.w.T + self.b) @ self.v.T + 2 * self.a", 0.0),
    ],
)
def test_a_product_of_matrices_and_an_addition(formula: str, share: float) -> None:
    assert judge(CHECK, HEAD.format(formula), HEAD.format(BY_LINEAR)).share == share
