"""Programs: what can be recorded, however it is written, and what is no network."""

from __future__ import annotations

import warnings

import pytest
import torch

from skipgrade.judging.checks.network import (
    Network,
    NoProgramError,
    solution_network,
    student_network,
)
from skipgrade.judging.judge import trial as trials
from skipgrade.judging.judge.answerers import LocalNotebook
from skipgrade.judging.judge.trial import Trial
from skipgrade.judging.programs.running import run
from skipgrade.judging.verdict import NoAnswerError
from tests.judging.trial import fixed_images, judge, namespace

NET = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4)
        self.drop = nn.Dropout(0.4)
        self.last = nn.Linear(4 * 8 * 8, 5)
    def forward(self, x):
        x = F.max_pool2d(F.relu(self.norm(self.conv(x))), 4)
        return self.last(self.drop(x.flatten(1)))
"""
FLATTEN = "x.flatten(1)"
STYLES = {
    "view by the batch's size": NET.replace(FLATTEN, "x.view(x.size(0), -1)"),
    "view by the last size": NET.replace(FLATTEN, "x.view(-1, 4 * 8 * 8)"),
    "reshape after a turn": NET.replace(FLATTEN, "x.permute(1, 0, 2, 3).permute(1, 0, 2, 3).reshape(len(x), -1)"),
    "prints numbers": NET.replace("x = F.max", "print(x.mean(), float(x.std())); x = F.max"),
    "asserts": NET.replace("x = F.max", "assert x.isfinite().all() and x.mean() < 9; x = F.max"),
    "filled in": NET.replace(FLATTEN, "(lambda out: (out.copy_(x.flatten(1)), out)[1])(torch.zeros(len(x), 256))"),
    "in place": NET.replace("F.relu(self.norm(self.conv(x)))", "self.norm(self.conv(x)).relu_()"),
    "image by image": NET.replace("return self.last(self.drop(x.flatten(1)))",
        "return torch.stack([self.last(row) for row in self.drop(x.flatten(1))])"),
    "autocast asked for": NET.replace("        x = F.max", "        with torch.autocast('cpu', enabled=False):\n         x = F.max"),
    "hooks": NET + "\nPlain = Net\ndef Net():\n    net = Plain()\n    net.conv.register_forward_hook(lambda *a: None)\n    return net",
    "einsum": NET.replace("self.last(self.drop(x.flatten(1)))",
        "torch.einsum('ni,oi->no', self.drop(x.flatten(1)), self.last.weight) + self.last.bias"),
    "double linear": NET.replace("self.last(", "(lambda y: y)(self.last)("),
    "functional dropout": NET.replace("self.drop(x.flatten(1))", "F.dropout(x.flatten(1), 0.4, self.training)"),
}  # fmt: skip


@pytest.mark.parametrize("style", STYLES)
def test_styles_that_can_be_recorded(style: str) -> None:
    verdict = judge("check.function('Net()', x=images(6))", STYLES[style], NET)
    assert verdict.share == 1.0, verdict.reasons
    assert verdict.notes == [], "nothing is measured in the student's process"


@pytest.mark.parametrize("batch", [2, 3, 7, 64])
@pytest.mark.parametrize("train", [False, True])
def test_a_program_computes_what_its_model_does(batch: int, train: bool) -> None:
    """Outputs, gradients and statistics, for any batch size."""
    model = namespace(NET)["Net"]().train(train)
    trial = Trial(
        LocalNotebook({"net": model}), LocalNotebook({"net": model}), fixed_images, grading=True
    )
    network = solution_network(trial, "net")
    program = network.train if train else network.eval
    assert program is not None and program.batch is None
    state = network.loaded({key: value.clone() for key, value in model.state_dict().items()})
    names = {name: number for number, entry in enumerate(program.state) for name in entry.names}
    for name, _ in model.named_parameters():
        state[names[name]].requires_grad_(True)
    x = torch.randn(batch, 3, 32, 32)
    torch.manual_seed(3)
    (got,) = run(program, state, [x])
    torch.manual_seed(3)
    wanted = model(x)
    assert torch.equal(got, wanted)
    got.square().sum().backward()
    wanted.square().sum().backward()
    for name, parameter in model.named_parameters():
        gradient, due = state[names[name]].grad, parameter.grad
        assert gradient is not None and due is not None
        assert torch.allclose(gradient, due, atol=1e-5)
    for name, buffer in model.named_buffers():
        assert torch.equal(state[names[name]], buffer), name


def test_weights_whose_colours_lie_last() -> None:
    """Pooling then takes a step that says where numbers lie in memory; it computes the same."""
    pooled = NET.replace(FLATTEN, "F.adaptive_avg_pool2d(x, 1).flatten(1)")
    pooled = pooled.replace("4 * 8 * 8", "4")
    turned = "\nPlain = Net\ndef Net():\n    return Plain().to(memory_format=torch.channels_last)"
    verdict = judge("check.function('Net()', x=images(6))", pooled + turned, pooled)
    assert verdict.share == 1.0 and verdict.notes == [], verdict


@pytest.mark.parametrize(("axes", "share"), [("0, 2, 3, 1", 1.0), ("0, 3, 2, 1", 0.0)])
def test_images_whose_colours_lie_last(axes: str, share: float) -> None:
    """What is a view of the numbers there may have to be copied where they lie otherwise."""
    plain = """
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.head = nn.Conv2d(3, 4, 3), nn.Linear(4 * 30 * 30, 5)
        def forward(self, x):
            return self.head(self.conv(x).permute(0, 2, 3, 1).flatten(1))
    """
    turned = plain.replace("conv(x)", "conv(x.contiguous(memory_format=torch.channels_last))")
    student = turned.replace("0, 2, 3, 1", axes)
    verdict = judge("check.function('Net()', x=images(6))", student, plain)
    assert verdict.share == share, verdict
    assert not any("taken again" in reason for reason in verdict.reasons)


HALF = {
    "as it is": "lambda net, x: net.conv(x).detach()",
    "by a hook, without gradients": """lambda net, x: (lambda kept: (
        net.conv.register_forward_hook(lambda m, i, o: kept.append(o)),
        torch.no_grad()(net)(x), kept[0].detach())[-1])([])""",
    "by a hook that stays": """lambda net, x: (lambda kept: (
        net.conv.register_forward_hook(lambda m, i, o: kept.append(o.detach().clone())),
        net(x), kept[0])[-1])([])""",
    "in a copy": "lambda net, x: __import__('copy').deepcopy(net).conv(x).detach()",
}


@pytest.mark.parametrize("how", HALF)
def test_what_a_part_of_a_network_gives(how: str) -> None:
    """Whatever else is computed on the way, in place too, is left out."""
    student = NET.replace("F.relu(", "torch.relu_(1 * ") + f"half = {HALF[how]}"
    hidden = "check.function('half', of='Net()', x=images(3), train=False)"
    verdict = judge(hidden, student, f"{NET}half = {HALF['as it is']}")
    assert verdict.share == 1.0 and not verdict.notes, verdict


def test_a_function_of_a_network_that_depends_on_the_images_is_told_so() -> None:
    student = f"{NET}half = lambda net, x: net.conv(x) * (2 if x.mean() > 0 else 3)"
    hidden = "check.function('half', of='Net()', x=images(3))"
    verdict = judge(hidden, student, f"{NET}half = {HALF['as it is']}")
    assert verdict.share == 0.0


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")
def test_a_scripted_network() -> None:
    layers = "nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(3600, 5))"
    scripted = f"net = torch.jit.script({layers})\nfor _ in range(5):\n    net(torch.randn(2, 3, 32, 32)).sum().backward()"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch would have it compiled instead
        verdict = judge("check.function('net', x=images(4))", scripted, f"net = {layers}")
    assert verdict.share == 1.0 and not verdict.notes, verdict


OWN_GRADIENT = """
class Twice(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return 2 * x
    @staticmethod
    def backward(ctx, gradient):
        return {} * gradient
def f(x):
    return Twice.apply(x)
"""


@pytest.mark.parametrize(("factor", "share"), [(2, 1.0), (3, 0.0)])
def test_a_gradient_of_ones_own_is_measured_in_its_process_and_said(
    factor: int, share: float
) -> None:
    verdict = judge(
        "check.function('f', x=images(2))", OWN_GRADIENT.format(factor), "f = lambda x: 2 * x"
    )
    assert verdict.share == share
    assert "measured in the student's process: it has a torch.autograd.Function" in verdict.notes[0]


def test_it_can_be_refused() -> None:
    hidden = "check.function('f', x=images(2))"
    theirs, ours = namespace(OWN_GRADIENT.format(2)), {"f": lambda x: 2 * x}
    trial = Trial(
        LocalNotebook(theirs),
        LocalNotebook(ours),
        fixed_images,
        grading=True,
        accept_unrecorded=False,
    )
    trials.begin(trial)
    try:
        from skipgrade.judging.judge import judge_side

        text = f"from skipgrade.judging import check, images\n{hidden}"
        verdict = judge_side.verdict_on(text, "a-test", {})
    finally:
        trials.end()
    assert (
        verdict.share == 0.0
        and "a forward pass that the judge can run itself" in verdict.reasons[0]
    )


TABLE = NET.replace("self.drop =", "self.table = torch.randn(40, 40); self.drop =").replace(
    "return self.last", "x = x + self.table.mean(); return self.last"
)
DEPENDS = NET.replace("x = F.max", "x = x * (2 if float(x[0, 0, 0, 0]) > 0 else 3); x = F.max")
LOOKS_UP = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Parameter(torch.rand(256, 5))
    def forward(self, x):
        return self.table[(x[:, 0, 0, 0] * 99).long().clamp(0, 255)]
"""


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (TABLE, "numbers that are neither its input nor weights"),
        (LOOKS_UP, "a look-up by what the images show"),
        (NET.replace("return self.last", "x = torch.argsort(x.flatten(1)).float(); return self.last"), "argsort|sort"),
        (NET.replace("return self.last", "x = torch.from_numpy(x.detach().numpy()); return self.last"), "neither its input|depend on what the images show"),
    ],
)  # fmt: skip
def test_what_is_not_taken_for_a_network(code: str, told: str) -> None:
    trial = Trial(
        LocalNotebook(namespace(code)), LocalNotebook(namespace(NET)), fixed_images, grading=True
    )
    with pytest.raises((NoAnswerError, NoProgramError)) as caught:
        student_network(trial, "Net()", "a network", "")
    assert any(word in str(caught.value) for word in told.split("|")), caught.value


def test_steps_that_depend_on_the_images_cannot_be_told() -> None:
    """Recorded often enough, one of two recordings takes the other way."""
    trial = Trial(
        LocalNotebook(namespace(DEPENDS)), LocalNotebook(namespace(NET)), fixed_images, grading=True
    )
    found: list[Network | None] = []
    for seed in range(8):
        torch.manual_seed(seed)
        trial.networks.clear()
        try:
            found.append(student_network(trial, "Net()", "a network", ""))
        except (NoAnswerError, NoProgramError):
            found.append(None)
    assert None in found  # what could be told is one of the two ways, and the judge runs just that
