"""Assignment 05: right answers in other styles earn everything, wrong ones lose their cell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from matplotlib.figure import Figure
from safetensors.torch import save_file

from skipgrade import lab
from skipgrade.lab.pack import FILE, Pack, write_pack
from tests.assignments.variants import Assignment

NAME = "05-resnet20-tuning"


@pytest.fixture(scope="module")
def trial() -> Assignment:
    return Assignment(NAME)


def share(trial: Assignment, cell: str, changed: dict[str, str], **more: Any) -> float:
    verdict = trial.verdict(cell, changed, **more)
    assert not verdict.internal_error, verdict.internal_error
    return verdict.share


RIGHT_SHORTCUTS = {
    "cat": """
def shortcut(x, channels, stride):
    if stride > 1:
        x = x[..., ::stride, ::stride]
    n, c, h, w = x.shape
    return torch.cat([x, x.new_zeros(n, channels - c, h, w)], dim=1)
""",
    "pooling": """
def shortcut(x, channels, stride):
    x = F.avg_pool2d(x, 1, stride)
    return F.pad(x, [0, 0, 0, 0, 0, channels - x.size(1)])
""",
    "filled in": """
def shortcut(x, channels, stride):
    small = x[:, :, ::stride, ::stride]
    out = torch.zeros(len(x), channels, *small.shape[2:], dtype=x.dtype, device=x.device)
    out[:, :x.shape[1]] = small
    return out
""",
}
WRONG_SHORTCUTS = {
    "zeros on both sides": """
def shortcut(x, channels, stride):
    more = channels - x.shape[1]
    return F.pad(x[:, :, ::stride, ::stride], (0, 0, 0, 0, more // 2, more - more // 2))
""",
    "mean of four": """
def shortcut(x, channels, stride):
    x = F.avg_pool2d(x, stride, stride)
    return F.pad(x, (0, 0, 0, 0, 0, channels - x.shape[1]))
""",
    "the other pixels": """
def shortcut(x, channels, stride):
    x = x[:, :, stride - 1::stride, stride - 1::stride]
    return F.pad(x, (0, 0, 0, 0, 0, channels - x.shape[1]))
""",
    "stride is always 2": """
def shortcut(x, channels, stride):
    if channels != x.shape[1]:
        x = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 0, channels - x.shape[1]))
    return x
""",
    "repeats": """
def shortcut(x, channels, stride):
    return x[:, :, ::stride, ::stride].repeat(1, channels // x.shape[1] + 1, 1, 1)[:, :channels]
""",
    "nothing": "def shortcut(x, channels, stride):\n    raise NotImplementedError()",
    "None": "def shortcut(x, channels, stride):\n    pass",
}


@pytest.mark.parametrize("code", RIGHT_SHORTCUTS.values(), ids=RIGHT_SHORTCUTS.keys())
def test_right_shortcuts(trial: Assignment, code: str) -> None:
    assert share(trial, "test-shortcut", {"shortcut": code}) == 1.0
    assert trial.passes_visible("test-shortcut", {"shortcut": code})
    assert share(trial, "test-block", {"shortcut": code}) == 1.0


@pytest.mark.parametrize("code", WRONG_SHORTCUTS.values(), ids=WRONG_SHORTCUTS.keys())
def test_wrong_shortcuts(trial: Assignment, code: str) -> None:
    assert share(trial, "test-shortcut", {"shortcut": code}) < 1.0


SEQUENTIAL = """
class BasicBlock(nn.Module):
    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__()
        self.last = nn.ReLU(inplace=True)
        self.skip = lambda x: shortcut(x, out_channels, stride)
        self.body = nn.Sequential(
            nn.Conv2d(in_channels, out_channels, 3, stride, 1), nn.BatchNorm2d(out_channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(out_channels, out_channels, 3, 1, 1), nn.BatchNorm2d(out_channels),
        )

    def forward(self, x):
        return self.last(self.skip(x) + self.body(x))
"""
OWN_SHORTCUT = """
class BasicBlock(nn.Module):
    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__()
        self.b2, self.b1 = nn.BatchNorm2d(out_channels), nn.BatchNorm2d(out_channels)
        self.c2 = nn.Conv2d(out_channels, out_channels, 3, padding="same", bias=False)
        self.c1 = nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1, bias=False)
        self.more, self.stride = out_channels - in_channels, stride

    def forward(self, x):
        y = self.b2(self.c2(self.b1(self.c1(x)).clamp(min=0)))
        y = y + F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, 0, self.more))
        return torch.relu(y)
"""
BLOCK = """
class BasicBlock(nn.Module):
    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__()
        self.out_channels, self.stride = out_channels, stride
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(out_channels)

    def forward(self, x):
        out = F.relu(self.norm1(self.conv1(x)))
        out = self.norm2(self.conv2(out))
        return F.relu(out + shortcut(x, self.out_channels, self.stride))
"""
SHORTCUT_LINE = "F.relu(out + shortcut(x, self.out_channels, self.stride))"
WRONG_BLOCKS = {
    "shortcut after the last ReLU": BLOCK.replace(
        SHORTCUT_LINE, "F.relu(out) + shortcut(x, self.out_channels, self.stride)"
    ),
    "no last ReLU": BLOCK.replace(SHORTCUT_LINE, SHORTCUT_LINE.removeprefix("F.relu")),
    "no shortcut": BLOCK.replace(SHORTCUT_LINE, "F.relu(out)"),
    "no second norm": BLOCK.replace("self.norm2(self.conv2(out))", "self.conv2(out)"),
    "one norm for both": BLOCK.replace("self.norm2(self.conv2", "self.norm1(self.conv2"),
    "no first ReLU": BLOCK.replace(
        "F.relu(self.norm1(self.conv1(x)))", "self.norm1(self.conv1(x))"
    ),
    "ReLU before the norm": BLOCK.replace(
        "F.relu(self.norm1(self.conv1(x)))", "self.norm1(F.relu(self.conv1(x)))"
    ),
    "stride in the second": BLOCK.replace("3, stride, padding=1", "3, padding=1").replace(
        "out_channels, out_channels, 3, padding", "out_channels, out_channels, 3, stride, padding"
    ),
    "projection": BLOCK.replace(
        "        self.norm1 =", "        self.p = nn.Conv2d(in_channels, out_channels, 1, stride)\n"
        "        self.norm1 =",
    ).replace("shortcut(x, self.out_channels, self.stride)", "self.p(x)"),
    "an unused layer": BLOCK.replace(
        "        self.norm1 =", "        self.p = nn.Conv2d(in_channels, out_channels, 1, stride)\n"
        "        self.norm1 =",
    ),
}  # fmt: skip


@pytest.mark.parametrize("code", [SEQUENTIAL, OWN_SHORTCUT, BLOCK])
def test_right_blocks(trial: Assignment, code: str) -> None:
    assert share(trial, "test-block", {"block": code}) == 1.0
    assert trial.passes_visible("test-block", {"block": code})
    assert share(trial, "test-resnet20", {"block": code}) == 1.0
    assert trial.passes_visible("test-resnet20", {"block": code})


@pytest.mark.parametrize("code", WRONG_BLOCKS.values(), ids=WRONG_BLOCKS.keys())
def test_wrong_blocks(trial: Assignment, code: str) -> None:
    assert code != BLOCK
    assert share(trial, "test-block", {"block": code}) < 1.0


NET = """
class ResNet20(nn.Module):
    def __init__(self, width=16):
        super().__init__()
        w = width
        self.head = nn.Linear(4 * w, 10)
        self.stages = nn.ModuleList()
        for before, after, stride in ((w, w, 1), (w, 2 * w, 2), (2 * w, 4 * w, 2)):
            self.stages.append(BasicBlock(before, after, stride=stride))
            self.stages.extend(BasicBlock(after, after) for _ in range(2))
        self.start = nn.Sequential(nn.Conv2d(3, w, 3, padding=1), nn.BatchNorm2d(w), nn.ReLU())
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight)

    def forward(self, x):
        x = self.start(x)
        for block in self.stages:
            x = block(x)
        return self.head(F.adaptive_avg_pool2d(x, 1).flatten(1))
"""
WRONG_NETS = {
    "two blocks a stage": NET.replace("range(2)", "range(1)"),
    "width ignored": NET.replace("w = width", "w = 16"),
    "max pooling": NET.replace("adaptive_avg_pool2d", "adaptive_max_pool2d"),
    "no stride": NET.replace("2 * w, 2)", "2 * w, 1)"),
    "softmax": NET.replace("return self.head(", "return F.softmax(self.head(").replace(
        "flatten(1))", "flatten(1)), 1)"
    ),
    "no first ReLU": NET.replace(", nn.ReLU())", ")"),
    "an unused layer": NET.replace("w = width", "w = width\n        self.more = nn.Linear(4, 4)"),
}  # fmt: skip


def test_right_net(trial: Assignment) -> None:
    assert share(trial, "test-resnet20", {"resnet": NET}) == 1.0
    assert trial.passes_visible("test-resnet20", {"resnet": NET})


@pytest.mark.parametrize("code", WRONG_NETS.values(), ids=WRONG_NETS.keys())
def test_wrong_nets(trial: Assignment, code: str) -> None:
    assert code != NET
    assert share(trial, "test-resnet20", {"resnet": code}) < 1.0


# What training leaves behind ---------------------------------------------------------------------


def run(name: str, values: list[float], **settings: Any) -> lab.History:
    history = lab.History(name, settings=settings)
    for number, value in enumerate(values, start=1):
        history.epochs.append(
            {
                "epoch": number, "train_loss": 1.0, "train_accuracy": value, "val_loss": 1.0,
                "val_accuracy": value, "learning_rate": 0.1, "seconds": 1.0,
            }
        )  # fmt: skip
    history.write(f"{name}-history.json")
    return history


def three(trial: Assignment, **changes: Any) -> dict[str, lab.History]:
    """Three trials as the text asks for them, each with another learning rate; one epoch or two of
    them leave the weights near guessing, as they are here."""
    numbers = lab.raw("cifar10", "train")[1]  # a pack in which every class keeps its number
    write_pack(Pack("cifar10", "builtin", lab.raw("cifar10", "train")[0][:10], numbers), Path(FILE))
    for name in "abc":
        net = trial.solution["ResNet20"](trial.solution["WIDTH"])
        save_file(net.state_dict(), f"{name}-best.safetensors")
    return {
        name: run(name, changes.get(name, values), **{"optimizer lr": rate, "seed": number})
        for number, (name, values, rate) in enumerate(
            [("a", [0.05, 0.1], 0.1), ("b", [0.08, 0.11], changes.get("rate", 0.2)),
             ("c", [0.06, 0.07], changes.get("rate", 0.3))]
        )
    }  # fmt: skip


def drawn(trials: dict[str, lab.History]) -> Figure:
    return lab.plot_sweep(trials)


def test_trials(trial: Assignment) -> None:
    trials = three(trial)
    given = {"trials": trials, "trials_figure": drawn(trials)}
    assert share(trial, "test-trials", {}, given=given) == 1.0
    assert trial.passes_visible("test-trials", {}, given)


def test_trials_that_differ_in_the_seed_alone(trial: Assignment) -> None:
    trials = three(trial, rate=0.1)
    given = {"trials": trials, "trials_figure": drawn(trials)}
    assert share(trial, "test-trials", {}, given=given) == 0.0


def test_histories_that_promise_more_than_their_weights_do(trial: Assignment) -> None:
    trials = three(trial, a=[0.5, 0.6], b=[0.4, 0.7])
    given = {"trials": trials, "trials_figure": drawn(trials)}
    assert share(trial, "test-trials", {}, given=given) == pytest.approx(0.6)


def test_trials_of_other_lengths(trial: Assignment) -> None:
    trials = three(trial, c=[0.1, 0.2, 0.3])
    given = {"trials": trials, "trials_figure": drawn(trials)}
    assert share(trial, "test-trials", {}, given=given) == 0.0


def test_too_few_trials_or_another_figure(trial: Assignment) -> None:
    trials = three(trial)
    two = {name: trials[name] for name in "ab"}
    given = {"trials": two, "trials_figure": drawn(two)}
    assert share(trial, "test-trials", {}, given=given) == 0.0
    given = {"trials": trials, "trials_figure": drawn(two)}
    assert share(trial, "test-trials", {}, given=given) == pytest.approx(0.6)
    assert share(trial, "test-trials", {}, given={"trials": None, "trials_figure": 3}) == 0.0


# The final test: a holdout whose label can be read off the network's own scores.


@pytest.fixture
def final(trial: Assignment) -> Any:
    """Weights handed in, and a holdout on which they are always right."""
    torch.manual_seed(0)
    net = trial.solution["ResNet20"](4).eval()
    with torch.no_grad():
        net.linear.weight.mul_(50)
    save_file(net.state_dict(), "resnet20-best.safetensors")
    run("resnet20", [0.5, 0.9])
    pixels = torch.randint(256, (40, 3, 32, 32), dtype=torch.uint8)
    pixels = pixels // (torch.arange(40) % 8 + 1).view(-1, 1, 1, 1).to(torch.uint8)
    mean, std = (torch.tensor(part).view(1, 3, 1, 1) for part in lab.normalisation("cifar10"))
    with torch.no_grad():
        labels = net((pixels.float() / 255 - mean) / std).argmax(1)
    labels[0] = 9  # so that ten classes are known; the net may be wrong once
    return lambda name: (pixels, labels)


def test_predictions_of_the_weights_earn_everything(trial: Assignment, final: Any) -> None:
    lab.write_predictions("predictions.csv", final("pack")[1])
    assert share(trial, "test-final", {}, holdout=final) == 1.0


def test_predictions_without_weights_or_far_better_than_they_earn_nothing(
    trial: Assignment, final: Any
) -> None:
    lab.write_predictions("predictions.csv", final("pack")[1])
    save_file(trial.solution["ResNet20"](8).state_dict(), "resnet20-best.safetensors")
    verdict = trial.verdict("test-final", {}, holdout=final)
    assert verdict.share == 0.0 and "does not fit" in verdict.reasons[0], verdict
    worse = trial.solution["ResNet20"](4)
    with torch.no_grad():
        worse.linear.weight.zero_()
        worse.linear.bias.copy_(torch.arange(10) == 8)
    save_file(worse.state_dict(), "resnet20-best.safetensors")
    verdict = trial.verdict("test-final", {}, holdout=final)
    assert verdict.share == 0.0 and "of the first 40 the file" in verdict.reasons[0], verdict


@pytest.mark.parametrize(
    ("wrong", "expected"), [(2, 1.0), (10, 1.0), (14, 0.5), (18, 0.5), (22, 0)]
)
def test_predictions_count_as_far_as_the_weights_give_them(
    trial: Assignment, final: Any, wrong: int, expected: float
) -> None:
    """A right file may be a little better than its weights, by averaging; never losing all."""
    pixels, labels = final("pack")
    labels[1 : wrong + 1] = (labels[1 : wrong + 1] + 1) % 10  # the weights have these wrong
    lab.write_predictions("predictions.csv", labels)
    assert share(trial, "test-final", {}, holdout=lambda name: (pixels, labels)) == expected


def test_bad_predictions(trial: Assignment, final: Any) -> None:
    rows = [f"{number},{label}" for number, label in enumerate(final("pack")[1].tolist())]
    for wrong, told in (
        (["id,label", *rows[:-1]], "got 39"),
        (["id,label", *rows[:-1], "39,10"], "line 41: want a label from 0 to 9"),
        (["id,label", "0,cat", *rows[1:-1], "39,1.0"], "line 2: want two whole numbers"),
        (rows, "first line"),
    ):
        Path("predictions.csv").write_text("\n".join(wrong))
        verdict = trial.verdict("test-final", {}, holdout=final)
        assert verdict.share == 0.0 and told in verdict.reasons[0], verdict


def test_more_than_200_epochs(trial: Assignment, final: Any) -> None:
    lab.write_predictions("predictions.csv", final("pack")[1])
    run("resnet20", [0.9] * 201)
    assert share(trial, "test-final", {}, holdout=final) == 0.0
