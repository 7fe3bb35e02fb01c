"""Does assignment 07 give right answers their points, and wrong ones less?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from skipgrade import lab
from skipgrade.judging.verdict import Verdict
from tests.assignments.variants import Assignment

TRIAL = Assignment("07-resnet-cifar100")

FLIPS = """
def random_flips(images, horizontal=0.2, vertical=0.2):
    out = images.clone()
    sideways = torch.rand(len(images)) < horizontal
    upside = torch.rand(len(images)) < vertical
    {body}
    return out
"""
ONE_COIN_A_BATCH = """
def random_flips(images, horizontal=0.2, vertical=0.2):
    if torch.rand(1) < horizontal:
        images = images.flip(3)
    return images.flip(2) if torch.rand(1) < vertical else images
"""
IN_PLACE = """
def random_flips(images, horizontal=0.2, vertical=0.2):
    sideways, upside = torch.rand(2, len(images))
    images[sideways < horizontal] = images[sideways < horizontal].flip(3)
    images[upside < vertical] = images[upside < vertical].flip(2)
    return images
"""
TORCHVISION = """
from torchvision.transforms import v2

def random_flips(images, horizontal=0.2, vertical=0.2):
    change = v2.Compose([v2.RandomHorizontalFlip(horizontal), v2.RandomVerticalFlip(vertical)])
    return torch.stack([change(image) for image in images])
"""
BOTH = "out[sideways] = out[sideways].flip(3); out[upside] = out[upside].flip(2)"

BLOCK = """
class BasicBlock(nn.Module):
    def __init__(self, channels_in, channels_out, stride=1):
        super().__init__()
        {init}

    def forward(self, x):
        {forward}
"""
PARTS = (
    "self.c1 = nn.Conv2d(channels_in, channels_out, 3, stride, 1); "
    "self.b1 = nn.BatchNorm2d(channels_out); "
    "self.c2 = nn.Conv2d(channels_out, channels_out, 3, 1, 1); "
    "self.b2 = nn.BatchNorm2d(channels_out); "
    "self.stride = stride; "
)
MATCH = "self.match = nn.Conv2d(channels_in, channels_out, 1, stride) if stride != 1 else None"
MAIN = "y = self.b2(self.c2(F.relu(self.b1(self.c1(x)))))"
JOIN = f"{MAIN}; return y + (x if self.match is None else self.match(x))"


def block(init: str = PARTS + MATCH, forward: str = JOIN) -> str:
    return BLOCK.format(init=init, forward=forward)


IN_SEQUENCE = """
class BasicBlock(nn.Module):
    def __init__(self, channels_in, channels_out, stride=1):
        super().__init__()
        if stride > 1:
            self.match_dim = nn.Conv2d(channels_in, channels_out, kernel_size=1, stride=stride)
        self.match_needed = stride > 1
        self.layers = nn.Sequential(
            nn.Conv2d(channels_in, channels_out, 3, stride, padding=1, bias=False),
            nn.BatchNorm2d(channels_out),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels_out, channels_out, 3, padding=1),
            nn.BatchNorm2d(channels_out),
        )

    def forward(self, x):
        shortcut = x
        if self.match_needed:
            shortcut = self.match_dim(x)
        out = self.layers(x)
        out += shortcut
        return out
"""

NETWORK = """
class ResNet(nn.Module):
    def __init__(self, width=32, dropout=0.3, classes=100):
        super().__init__()
        self.stem = nn.Conv2d(3, width, 3, padding=1)
        self.norm = nn.BatchNorm2d(width)
        self.stages = nn.ModuleList()
        self.rate = dropout
        for stage, count in enumerate({counts}):
            c = width * 2**stage
            layers = {up}
            layers += [BasicBlock(c, c, {strides}) for at in range(count)]
            self.stages.append(nn.Sequential(*layers))
        self.fc = nn.Linear(8 * width, classes)
        {extra}

    def forward(self, x):
        x = {stem}
        for stage in self.stages:
            x = stage(x)
        return self.fc({head})
"""
USUAL = {
    "counts": "(2, 4, 4, 2)",
    "up": "[nn.Conv2d(c // 2, c, 1)] if stage else []",
    "strides": "2 if stage and not at else 1",
    "extra": "",
    "stem": "F.dropout(F.relu(self.norm(self.stem(x))), self.rate, self.training)",
    "head": "F.adaptive_max_pool2d(x, 1).flatten(1)",
}


def network(**changes: str) -> str:
    return NETWORK.format(**{**USUAL, **changes})


SCHEDULE = """
def step_down(optimizer, total_steps):
    return torch.optim.lr_scheduler.{scheduler}
"""
MEASURE = """
def measure_gap(model, history, seen):
    {before}
    right = total = 0
    for images, labels in seen:
        with torch.no_grad():
            right += (model(images).argmax(1) == labels).sum()
        total += len(labels)
    training = right / total
    row = {row}
    return {{"running": row["train_accuracy"], "training": training,
            "validation": row["val_accuracy"], "gap": {gap}}}
"""


def measure(
    before: str = "model.eval()",
    row: str = "history.best",
    gap: str = 'training - row["val_accuracy"]',
) -> str:
    return MEASURE.format(before=before, row=row, gap=gap)


MIRROR = """
def mirror_accuracies(model, loader):
    {mode}
    looks = {{"as is": lambda x: model(x), "left-right": lambda x: model(x.flip(-1)),
             "upside down": lambda x: model(x.flip({axis})), "averaged": lambda x: {mean}}}
    with torch.inference_mode():
        return {{name: float(torch.cat([look(x).argmax(1) == y for x, y in loader]).float().mean())
                for name, look in looks.items()}}
"""
MEAN = "(model(x) + model(x.flip(3))) / 2"

RIGHT = {
    "flips by index": ("test-flips", {"flips": FLIPS.format(body=BOTH)}),
    "flips by torchvision": ("test-flips", {"flips": TORCHVISION}),
    "sizes as a float": (
        "test-sizes",
        {
            "sizes": "import math\n"
            "def linear_inputs(strides, size=32, channels=256, pool=4):\n"
            "    for s in strides:\n"
            "        size = math.floor((size - 3 + 2) / s) + 1\n"
            "    return float(channels * math.floor((size - pool) / pool + 1) ** 2)\n"
            "PRINTED_STRIDES = [1] * 6 + [2] + [1] * 3 + [2, 1]"
        },
    ),
    "block with another order of registration": ("test-block", {"block": block()}),
    "block in sequence, as the text's code": ("test-block", {"block": IN_SEQUENCE}),
    "block whose match_dim has no bias": (
        "test-block",
        {
            "block": block(
                PARTS + "self.match = nn.Conv2d(channels_in, channels_out, 1, stride, bias=False) "
                "if stride != 1 else None"
            )
        },
    ),
    "functional network": ("test-network", {"network": network()}),
    "network with ReLU after dropout, which is the same": (
        "test-network",
        {
            "network": network(
                stem="F.relu(F.dropout(self.norm(self.stem(x)), self.rate, self.training))"
            )
        },
    ),
    "network on the block in sequence, without biases of 1x1": (
        "test-network",
        {
            "block": IN_SEQUENCE,
            "network": network(
                up="[nn.Conv2d(c // 2, c, 1, bias=False)] if stage else []",
                head="F.max_pool2d(x, 4).reshape(len(x), -1)",
            ),
        },
    ),
    "schedule by lambda": (
        "test-schedule",
        {
            "schedule": SCHEDULE.format(
                scheduler="LambdaLR(optimizer, lambda s: 1 if s < 0.6 * total_steps else 0.1)"
            )
        },
    ),
    "schedule by steps": (
        "test-schedule",
        {
            "schedule": SCHEDULE.format(
                scheduler="StepLR(optimizer, step_size=int(0.6 * total_steps), gamma=0.1)"
            )
        },
    ),
    "gap by a loop of one's own": ("test-gap", {"measure": measure()}),
    "mirrors by closures": (
        "test-bonus-mirror",
        {"bonus-mirror": MIRROR.format(mode="model.eval()", axis=2, mean=MEAN)},
    ),
    "mirrors, averaged as a sum": (
        "test-bonus-mirror",
        {
            "bonus-mirror": MIRROR.format(
                mode="model.eval()", axis=-2, mean="model(x) + model(x.flip(3))"
            )
        },
    ),
}

WRONG = {
    "stub": ("test-flips", {"flips": "def random_flips(images): raise NotImplementedError"}),
    "one coin a batch": ("test-flips", {"flips": ONE_COIN_A_BATCH}),
    "the input changed": ("test-flips", {"flips": IN_PLACE}),
    "one coin for both flips": (
        "test-flips",
        {
            "flips": FLIPS.format(
                body="out[sideways] = out[sideways].flip(3); out[sideways] = out[sideways].flip(2)"
            )
        },
    ),
    "never both": (
        "test-flips",
        {
            "flips": FLIPS.format(
                body="out[sideways] = images[sideways].flip(3); "
                "out[upside] = images[upside].flip(2)"
            )
        },
    ),
    "axes mixed up": (
        "test-flips",
        {
            "flips": FLIPS.format(
                body="out[sideways] = out[sideways].flip(2); out[upside] = out[upside].flip(3)"
            )
        },
    ),
    "probability of a half": (
        "test-flips",
        {"flips": FLIPS.format(body=BOTH).replace("=0.2", "=0.5")},
    ),
    "no tensor": ("test-flips", {"flips": "def random_flips(images, *p): return 'flipped'"}),
    "sizes without the pool": (
        "test-sizes",
        {
            "sizes": "def linear_inputs(strides, size=32, channels=256, pool=4):\n    return 256\n"
            "PRINTED_STRIDES = STRIDES"
        },
    ),
    "1,024 by the eleventh block": (
        "test-sizes",
        {
            "sizes": TRIAL.cells["sizes"].replace(
                "(*STRIDES[:6], 1, *STRIDES[7:])", "STRIDES[:10] + (1, 1)"
            )
        },
    ),
    "halving rounded down": (
        "test-sizes",
        {"sizes": TRIAL.cells["sizes"].replace("(size - 1) // stride + 1", "size // stride")},
    ),
    "ReLU after the addition": (
        "test-block",
        {"block": block(forward=JOIN.replace("return y + (", "return F.relu(y + (") + ")")},
    ),
    "no shortcut": ("test-block", {"block": block(forward=f"{MAIN}; return y")}),
    "no second batch norm": (
        "test-block",
        {"block": block(forward=JOIN.replace("self.b2(self.c2", "(self.c2"))},
    ),
    "one batch norm for two places": (
        "test-block",
        {"block": block(forward=JOIN.replace("self.b2", "self.b1"))},
    ),
    "no inner ReLU": ("test-block", {"block": block(forward=JOIN.replace("F.relu", ""))}),
    "shortcut by slicing": (
        "test-block",
        {
            "block": block(
                PARTS, f"{MAIN}; x = x[:, :, :: self.stride, :: self.stride]; return y + x"
            )
        },
    ),
    "batch norm in the shortcut": (
        "test-block",
        {
            "block": block(
                PARTS + "self.match = None if stride == 1 else nn.Sequential("
                "nn.Conv2d(channels_in, channels_out, 1, stride), nn.BatchNorm2d(channels_out))"
            )
        },
    ),
    "match_dim at stride 1 too": (
        "test-block",
        {"block": block(PARTS + MATCH.replace("if stride != 1 else None", ""))},
    ),
    "match_dim at stride 1, never used": (
        "test-block",
        {
            "block": block(
                PARTS + "self.match = nn.Conv2d(channels_in, channels_out, 1, stride)",
                f"{MAIN}; return y + (x if self.stride == 1 else self.match(x))",
            )
        },
    ),
    "match_dim at stride 2 alone": (
        "test-block",
        {
            "block": block(
                PARTS + MATCH.replace("stride != 1", "stride == 2"),
                f"{MAIN}; s = 1 if self.match else self.stride; "
                "return y + (self.match or nn.Identity())(x)[:, :, ::s, ::s]",
            )
        },
    ),
    "match_dim with padding": (
        "test-block",
        {"block": block(PARTS + MATCH.replace("1, stride)", "1, stride, padding=1)"))},
    ),
    "stride in the second convolution": (
        "test-block",
        {
            "block": block(
                PARTS.replace("3, stride, 1)", "3, 1, 1)").replace(
                    "channels_out, 3, 1, 1); self.b2", "channels_out, 3, stride, 1); self.b2"
                )
                + MATCH
            )
        },
    ),
    "ReLU before batch norm in the stem": (
        "test-network",
        {
            "network": network(
                stem="F.dropout(self.norm(F.relu(self.stem(x))), self.rate, self.training)"
            )
        },
    ),
    "no batch norm in the stem": (
        "test-network",
        {"network": network(stem="F.dropout(F.relu(self.stem(x)), self.rate, self.training)")},
    ),
    "no dropout": ("test-network", {"network": network(stem="F.relu(self.norm(self.stem(x)))")}),
    "dropout in eval mode": (
        "test-network",
        {"network": network(stem="F.dropout(F.relu(self.norm(self.stem(x))), self.rate)")},
    ),
    "dropout of 0.2": (
        "test-network",
        {"network": network().replace("dropout=0.3", "dropout=0.2")},
    ),
    "dropout hard-coded": (
        "test-network",
        {"network": network().replace("self.rate = dropout", "self.rate = 0.3")},
    ),
    "whole maps dropped": (
        "test-network",
        {"network": network(stem=USUAL["stem"].replace("F.dropout", "F.dropout2d"))},
    ),
    "classes hard-coded": ("test-network", {"network": network().replace("classes)", "100)")}),
    "width hard-coded": (
        "test-network",
        {
            "network": network().replace(
                "super().__init__()", "super().__init__()\n        width = 32"
            )
        },
    ),
    "eleven blocks": ("test-network", {"network": network(counts="(2, 3, 4, 2)")}),
    "1x1 after the first block": (
        "test-network",
        {
            "network": network().replace(
                "layers += [BasicBlock(c, c, 2 if stage and not at else 1) for at in range(count)]",
                "layers = [BasicBlock(c // 2, c // 2, 2), *layers] if stage else []; "
                "layers += [BasicBlock(c, c) for at in range(count - bool(stage))]",
            )
        },
    ),
    "blocks that widen, no 1x1": (
        "test-network",
        {
            "network": network(up="[]").replace(
                "BasicBlock(c, c, 2", "BasicBlock(c if at or not stage else c // 2, c, 2"
            )
        },
    ),
    "stride in the last block of a stage": (
        "test-network",
        {"network": network(strides="2 if stage and at == count - 1 else 1")},
    ),
    "average pool": (
        "test-network",
        {"network": network(head="F.adaptive_avg_pool2d(x, 1).flatten(1)")},
    ),
    "ReLU before the pool": (
        "test-network",
        {"network": network(head="F.adaptive_max_pool2d(x.relu(), 1).flatten(1)")},
    ),
    "softmax at the end": (
        "test-network",
        {
            "network": network().replace("return self.fc(", "return F.softmax(self.fc(")[:-1]
            + ", 1)\n"
        },
    ),
    "a layer never used": (
        "test-network",
        {"network": network(extra="self.old = nn.Linear(4 * 8 * width, classes)")},
    ),
    "drop by epochs of 50": (
        "test-schedule",
        {
            "schedule": SCHEDULE.format(
                scheduler="MultiStepLR(optimizer, [30 * (total_steps // 50)], 0.1)"
            )
        },
    ),
    "drop at step 30": (
        "test-schedule",
        {"schedule": SCHEDULE.format(scheduler="MultiStepLR(optimizer, [30], gamma=0.1)")},
    ),
    "drop one step late": (
        "test-schedule",
        {
            "schedule": SCHEDULE.format(
                scheduler="LambdaLR(optimizer, lambda s: 1 if s <= 0.6 * total_steps else 0.1)"
            )
        },
    ),
    "rate set instead of multiplied": (
        "test-schedule",
        {
            "schedule": SCHEDULE.format(
                scheduler="LambdaLR(optimizer, lambda s: (1e-3 if s < 0.6 * total_steps else 1e-4)"
                " / optimizer.param_groups[0]['initial_lr'])"
            )
        },
    ),
    "a cosine": ("test-schedule", {"schedule": "step_down = lab.cosine"}),
    "no schedule": ("test-schedule", {"schedule": "def step_down(optimizer, steps): pass"}),
    "gap of the last epoch": ("test-gap", {"measure": measure(row="history.epochs[-1]")}),
    "gap in train mode": ("test-gap", {"measure": measure(before="model.train()")}),
    "gap the wrong way round": (
        "test-gap",
        {"measure": measure(gap='row["val_accuracy"] - training')},
    ),
    "gap of the running accuracy": (
        "test-gap",
        {"measure": measure(gap='row["train_accuracy"] - row["val_accuracy"]')},
    ),
    "gap of the first batch": (
        "test-gap",
        {"measure": measure(before="model.eval(); seen = seen[:1]")},
    ),
    "gap in percent": (
        "test-gap",
        {"measure": measure().replace("training = right", "training = 100 * right")},
    ),
    "gap of a list": ("test-gap", {"measure": "def measure_gap(*given): return [1, 2, 3, 4]"}),
    "mirrors in train mode": (
        "test-bonus-mirror",
        {"bonus-mirror": MIRROR.format(mode="model.train()", axis=2, mean=MEAN)},
    ),
    "mirrors along one axis": (
        "test-bonus-mirror",
        {"bonus-mirror": MIRROR.format(mode="model.eval()", axis=3, mean=MEAN)},
    ),
    "averaged over upside down": (
        "test-bonus-mirror",
        {
            "bonus-mirror": MIRROR.format(
                mode="model.eval()", axis=2, mean="model(x) + model(x.flip(2))"
            )
        },
    ),
}


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_answer_written_otherwise_earns_everything(name: str) -> None:
    cell, changed = RIGHT[name]
    verdict = TRIAL.verdict(cell, changed)
    assert verdict.share == 1.0, verdict.reasons
    assert not TRIAL.errors


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_answer_loses_points_and_is_told_why(name: str) -> None:
    cell, changed = WRONG[name]
    verdict = TRIAL.verdict(cell, changed)
    assert verdict.share < 1.0
    assert not verdict.trouble
    assert verdict.reasons
    assert not set(TRIAL.errors) & set(changed)  # the cell itself ran: it is wrong, not broken


@pytest.mark.parametrize("cell", sorted({cell for cell, _ in RIGHT.values()}))
def test_the_solution_earns_everything_without_training(cell: str) -> None:
    assert TRIAL.verdict(cell).share == 1.0


def test_other_networks_of_the_same_name_are_told_apart_by_half_of_the_points_at_least() -> None:
    for name in ("1x1 after the first block", "average pool", "eleven blocks", "no shortcut"):
        cell, changed = WRONG[name]
        assert TRIAL.verdict(cell, changed).share == 0.0, name


# What training leaves behind, made by hand.

TINY = "nn.Sequential(nn.Flatten(), nn.Linear(12, 4))"
TRAIN = [0.10, 0.32, 0.54, 0.81, 0.93]
VALIDATION = [0.09, 0.28, 0.41, 0.44, 0.43]
RECIPE = {"optimizer": "Adam", "optimizer lr": 0.001, "batch size": 50}
RATES = [0.001] * 3 + [0.0001] * 2


def history(name: str, **changes: Any) -> lab.History:
    columns = {"train": TRAIN, "val": VALIDATION, "rates": RATES, "settings": RECIPE, **changes}
    made = lab.History(name, settings=columns["settings"])
    rows = zip(columns["train"], columns["val"], columns["rates"], strict=True)
    for number, (train, val, rate) in enumerate(rows, start=1):
        made.epochs.append(
            {
                "epoch": number,
                "train_loss": 3 - 2 * train,
                "train_accuracy": train,
                "val_loss": 3 - 2 * val,
                "val_accuracy": val,
                "learning_rate": rate,
                "seconds": 1.0,
            }
        )
    made.write(f"{name}-history.json")
    return made


def given() -> dict[str, Any]:
    """The names a student's notebook holds after both runs, and their files."""
    torch.manual_seed(0)
    names: dict[str, Any] = {"seen": [(torch.randn(40, 3, 2, 2), torch.arange(40) % 4)]}
    better = [value + 0.02 for value in VALIDATION]
    columns = {"resnet": {}, "remedy": {"train": [0.09, 0.3, 0.5, 0.6, 0.62], "val": better}}
    for name, changes in columns.items():
        names[name] = nn.Sequential(nn.Flatten(), nn.Linear(12, 4))
        names[f"{name}_history"] = history(name, **changes)
        save_file(names[name].state_dict(), f"{name}-best.safetensors")
    measured = TRIAL.solution["measure_gap"]
    gaps = {
        name: measured(names[name], names[f"{name}_history"], names["seen"]) for name in columns
    }
    return {**names, "gaps": gaps, "overfitting": gaps["resnet"]}


def figure(**curves: list[float]) -> Any:
    drawn, axes = plt.subplots()
    for label, values in curves.items():
        axes.plot(range(1, len(values) + 1), values, label=label)
    axes.set(xlabel="epoch", ylabel="accuracy")
    axes.legend()
    return drawn


GAP = [one - other for one, other in zip(TRAIN, VALIDATION, strict=True)]


def of_run(**changes: Any) -> Verdict:
    names = given()
    names["resnet_history"] = history("resnet", **changes)
    return TRIAL.verdict("test-run", given=names)


def test_a_run_by_the_recipe() -> None:
    assert of_run().share == 1.0
    longer = of_run(rates=[0.001] * 30 + [0.0001] * 20, train=[0.5] * 50, val=[0.5] * 50)
    assert longer.share == 1.0, longer.reasons


@pytest.mark.parametrize(
    "changes",
    [
        {"settings": {**RECIPE, "optimizer": "SGD"}},
        {"settings": {**RECIPE, "optimizer lr": 0.01}},
        {"settings": {**RECIPE, "batch size": 128}},
        {"settings": {}},
        {"rates": [0.001] * 51, "train": [0.5] * 51, "val": [0.5] * 51},
    ],
)
def test_a_run_by_another_recipe(changes: dict[str, Any]) -> None:
    verdict = of_run(**changes)
    assert verdict.share == 0.0
    assert not verdict.trouble


def test_a_run_without_the_drop_earns_half() -> None:
    assert of_run(rates=[0.001] * 5).share == 0.5


def test_a_run_that_is_missing() -> None:
    verdict = TRIAL.verdict("test-run")
    assert verdict.share == 0.0 and not verdict.trouble


def of_overfitting(**changes: Any) -> Verdict:
    names = given()
    names["overfitting_figure"] = figure(training=TRAIN, validation=VALIDATION, gap=GAP)
    return TRIAL.verdict("test-overfitting", given={**names, **changes})


def test_the_figure_of_the_gap() -> None:
    assert of_overfitting().share == 1.0
    two, (left, right) = plt.subplots(1, 2)
    left.plot(TRAIN, label="train accuracy")
    left.plot(VALIDATION, label="val accuracy")
    right.plot(GAP, label="gap: train - val")
    for axes in (left, right):
        axes.set(xlabel="epoch", ylabel="accuracy")
        axes.legend()
    verdict = of_overfitting(overfitting_figure=two)
    assert verdict.share == 1.0, verdict.reasons


@pytest.mark.parametrize(
    "changes",
    [
        {"overfitting": {"running": 0.9, "training": 0.9, "validation": 0.4, "gap": 0.5}},
        {"overfitting": None},
        {"overfitting": {"running": "much"}},
        {"overfitting_figure": "a figure"},
        {"overfitting_figure": lambda: figure(training=TRAIN, validation=VALIDATION)},
        {"overfitting_figure": lambda: figure(training=VALIDATION, validation=TRAIN, gap=GAP)},
        {
            "overfitting_figure": lambda: figure(
                training=[100 * v for v in TRAIN],
                validation=[100 * v for v in VALIDATION],
                gap=[100 * v for v in GAP],
            )
        },
    ],
)
def test_a_wrong_figure_of_the_gap(changes: dict[str, Any]) -> None:
    drawn = {key: value() if callable(value) else value for key, value in changes.items()}
    verdict = of_overfitting(**drawn)
    assert verdict.share <= 0.5
    assert not verdict.trouble and verdict.reasons


def of_remedy(**changes: Any) -> Verdict:
    return TRIAL.verdict("test-remedy", given={**given(), **changes})


def test_a_remedy_measured_right() -> None:
    assert of_remedy().share == 1.0


def test_a_remedy_measured_wrong() -> None:
    gaps = given()["gaps"]
    swapped = {"resnet": gaps["remedy"], "remedy": gaps["resnet"]}
    assert of_remedy(gaps=swapped).share == 0.0
    assert of_remedy(gaps={**gaps, "remedy": gaps["resnet"]}).share == 0.5
    nothing = of_remedy(gaps=[])
    assert nothing.share == 0.0 and not nothing.trouble


def test_a_remedy_that_is_the_first_run_under_another_name() -> None:
    names = given()
    names["remedy_history"] = history("remedy")
    assert TRIAL.verdict("test-remedy", given=names).share == 0.0
    history("remedy", train=TRAIN[:3], val=VALIDATION[:3], rates=RATES[:3])
    assert TRIAL.verdict("test-remedy", given=names).share == 0.0


def holdout(name: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Two hundred images whose top left pixel tells the class, as far as `perceiving` goes."""
    labels = torch.arange(200) % 100
    pixels = torch.zeros(200, 3, 32, 32, dtype=torch.uint8)
    pixels[:, 0, 0, 0] = (2 * labels).to(torch.uint8)
    return pixels, labels


PERCEIVING = """
graded_run = "{run}"

class Perceiving(nn.Module):
    def __init__(self):
        super().__init__()
        self.right = nn.Parameter(torch.zeros(()))

    def forward(self, images):
        mean, std = (part[0] for part in lab.normalisation("cifar100"))
        found = ((images[:, 0, 0, 0] * std + mean) * 127.5).round().long()
        known = found < self.right
        return F.one_hot(torch.where(known, found, (found + 1) % 100), 100).float()

def build_graded():
    return Perceiving()
"""


@pytest.mark.parametrize(("right", "share"), [(0.05, 1.0), (0.04, 1.0), (0.03, 0.5), (0.02, 0.0)])
@pytest.mark.parametrize("run", ["resnet", "remedy"])
def test_the_limits_of_the_drawn_images(right: float, share: float, run: str) -> None:
    names = given()
    save_file({"right": torch.tensor(100 * right)}, f"{run}-best.safetensors")
    changed = {"graded": PERCEIVING.format(run=run)}
    verdict = TRIAL.verdict("test-accuracy", changed, names, holdout)
    assert verdict.share == share, verdict.reasons


@pytest.mark.parametrize("run", ["tuned", "../resnet", "", "resnet' + '"])
def test_only_the_two_runs_are_graded(run: str) -> None:
    given()
    changed = {"graded": PERCEIVING.format(run=run)}
    verdict = TRIAL.verdict("test-accuracy", changed, holdout=holdout)
    assert verdict.share == 0.0 and not verdict.trouble


def test_fifty_epochs_are_the_limit() -> None:
    given()
    history("resnet", train=[0.5] * 51, val=[0.5] * 51, rates=[0.001] * 51)
    save_file({"right": torch.tensor(100.0)}, "resnet-best.safetensors")
    changed = {"graded": PERCEIVING.format(run="resnet")}
    assert TRIAL.verdict("test-accuracy", changed, holdout=holdout).share == 0.0


def test_what_the_text_says_of_the_parameters_is_so() -> None:
    network = TRIAL.solution["ResNet"]()
    convolutions = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d)]
    biases = sum(c.bias.numel() for c in convolutions if c.bias is not None)
    without = sum(p.numel() for p in network.parameters()) - biases
    assert without == 4_031_748
    assert without + sum(layer.out_channels for layer in convolutions) == 4_035_364
    assert network.head.in_features == TRIAL.solution["linear_inputs"](TRIAL.solution["STRIDES"])


def test_the_release_states_the_limits_that_are_graded() -> None:
    path = Path(TRIAL.source.path)
    text = " ".join("".join(c["source"]) for c in json.loads(path.read_text())["cells"])
    assert "**4 points from 60 % on, 2 points from 55 % on**" in " ".join(text.split())
    assert "{0.60: 1.0, 0.55: 0.5}" in text
