"""06, blocks and networks: which right answers earn their points, which wrong ones do not."""

from __future__ import annotations

import pytest

from tests.assignments.depth import TRIAL, source

# 2 and 3: blocks and networks --------------------------------------------------------------

FUNCTIONAL_BLOCK = """
    class BasicBlock(nn.Module):
        def __init__(self, in_channels, channels, stride=1, shortcut=True):
            super().__init__()
            self.b2, self.b1 = nn.BatchNorm2d(channels), nn.BatchNorm2d(channels)
            self.c2 = nn.Conv2d(channels, channels, 3, padding="same")
            self.c1 = nn.Conv2d(in_channels, channels, 3, stride, 1)
            self.keep, self.project = shortcut, None
            if shortcut and (stride > 1 or in_channels != channels):
                self.project = nn.ModuleDict({
                    "norm": nn.BatchNorm2d(channels),
                    "conv": nn.Conv2d(in_channels, channels, 1, stride)})
        def forward(self, x):
            way = x
            if self.project is not None:
                way = self.project["norm"](self.project["conv"](x))
            y = self.b2(self.c2(torch.relu(self.b1(self.c1(x)))))
            if self.keep:
                y += way
            return y.clamp(min=0)
"""
SLICE = """
class Slice(nn.Module):
    def __init__(self, stride):
        super().__init__()
        self.stride = stride
    def forward(self, x):
        return x[:, :, :: self.stride, :: self.stride]
"""
PROJECTED = "nn.Conv2d(in_channels, channels, 1, stride, bias=False)"
RIGHT_BASIC = {
    "other names, biases, functional": FUNCTIONAL_BLOCK,
    "strided slice before the projection": SLICE
    + source("basic-block", (PROJECTED, f"Slice(stride), {PROJECTED.replace(' stride,', '')}")),
    "ReLUs in place": source(
        "basic-block",
        ("nn.ReLU()", "nn.ReLU(inplace=True)"),
        ("changed = changed + self", "changed += self"),
    ),
    "shortcut first": source(
        "basic-block",
        ("changed = self.layers(x)\n", "way = self.shortcut(x) if self.shortcut else 0 * x\n"),
        ("changed = changed + self.shortcut(x)", "return F.relu(way + self.layers(x))"),
        ("return F.relu(changed)", "return F.relu(self.layers(x))"),
    ),
}
WRONG_BASIC = {
    "shortcut after the last ReLU": source(
        "basic-block",
        ("changed = changed + self", "return F.relu(changed) + self"),
    ),
    "no last ReLU": source("basic-block", ("return F.relu(changed)", "return changed")),
    "no second batch norm": source(
        "basic-block",
        (
            "padding=1, bias=False),\n            nn.BatchNorm2d(channels),\n        )",
            "padding=1, bias=False),\n        )",
        ),
    ),
    "no ReLU inside": source("basic-block", ("            nn.ReLU(),\n", "")),
    "shortcut never": source(
        "basic-block", ("nn.Identity() if shortcut else", ""), ("if shortcut and", "if False and")
    ),
    "shortcut always": source(
        "basic-block", (" if shortcut else None", ""), ("if shortcut and", "if")
    ),
    "stride in the second convolution": source(
        "basic-block",
        ("in_channels, channels, 3, stride,", "in_channels, channels, 3, 1,"),
        ("channels, channels, 3, padding", "channels, channels, 3, stride, padding"),
    ),
    "projection without batch norm": source(
        "basic-block", (f"{PROJECTED},\n                nn.BatchNorm2d(channels),\n", PROJECTED)
    ),
    "projection wherever": source(
        "basic-block", ("if shortcut and (stride != 1 or in_channels != channels)", "if shortcut")
    ),
    "no projection for a stride alone": source("basic-block", ("stride != 1 or in_", "in_")),
    "projection 3x3": source(
        "basic-block", (PROJECTED, PROJECTED.replace("1, stride", "3, stride, padding=1"))
    ),
    "ReLU on the projection": source(
        "basic-block", ("(channels),\n            )", "(channels), nn.ReLU())")
    ),
    "zero padding instead": """
class Pad(nn.Module):
    def __init__(self, channels, stride):
        super().__init__()
        self.channels, self.stride = channels, stride
    def forward(self, x):
        x = x[:, : self.channels, :: self.stride, :: self.stride]
        return F.pad(x, [0, 0, 0, 0, 0, self.channels - x.shape[1]])
"""
    + source(
        "basic-block",
        (f"{PROJECTED},\n                nn.BatchNorm2d(channels),\n", "Pad(channels, stride)"),
    ),
}


@pytest.mark.parametrize("name", RIGHT_BASIC)
def test_right_basic_blocks(name: str) -> None:
    TRIAL.accepts("test-basic-block", {"basic-block": RIGHT_BASIC[name]})


@pytest.mark.parametrize("name", WRONG_BASIC)
def test_wrong_basic_blocks(name: str) -> None:
    TRIAL.refuses("test-basic-block", {"basic-block": WRONG_BASIC[name]})


def test_a_block_that_forgets_plain_networks_keeps_part_of_its_points() -> None:
    verdict = TRIAL.refuses("test-basic-block", {"basic-block": WRONG_BASIC["shortcut always"]})
    assert verdict.share == pytest.approx(0.6), verdict.reasons


RIGHT_BOTTLENECK = {
    "biases": source("bottleneck", (", bias=False", "")),
    "written out": """
        class Bottleneck(nn.Module):
            expansion = 4
            def __init__(self, in_channels, channels, stride=1, shortcut=True):
                super().__init__()
                wide = channels * self.expansion
                sizes = [(in_channels, channels, 1), (channels, channels, 3), (channels, wide, 1)]
                self.norms = nn.ModuleList(nn.BatchNorm2d(o) for _, o, _ in sizes)
                self.convs = nn.ModuleList(
                    nn.Conv2d(i, o, k, stride if k == 3 else 1, k // 2) for i, o, k in sizes)
                self.down = None
                if shortcut and not (stride == 1 and in_channels == wide):
                    self.down = nn.Sequential(nn.Conv2d(in_channels, wide, 1, stride),
                                              nn.BatchNorm2d(wide))
                self.add = shortcut
            def forward(self, x):
                y = x
                for number, (conv, norm) in enumerate(zip(self.convs, self.norms)):
                    y = norm(conv(y))
                    if number < 2:
                        y = torch.relu(y)
                if self.add:
                    y = y + (x if self.down is None else self.down(x))
                return torch.relu(y)
    """,
}
WRONG_BOTTLENECK = {
    "stride in the first 1x1": source(
        "bottleneck",
        ("in_channels, channels, 1, bias", "in_channels, channels, 1, stride, bias"),
        ("channels, 3, stride,", "channels, 3, 1,"),
    ),
    "opens twofold": source("bottleneck", ("4 * channels", "2 * channels")),
    "shortcut after the last ReLU": source(
        "bottleneck",
        ("changed = changed + self", "return F.relu(changed) + self"),
    ),
    "one batch norm short": source(
        "bottleneck", ("            nn.BatchNorm2d(4 * channels),\n        )", "        )")
    ),
    "one ReLU short": source(
        "bottleneck", ("nn.ReLU(),\n            nn.Conv2d(channels, 4", "nn.Conv2d(channels, 4")
    ),
    "first block without projection": source(
        "bottleneck",
        ("stride != 1 or in_channels != 4 * channels", "stride != 1"),
    ),
    "shortcut always": source(
        "bottleneck", (" if shortcut else None", ""), ("if shortcut and", "if")
    ),
}


@pytest.mark.parametrize("name", RIGHT_BOTTLENECK)
def test_right_bottlenecks(name: str) -> None:
    TRIAL.accepts("test-bottleneck", {"bottleneck": RIGHT_BOTTLENECK[name]})


def test_a_network_of_other_bottlenecks() -> None:
    TRIAL.accepts("test-resnet50", {"bottleneck": RIGHT_BOTTLENECK["written out"]})


@pytest.mark.parametrize("name", WRONG_BOTTLENECK)
def test_wrong_bottlenecks(name: str) -> None:
    TRIAL.refuses("test-bottleneck", {"bottleneck": WRONG_BOTTLENECK[name]})


AS_A_CLASS = """
    class ResNet18(nn.Module):
        def __init__(self, width=64, shortcut=True):
            super().__init__()
            self.head = nn.Linear(8 * width, 10)
            self.entrance = nn.Conv2d(3, width, 3, 1, 1)
            self.norm = nn.BatchNorm2d(width)
            w = width
            plan = [(w, w, 1), (w, w, 1), (w, 2 * w, 2), (2 * w, 2 * w, 1),
                    (2 * w, 4 * w, 2), (4 * w, 4 * w, 1), (4 * w, 8 * w, 2), (8 * w, 8 * w, 1)]
            self.blocks = nn.ModuleList(BasicBlock(i, o, s, shortcut) for i, o, s in plan)
        def forward(self, x):
            x = F.relu(self.norm(self.entrance(x)))
            for block in self.blocks:
                x = block(x)
            return self.head(F.avg_pool2d(x, 4).flatten(1))
"""
RIGHT_18 = {
    "a class, with biases": AS_A_CLASS,
    "mean in place of pooling": AS_A_CLASS.replace(
        "F.avg_pool2d(x, 4).flatten(1)", "x.mean((2, 3))"
    ),
}
WRONG_18 = {
    "entrance of the paper": source(
        "resnet18", ("nn.Conv2d(3, width, 3, padding=1, bias", "nn.Conv2d(3, width, 7, 2, 3, bias")
    ),
    "max pooling": source("resnet18", ("nn.ReLU()]\n", "nn.ReLU(), nn.MaxPool2d(2)]\n")),
    "no batch norm at the entrance": source("resnet18", ("nn.BatchNorm2d(width), ", "")),
    "ResNet-34": source("resnet18", ("(2, 2, 2, 2)", "(3, 4, 6, 3)")),
    "no stride": source("resnet18", ("stride = 2 if", "stride = 1 if")),
    "stride in the second block": source("resnet18", ("number == 0", "number == 1")),
    "softmax at the end": source(
        "resnet18", ("nn.Linear(in_channels, 10)]", "nn.Linear(in_channels, 10), nn.Softmax(1)]")
    ),
    "max instead of mean": source("resnet18", ("AdaptiveAvgPool2d", "AdaptiveMaxPool2d")),
    "shortcut not handed on": source(
        "resnet18", ("channels, stride, shortcut))", "channels, stride))")
    ),
    "another default width": source("resnet18", ("width=64", "width=32")),
    "width ignored": source("resnet18", ("(2, 2, 2, 2), width,", "(2, 2, 2, 2), 16,")),
}


@pytest.mark.parametrize("name", RIGHT_18)
def test_right_resnet18(name: str) -> None:
    code = RIGHT_18[name]
    TRIAL.accepts("test-resnet18", {"resnet18": code})
    assert TRIAL.passes_visible("test-resnet18", {"resnet18": code})


@pytest.mark.parametrize("name", WRONG_18)
def test_wrong_resnet18(name: str) -> None:
    TRIAL.refuses("test-resnet18", {"resnet18": WRONG_18[name]})


@pytest.mark.parametrize(
    "change",
    [
        ("(3, 4, 6, 3)", "(3, 4, 23, 3)"),
        ("Bottleneck, (3", "BasicBlock, (3"),
        ("width, shortcut)", "width, True)"),
        ("width=64", "width=16"),
    ],
)
def test_wrong_resnet50(change: tuple[str, str]) -> None:
    TRIAL.refuses("test-resnet50", {"resnet50": source("resnet50", change)})


def test_a_layer_that_is_never_used_costs_half() -> None:
    extra = """
        def ResNet50(width=64, shortcut=True):
            model = residual_network(Bottleneck, (3, 4, 6, 3), width, shortcut)
            model[0].never_used = nn.Linear(5, 5)
            return model
    """
    verdict = TRIAL.refuses("test-resnet50", {"resnet50": extra})
    assert verdict.share == pytest.approx(0.5), verdict.reasons


@pytest.mark.parametrize(
    ("small", "large", "share"),
    [
        ("max pool", "", 0.75),  # the same code makes both: the mistake has cost its points
        ("", "too deep", 0.0),
        ("max pool", "too deep, without its last stage", 0.0),
        ("none", "one layer", 0.0),
        ("max pool", "none", 0.0),
    ],
)
def test_a_mistake_of_both_networks_costs_little_in_the_second(
    small: str, large: str, share: float
) -> None:
    stem = (
        "nn.BatchNorm2d(width), nn.ReLU()]",
        "nn.BatchNorm2d(width), nn.ReLU(), nn.MaxPool2d(2)]",
    )
    codes = {
        "": None,
        "none": "pass",
        "max pool": source("resnet18", stem),
        "too deep": source("resnet50", ("(3, 4, 6, 3)", "(3, 4, 23, 3)")),
        "too deep, without its last stage": source("resnet50", ("(3, 4, 6, 3)", "(3, 4, 23)")),
        "one layer": "def ResNet50(width=64, shortcut=True):\n"
        "    return nn.Sequential(nn.Flatten(), nn.Linear(3072, 10))",
    }
    chosen = {"resnet18": codes[small], "resnet50": codes[large]}
    changed = {cell: code for cell, code in chosen.items() if code is not None}
    found = TRIAL.report(changed, only=["test-resnet18", "test-resnet50"])
    assert found["test-resnet50"].share == pytest.approx(share)


@pytest.mark.parametrize(
    ("cell", "block", "network"),
    [
        ("basic-block", "test-basic-block", "test-resnet18"),
        ("bottleneck", "test-bottleneck", "test-resnet50"),
    ],
)
def test_a_projection_that_is_never_used_costs_a_part_of_its_block_alone(
    cell: str, block: str, network: str
) -> None:
    """`shortcut=False` asks for no projection, not even for an idle one."""
    code = TRIAL.cells[cell]
    idle = code.replace(
        "        super().__init__()\n",
        "        super().__init__()\n        if not shortcut:\n"
        "            self.never = nn.Conv2d(in_channels, channels, 1, stride, bias=False)\n",
        1,
    )
    assert idle != code
    found = TRIAL.report({cell: idle}, only=(block, network))
    assert found[block].share in (0.8, 0.75), found[block].reasons
    assert found[network].share == 1.0, found[network].reasons
