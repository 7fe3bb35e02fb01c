"""06, images to recipe: which right answers earn their points, which wrong ones do not."""

from __future__ import annotations

import textwrap
from typing import Any

import pytest

from skipgrade.judging.verdict import Verdict
from tests.assignments.variants import Assignment

trial = Assignment("06-depth-and-shortcuts")


def judge(grade_id: str, cell: str | None = None, code: str = "", **more: Any) -> Verdict:
    changed = {cell: textwrap.dedent(code)} if cell else {}
    verdict = trial.verdict(grade_id, changed, **more)
    assert not verdict.trouble, verdict.trouble
    return verdict


def source(cell: str, *replaced: tuple[str, str]) -> str:
    """A cell of the solution with something in it changed."""
    code = trial.cells[cell]
    for old, new in replaced:
        assert old in code, old
        code = code.replace(old, new)
    return code


# 1: images ---------------------------------------------------------------------------------

CROP, FLIP = "transforms.RandomCrop(32, padding=4)", "transforms.RandomHorizontalFlip()"
TENSOR, NORMAL = "transforms.ToTensor()", "transforms.Normalize(MEAN, STD)"
SMALL = "transforms.Resize(16)"


def prepared(train: list[str], test: tuple[str, ...] = (TENSOR, NORMAL)) -> str:
    return (
        f"train_transform = transforms.Compose([{', '.join(train)}])\n"
        f"test_transform = transforms.Compose([{', '.join(test)}])"
    )


RIGHT_TRANSFORMS = {
    "border of the mean colour": prepared([TENSOR, NORMAL, CROP, FLIP]),
    "flip first": prepared([FLIP, CROP, TENSOR, NORMAL]),
    "padding apart": prepared(
        ["transforms.Pad(4)", "transforms.RandomCrop(32)", FLIP, TENSOR, NORMAL]
    ),
    "version 2": """
        from torchvision.transforms import v2
        plain = [v2.ToImage(), v2.ToDtype(torch.float32, scale=True), v2.Normalize(MEAN, STD)]
        test_transform = v2.Compose(plain)
        train_transform = v2.Compose([v2.RandomCrop(32, 4), v2.RandomHorizontalFlip(), *plain])
    """,
    "by hand": """
        def test_transform(image):
            pixels = transforms.functional.to_tensor(image)
            return (pixels - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(STD).view(3, 1, 1)
        def train_transform(image):
            padded = F.pad(test_transform(image), [4] * 4)
            y, x = torch.randint(9, (2,)).tolist()
            window = padded[:, y : y + 32, x : x + 32]
            return window.flip(2) if torch.rand(1) < 0.5 else window
    """,
}
WRONG_TRANSFORMS = {
    "no flip": (prepared([CROP, TENSOR, NORMAL]), 0.5),
    "always flipped": (prepared([CROP, FLIP.replace("()", "(1.0)"), TENSOR, NORMAL]), 0.5),
    "upside down": (prepared([CROP, "transforms.RandomVerticalFlip()", TENSOR, NORMAL]), 0.5),
    "no crop": (prepared([FLIP, TENSOR, NORMAL]), 0.5),
    "crop by two": (prepared([CROP.replace("4", "2"), FLIP, TENSOR, NORMAL]), 0.5),
    "mirrored border": (
        prepared([CROP.replace("4)", "4, padding_mode='reflect')"), FLIP, TENSOR, NORMAL]),
        0.5,
    ),
    "training not normalised": (prepared([CROP, FLIP, TENSOR]), 0.5),
    "test images not normalised": (prepared([CROP, FLIP, TENSOR, NORMAL], (TENSOR,)), 0.5),
    "test images augmented": (prepared([CROP, FLIP, TENSOR, NORMAL], (CROP, TENSOR, NORMAL)), 0.5),
    "halves": (prepared([CROP, FLIP, TENSOR, NORMAL.replace("MEAN, STD", "0.5, 0.5")]), 0.5),
    "the stub": ("train_transform = None\ntest_transform = None", 0.0),
    "numbers": ("train_transform = lambda image: 3\ntest_transform = lambda image: 3", 0.0),
    "another size": (prepared([SMALL, TENSOR], (SMALL, TENSOR)), 0.0),
}


@pytest.mark.parametrize("name", RIGHT_TRANSFORMS)
def test_right_transforms(name: str) -> None:
    verdict = judge("test-transforms", "transforms", RIGHT_TRANSFORMS[name])
    assert verdict.share == 1.0, verdict.reasons
    assert trial.passes_visible(
        "test-transforms", {"transforms": textwrap.dedent(RIGHT_TRANSFORMS[name])}
    )


@pytest.mark.parametrize("name", WRONG_TRANSFORMS)
def test_wrong_transforms(name: str) -> None:
    code, share = WRONG_TRANSFORMS[name]
    verdict = judge("test-transforms", "transforms", code)
    assert verdict.share == share and verdict.reasons


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
    verdict = judge("test-basic-block", "basic-block", RIGHT_BASIC[name])
    assert verdict.share == 1.0, verdict.reasons


@pytest.mark.parametrize("name", WRONG_BASIC)
def test_wrong_basic_blocks(name: str) -> None:
    verdict = judge("test-basic-block", "basic-block", WRONG_BASIC[name])
    assert verdict.share < 1.0 and verdict.reasons


def test_a_block_that_forgets_plain_networks_keeps_part_of_its_points() -> None:
    verdict = judge("test-basic-block", "basic-block", WRONG_BASIC["shortcut always"])
    assert verdict.share == pytest.approx(0.6)


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
    verdict = judge("test-bottleneck", "bottleneck", RIGHT_BOTTLENECK[name])
    assert verdict.share == 1.0, verdict.reasons


def test_a_network_of_other_bottlenecks() -> None:
    verdict = judge("test-resnet50", "bottleneck", RIGHT_BOTTLENECK["written out"])
    assert verdict.share == 1.0, verdict.reasons


@pytest.mark.parametrize("name", WRONG_BOTTLENECK)
def test_wrong_bottlenecks(name: str) -> None:
    verdict = judge("test-bottleneck", "bottleneck", WRONG_BOTTLENECK[name])
    assert verdict.share < 1.0 and verdict.reasons


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
    "mean in place of pooling": textwrap.dedent(AS_A_CLASS).replace(
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
    code = textwrap.dedent(RIGHT_18[name])
    verdict = judge("test-resnet18", "resnet18", code)
    assert verdict.share == 1.0, verdict.reasons
    assert trial.passes_visible("test-resnet18", {"resnet18": code})


@pytest.mark.parametrize("name", WRONG_18)
def test_wrong_resnet18(name: str) -> None:
    verdict = judge("test-resnet18", "resnet18", WRONG_18[name])
    assert verdict.share < 1.0 and verdict.reasons


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
    verdict = judge("test-resnet50", "resnet50", source("resnet50", change))
    assert verdict.share < 1.0 and verdict.reasons


def test_a_layer_that_is_never_used_costs_half() -> None:
    extra = """
        def ResNet50(width=64, shortcut=True):
            model = residual_network(Bottleneck, (3, 4, 6, 3), width, shortcut)
            model[0].never_used = nn.Linear(5, 5)
            return model
    """
    assert judge("test-resnet50", "resnet50", extra).share == pytest.approx(0.5)


# 4: the recipe -----------------------------------------------------------------------------

INITIALISE = "            nn.init.kaiming_normal_(layer.weight)\n"
STEPS = "return torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones, gamma=0.1)"
RIGHT_RECIPES = {
    "fan_out": [("kaiming_normal_(layer.weight)", "kaiming_normal_(layer.weight, mode='fan_out')")],
    "for ReLU by name": [
        ("kaiming_normal_(layer.weight)", "kaiming_normal_(layer.weight, nonlinearity='relu')")
    ],
    "by apply": [
        (
            "    for layer in model.modules():\n"
            "        if isinstance(layer, (nn.Conv2d, nn.Linear)):\n" + INITIALISE,
            "    model.apply(lambda m: nn.init.kaiming_normal_(m.weight)\n"
            "                if isinstance(m, (nn.Conv2d, nn.Linear)) else None)\n",
        )
    ],
    "by the formula": [
        (INITIALISE, "            fan = layer.weight[0].numel()\n"
                     "            layer.weight.data.normal_(0, (2 / fan) ** 0.5)\n"),
    ],
    "Nesterov": [("momentum=0.9,", "momentum=0.9, nesterov=True,")],
    "no decay for vectors": [
        (
            "torch.optim.SGD(parameters, lr=0.1, momentum=0.9, weight_decay=1e-4)",
            "(lambda ps: torch.optim.SGD([{'params': [p for p in ps if p.ndim > 1]}, {'params': "
            "[p for p in ps if p.ndim < 2], 'weight_decay': 0.0}], lr=0.1, momentum=0.9, "
            "weight_decay=1e-4))(list(parameters))",
        )
    ],
    "a lambda": [
        (STEPS, "return torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: "
                "0.1 ** sum(step >= milestone for milestone in milestones))"),
    ],
    "rounded down": [("round(total_steps * epoch / 164)", "total_steps * epoch // 164")],
}  # fmt: skip
WRONG_RECIPES = {
    "convolutions alone": ([("(nn.Conv2d, nn.Linear)", "nn.Conv2d")], 0.5),
    "not nested": ([("model.modules()", "model.children()")], 0.5),
    "uniform": ([("kaiming_normal_", "kaiming_uniform_")], 0.5),
    "Xavier": ([("kaiming_normal_", "xavier_normal_")], 0.5),
    "PyTorch's own": ([(INITIALISE, "            layer.reset_parameters()\n")], 0.5),
    "batch norms too": (
        [(INITIALISE, INITIALISE + "        elif hasattr(layer, 'weight'):\n"
                      "            nn.init.normal_(layer.weight)\n")],
        0.5,
    ),
    "no decay": ([(", weight_decay=1e-4", "")], 0.8),
    "another rate": ([("lr=0.1", "lr=0.01")], 0.8),
    "Adam": ([("SGD(parameters, lr=0.1, momentum=0.9,", "Adam(parameters, lr=0.1,")], 0.0),
    "milestones in epochs": ([("round(total_steps * epoch / 164)", "epoch")], 0.4),
    "one fall": ([("(81, 122)", "(81,)")], 0.4),
    "to a hundredth at once": ([("gamma=0.1", "gamma=0.01")], 0.4),
    "shares of thirds": ([("(81, 122)", "(55, 109)")], 0.4),
    "absolute rates": (
        [(STEPS, "for group in optimizer.param_groups:\n"
                 "        group['lr'] = group['initial_lr'] = 0.1\n    " + STEPS)],
        0.7,
    ),
    "nothing": ([(STEPS, "return None")], 0.0),
}  # fmt: skip


@pytest.mark.parametrize("name", RIGHT_RECIPES)
def test_right_recipes(name: str) -> None:
    code = source("recipe", *RIGHT_RECIPES[name])
    verdict = judge("test-recipe", "recipe", code)
    assert verdict.share == 1.0, verdict.reasons
    assert trial.passes_visible("test-recipe", {"recipe": code})


@pytest.mark.parametrize("name", WRONG_RECIPES)
def test_wrong_recipes(name: str) -> None:
    changes, share = WRONG_RECIPES[name]
    verdict = judge("test-recipe", "recipe", source("recipe", *changes))
    assert verdict.share == pytest.approx(share), verdict.reasons
    assert verdict.reasons
