"""Assignment 04: which blocks, networks and formulas earn the points of a cell, and which lose them.

The tables hold code with one thing changed.
"""

from __future__ import annotations

from typing import Any

import pytest

from skipgrade.judging.verdict import Verdict
from tests.assignments.variants import Assignment

TRIAL = Assignment("04-plain-residual-mobile")
# Cells that take time and that these tests do not need: every verdict runs the whole notebook.
IDLE = dict.fromkeys(("blocks-figure", "gradient-figure", "share-figure"), "")


def verdict(grade_id: str, changed: dict[str, str]) -> Verdict:
    idle = IDLE if grade_id == "test-complexity" else IDLE | {"complexity": ""}
    found = TRIAL.verdict(grade_id, idle | changed)
    assert not found.internal_error, found.internal_error
    return found


def edited(cell: str, *pairs: tuple[str, str]) -> dict[str, str]:
    """The solution's cell with some pieces of text replaced."""
    code = TRIAL.cells[cell]
    for old, new in pairs:
        assert old in code, f"{cell} does not say {old!r}"
        code = code.replace(old, new)
    return {cell: code}


# Right answers, written otherwise -----------------------------------------------------------

RIGHT: dict[str, tuple[list[str], dict[str, str]]] = {
    "blocks as one Sequential with biases, networks as flat functions": (
        ["test-plain-block", "test-plain-net", "test-conv-dw", "test-mobile-net"],
        {
            "plain-block": """
def PlainBlock(in_channels, out_channels, stride=1):
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1),
        nn.BatchNorm2d(out_channels), nn.ReLU(inplace=True),
        nn.Conv2d(out_channels, out_channels, kernel_size=3, padding="same"),
        nn.BatchNorm2d(out_channels), nn.ReLU(inplace=True))
""",
            "plain-net": """
def flat(block, width, classes):
    layers = [nn.Conv2d(3, width, 3, 1, 1), nn.BatchNorm2d(width), nn.ReLU()]
    for i, o, s in [(1, 1, 1), (1, 1, 1), (1, 2, 2), (2, 2, 1), (2, 4, 2), (4, 4, 1), (4, 8, 2),
                    (8, 8, 1)]:
        layers.append(block(i * width, o * width, stride=s))
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d((1, 1)), nn.Flatten(),
                         nn.Linear(8 * width, classes))

def PlainNet18(width=64, classes=100):
    return flat(PlainBlock, width, classes)
""",
            "conv-dw": """
class conv_dw(nn.Module):
    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__()
        self.norms = nn.ModuleList([nn.BatchNorm2d(out_channels), nn.BatchNorm2d(in_channels)])
        self.point = nn.Conv2d(in_channels, out_channels, 1)
        self.depth = nn.Conv2d(in_channels, in_channels, 3, stride, 1, groups=in_channels)

    def forward(self, x):
        x = torch.relu(self.norms[1](self.depth(x)))
        return self.norms[0](self.point(x)).relu()
""",
            "mobile-net": """
def MobileBlock(in_channels, out_channels, stride=1):
    return nn.Sequential(conv_dw(in_channels, out_channels, stride), conv_dw(out_channels, out_channels))

def MobileNet18(width=64, classes=100):
    return flat(MobileBlock, width, classes)
""",
            "resnet": "",
        },
    ),
    "networks with attributes of their own, blocks that inherit, zeros by cat": (
        ["test-res-block", "test-resnet", "test-plain-net"],
        {
            "res-block": """
class ResBlock(PlainBlock):
    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__(in_channels, out_channels, stride)
        self.down = nn.Identity()
        if stride > 1:
            self.down = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, kernel_size=1, stride=stride),
                nn.BatchNorm2d(out_channels))

    def forward(self, x):
        identity = self.down(x)
        out = self.second(F.relu(self.first(x), inplace=True))
        missing = out.shape[1] - identity.shape[1]
        if missing:
            n, _, h, w = identity.shape
            zeros = torch.zeros(n, missing, h, w, dtype=x.dtype, device=x.device)
            identity = torch.cat([identity, zeros], dim=1)
        out += identity
        return F.relu(out, inplace=True)
""",
            "plain-net": """
class _Net(nn.Module):
    kind = None

    def __init__(self, width=64, classes=100):
        super().__init__()
        self.fc = nn.Linear(8 * width, classes)
        self.stages = nn.ModuleList()
        before = width
        for stage in range(4):
            for number in range(2):
                after = width * 2**stage
                stride = 2 if stage and not number else 1
                self.stages.append(self.kind(before, after, stride))
                before = after
        self.bn0 = nn.BatchNorm2d(width)
        self.conv0 = nn.Conv2d(3, width, 3, padding=1, bias=True)

    def forward(self, x):
        x = F.relu(self.bn0(self.conv0(x)))
        for stage in self.stages:
            x = stage(x)
        return self.fc(torch.flatten(F.avg_pool2d(x, 4), 1))

class PlainNet18(_Net):
    kind = PlainBlock
""",
            "resnet": "class ResNet18(_Net):\n    kind = ResBlock\n",
            "mobile-net": "",
        },
    ),
    "zeros by assignment, the projection first": (
        ["test-res-block"],
        edited(
            "res-block",
            (
                "shortcut = F.pad(x, (0, 0, 0, 0, 0, self.more))",
                "shortcut = x.new_zeros(len(x), x.shape[1] + self.more, *x.shape[2:])\n"
                "            shortcut[:, : x.shape[1]] = x",
            ),
            (
                "return F.relu(self.second(F.relu(self.first(x))) + shortcut)",
                "return torch.clamp(torch.add(shortcut, self.second(F.relu(self.first(x)))), min=0)",
            ),
        ),
    ),
    "zeros by a pad of the channels before the two convolutions": (
        ["test-res-block", "test-resnet"],
        edited(
            "res-block",
            (
                "shortcut = F.pad(x, (0, 0, 0, 0, 0, self.more))",
                "shortcut = F.pad(x, [0] * 5 + [self.more]) if self.more > 0 else x",
            ),
        ),
    ),
    "formulas with floats and loops, and the share by division": (
        ["test-formulas"],
        {
            "formulas": """
def standard_weights(out, inn, kernel):
    return float(sum(inn * kernel * kernel for _ in range(out)))

def separable_weights(out, inn, kernel):
    return inn * (kernel * kernel + out)

def remaining_share(out, inn, kernel):
    return separable_weights(out, inn, kernel) / standard_weights(out, inn, kernel)
""",
        },
    ),
    "parameters counted by hand, costs filled in a loop": (
        ["test-complexity"],
        {
            "complexity": """
import ptflops

def complexity(model):
    with torch.no_grad():
        macs, _ = ptflops.get_model_complexity_info(
            model, (3, 32, 32), as_strings=False, print_per_layer_stat=False, verbose=False)
    return [sum(p.numel() for p in model.parameters()), macs]

costs = {}
for label, build in zip(["mobile", "residual", "plain"], [MobileNet18, ResNet18, PlainNet18]):
    costs[label] = complexity(build(WIDTH))
""",
        },
    ),
    "networks with biases, counted by the other engine of ptflops": (
        ["test-complexity"],
        edited("plain-block", ("bias=False", "bias=True"))
        | edited("conv-dw", ("bias=False", "bias=True"))
        | edited("complexity", ("as_strings=False", "as_strings=False, backend='aten'")),
    ),
}


@pytest.mark.parametrize(
    ("grade_id", "changed"),
    [
        pytest.param(grade_id, changed, id=f"{grade_id}: {name}")
        for name, (cells, changed) in RIGHT.items()
        for grade_id in cells
    ],
)
def test_right_answers_earn_every_point(grade_id: str, changed: dict[str, str]) -> None:
    assert verdict(grade_id, changed).share == 1.0
    assert grade_id not in TRIAL.errors


# Wrong answers: what is changed in which cell, and what share of its test's points is left ------

NET = "self.last(maps.mean((2, 3)))"
STRIDES = "(1, 1, 2, 1, 2, 1, 2, 1)"
JOIN = "F.relu(self.second(F.relu(self.first(x))) + shortcut)"
PLAIN = "F.relu(self.second(F.relu(self.first(x))))"
SECOND = "self.second = conv_norm(out_channels, out_channels)"
PROJECT = "conv_norm(in_channels, out_channels, kernel=1, stride=stride)"
PAD = "F.pad(x, (0, 0, 0, 0, 0, self.more))"

WRONG: list[tuple[Any, ...]] = [
    ("no last ReLU", "plain-block", 0, (PLAIN, "self.second(F.relu(self.first(x)))")),
    ("no ReLU in between", "plain-block", 0, (PLAIN, "F.relu(self.second(self.first(x)))")),
    ("no batch norm", "plain-block", 0, ("nn.BatchNorm2d(out_channels),", "")),
    ("another norm", "plain-block", 0, ("nn.BatchNorm2d(", "nn.GroupNorm(1, ")),
    ("ReLU before batch norm", "plain-block", 0, ("nn.BatchNorm2d", "nn.ReLU(), nn.BatchNorm2d"), (PLAIN, "self.second(self.first(x))")),
    ("stride in the second convolution", "plain-block", 0.5, ("self.first = conv_norm(in_channels, out_channels, stride=stride)", "self.first = conv_norm(in_channels, out_channels)"), (SECOND, SECOND[:-1] + ", stride=stride)")),
    ("stride left out", "plain-block", 0.5, (", stride=stride)", ")")),
    ("no padding", "plain-block", 0, ("kernel // 2", "0")),
    ("kernel 5", "plain-block", 0, ("kernel=3", "kernel=5")),
    ("a shortcut already", "plain-block", 0, (PLAIN, "F.relu(self.second(F.relu(self.first(x))) + F.pad(x, (0, 0, 0, 0, 0, 2)))")),
    ("strides one block too late", "plain-net", 0, (STRIDES, "(1, 1, 1, 2, 1, 2, 1, 2)")),
    ("four strides", "plain-net", 0, (STRIDES, "(2, 1, 2, 1, 2, 1, 2, 1)")),
    ("no stride at all", "plain-net", 0, (STRIDES, "(1, 1, 1, 1, 1, 1, 1, 1)")),
    ("max pooling", "plain-net", 0, (NET, "self.last(maps.amax((2, 3)))")),
    ("ReLU on the scores", "plain-net", 0, (NET, f"F.relu({NET})")),
    ("softmax on the scores", "plain-net", 0, (NET, f"{NET}.softmax(1)")),
    ("no batch norm after layer 1", "plain-net", 0, ("self.first = conv_norm(3, width)", "self.first = nn.Conv2d(3, width, 3, 1, 1)")),
    ("no ReLU after layer 1", "plain-net", 0, ("F.relu(self.first(images))", "self.first(images)")),
    ("seven blocks", "plain-net", 0, ("(1, 1, 2, 2, 4, 4, 8, 8)", "(1, 1, 2, 2, 4, 4, 8)"), (STRIDES, "(1, 1, 2, 1, 2, 1, 2)")),
    ("width ignored", "plain-net", 0, ("return Net18(PlainBlock, width, classes)", "return Net18(PlainBlock, 8, classes)")),
    ("ten classes unless told", "plain-net", 0.67, ("(width=64, classes=100)", "(width=64, classes=10)")),
    ("a layer nobody uses", "plain-net", 0.67, ("self.last = ", "self.spare = nn.Linear(9, 9)\n        self.last = ")),
    ("blocks hidden in a list", "plain-net", 0, ("self.blocks = nn.Sequential(*blocks)", "self.blocks = blocks"), ("maps = self.blocks(F.relu(self.first(images)))", "maps = F.relu(self.first(images))\n        for block in self.blocks:\n            maps = block(maps)")),
    ("the plain block again", "res-block", 0, (JOIN, PLAIN)),
    ("shortcut after the last ReLU", "res-block", 0, (JOIN, "F.relu(self.second(F.relu(self.first(x)))) + shortcut")),
    ("ReLU before and after joining", "res-block", 0, (JOIN, "F.relu(F.relu(self.second(F.relu(self.first(x)))) + shortcut)")),
    ("shortcut subtracted", "res-block", 0, (JOIN, JOIN.replace("+", "-"))),
    ("no last ReLU with shortcut", "res-block", 0, (JOIN, "self.second(F.relu(self.first(x))) + shortcut")),
    ("zeros in front", "res-block", 0.75, (PAD, "F.pad(x, (0, 0, 0, 0, self.more, 0))")),
    ("channels repeated instead of zeros", "res-block", 0.75, (PAD, "torch.cat([x, x], 1)[:, : x.shape[1] + self.more]")),
    ("projection wherever channels grow", "res-block", 0.75, ("if stride != 1:", "if stride != 1 or self.more:")),
    ("projection only where channels grow", "res-block", 0.75, ("if stride != 1:", "if self.more and stride != 1:"), (PAD, "F.pad(x[:, :, :: x.shape[2] // self.first(x).shape[2], :: x.shape[2] // self.first(x).shape[2]], (0, 0, 0, 0, 0, self.more))")),
    ("no projection: every second place", "res-block", 0.5, ("if stride != 1:", "if False:"), (PAD, "F.pad(x[:, :, ::stride, ::stride], (0, 0, 0, 0, 0, self.more))"), ("shortcut = ", "stride = self.first[0].stride[0]; shortcut = ")),
    ("projection without batch norm", "res-block", 0.5, (PROJECT, "nn.Conv2d(in_channels, out_channels, 1, stride, bias=False)")),
    ("projection with ReLU", "res-block", 0.5, ("self.projection(x)", "F.relu(self.projection(x))")),
    ("projection 3x3", "res-block", 0.5, ("kernel=1", "kernel=3")),
    ("ResNet18 of plain blocks", "resnet", 0, ("ResBlock", "PlainBlock")),
    ("ResNet18 of narrow default", "resnet", 0.5, ("width=64", "width=32")),
    ("ordinary convolution", "conv-dw", 0, (", groups=in_channels", "")),
    ("nothing between depthwise and pointwise", "conv-dw", 0, ("nn.BatchNorm2d(in_channels),\n        nn.ReLU(),", "")),
    ("no ReLU between", "conv-dw", 0, ("nn.BatchNorm2d(in_channels),\n        nn.ReLU(),", "nn.BatchNorm2d(in_channels),")),
    ("no ReLU at the end", "conv-dw", 0, ("kernel=1),\n        nn.ReLU(),", "kernel=1),")),
    ("ReLU6", "conv-dw", 0, ("nn.ReLU()", "nn.Hardtanh(0, 0.5)")),
    ("stride in the pointwise convolution", "conv-dw", 0.67, ("in_channels, 3, stride, 1,", "in_channels, 3, 1, 1,"), ("kernel=1)", "kernel=1, stride=stride)")),
    ("batch norm and ReLU once more in the block", "mobile-net", 0.5, ("self.second = conv_dw(out_channels, out_channels)", "self.second = nn.Sequential(conv_dw(out_channels, out_channels), nn.BatchNorm2d(out_channels), nn.ReLU())")),
    ("a shortcut round the cheap convolutions", "mobile-net", 0.5, ("return self.second(self.first(x))", "y = self.first(x); return self.second(y) + y")),
    ("stride twice", "mobile-net", 0.25, ("self.second = conv_dw(out_channels, out_channels)", "self.second = conv_dw(out_channels, out_channels, stride)")),
    ("first layer taken apart too", "mobile-net", 0.25, ("return Net18(MobileBlock, width, classes)", "net = Net18(MobileBlock, width, classes)\n    net.first = conv_dw(3, width)\n    return net")),
    ("MobileNet18 of plain blocks", "mobile-net", 0.25, ("Net18(MobileBlock", "Net18(PlainBlock")),
    ("biases counted", "formulas", 0.25, ("N * M * D_K**2", "N * M * D_K**2 + N"), ("M * D_K**2 + N * M", "M * D_K**2 + N * M + M + N")),
    ("N and M swapped", "formulas", 0.25, ("(N, M, D_K)", "(M, N, D_K)")),
    ("always 3x3", "formulas", 0, ("D_K**2", "9")),
    ("filters not squared", "formulas", 0, ("D_K**2", "D_K")),
    ("the saving instead of the share", "formulas", 0.75, ("return 1 / N + 1 / D_K**2", "return 1 - 1 / N - 1 / D_K**2")),
    ("standard over separable", "formulas", 0.75, ("return 1 / N + 1 / D_K**2", "return 1 / (1 / N + 1 / D_K**2)")),
    ("whole division", "formulas", 0.75, ("return 1 / N + 1 / D_K**2", "return separable_weights(N, M, D_K) // standard_weights(N, M, D_K)")),
    ("no numbers", "formulas", 0, ("return ", "return print or ")),
    ("texts", "formulas", 0, ("return N * M * D_K**2", "return 'N M D_K²'"), ("return M * D_K**2 + N * M", "return 'M'"), ("return 1 / N + 1 / D_K**2", "return None")),
    ("MACs first", "complexity", 0, ("return parameters, macs", "return macs, parameters")),
    ("two for each multiply-accumulate", "complexity", 0, ("return parameters, macs", "return parameters, 2 * macs")),
    ("text", "complexity", 0, ("as_strings=False", "as_strings=True")),
    ("a larger image", "complexity", 0, ("(3, 32, 32)", "(3, 64, 64)")),
    ("parameters only", "complexity", 0, ("return parameters, macs", "return [parameters]")),
    ("costs mixed up", "complexity", 0.5, ('"plain": complexity(PlainNet18', '"plain": complexity(MobileNet18')),
    ("costs of another width", "complexity", 0.5, ("width=WIDTH", "width=2 * WIDTH")),
    ("costs missing", "complexity", 0.5, ("costs = {", "cost = {")),
    ("costs of one number", "complexity", 0.5, ("complexity(PlainNet18(width=WIDTH))", "complexity(PlainNet18(width=WIDTH))[0]")),
]  # fmt: skip
REWRITTEN = {
    ("one batch norm for both", "plain-block"): """
class PlainBlock(nn.Module):
    def __init__(self, i, o, stride=1):
        super().__init__()
        self.a, self.b = nn.Conv2d(i, o, 3, stride, 1), nn.Conv2d(o, o, 3, 1, 1)
        self.norm = nn.BatchNorm2d(o)

    def forward(self, x):
        return F.relu(self.norm(self.b(F.relu(self.norm(self.a(x))))))
""",
    ("pointwise first", "conv-dw"): """
def conv_dw(i, o, stride=1):
    return nn.Sequential(nn.Conv2d(i, o, 1), nn.BatchNorm2d(o), nn.ReLU(),
                         nn.Conv2d(o, o, 3, stride, 1, groups=o), nn.BatchNorm2d(o), nn.ReLU())
""",
    ("no layer at all", "conv-dw"): "conv_dw = 3",
    ("a list of networks", "plain-net"): "PlainNet18 = [1, 2, 3]",
    ("a block that gives a list", "res-block"): """
class ResBlock(PlainBlock):
    def forward(self, x):
        return ["relu"]
""",
}


@pytest.mark.parametrize(("name", "cell", "left", "pairs"), [(*w[:3], w[3:]) for w in WRONG])
def test_wrong_answers_lose_points_and_are_told_why(
    name: str, cell: str, left: float, pairs: tuple[tuple[str, str], ...]
) -> None:
    found = verdict(f"test-{cell}", edited(cell, *pairs))
    assert found.share == pytest.approx(left, abs=0.005), found.reasons
    assert all("Expected" in reason and "Got" in reason for reason in found.reasons)


@pytest.mark.parametrize(("name", "cell"), REWRITTEN)
def test_wrong_answers_of_another_kind_earn_nothing(name: str, cell: str) -> None:
    found = verdict(f"test-{cell}", {cell: REWRITTEN[name, cell]})
    assert found.share == 0
    assert found.reasons


def test_a_width_no_machine_can_build_harms_nobody() -> None:
    huge = {"budget": "EPOCHS, WIDTH, BATCH = 4, 10**9, 32", "complexity": "costs = {}"}
    assert verdict("test-complexity", huge).share == 0


@pytest.mark.parametrize(
    "mistake",
    [
        "stride left out", "no padding", "no batch norm", "blocks hidden in a list", "max pooling",
        "the plain block again", "zeros in front", "projection without batch norm",
        "ordinary convolution", "stride twice", "always 3x3", "MACs first",
        "two for each multiply-accumulate",
    ],
)  # fmt: skip
def test_the_visible_asserts_find_the_commonest_mistakes(mistake: str) -> None:
    cell, pairs = next((w[1], w[3:]) for w in WRONG if w[0] == mistake)
    caught = not TRIAL.passes_visible(f"test-{cell}", IDLE | edited(cell, *pairs))
    assert caught


def test_stubs_earn_nothing() -> None:
    cells = ("plain-block", "plain-net", "res-block", "resnet", "conv-dw", "mobile-net")
    stubs = dict.fromkeys((*cells, "formulas", "complexity"), "raise NotImplementedError()")
    for grade_id in TRIAL.source.tests:
        assert TRIAL.verdict(grade_id, IDLE | stubs).share == 0, grade_id
