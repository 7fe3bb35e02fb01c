"""07: do right answers earn everything, and wrong ones less?"""

from __future__ import annotations

import pytest
from torch import nn

from tests.assignments import residual_networks as networks
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
    "mirrors, averaged as images": (
        "test-bonus-mirror",
        {
            "bonus-mirror": MIRROR.format(
                mode="model.eval()", axis=2, mean="model((x + x.flip(3)) / 2)"
            )
        },
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


RIGHT |= networks.RIGHT
WRONG |= networks.WRONG


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_answer_written_otherwise_earns_everything(name: str) -> None:
    TRIAL.accepts(*RIGHT[name])
    assert not TRIAL.errors


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_answer_loses_points_and_is_told_why(name: str) -> None:
    cell, changed = WRONG[name]
    TRIAL.refuses(cell, changed)
    assert not set(TRIAL.errors) & set(changed)  # the cell itself ran: it is wrong, not broken


@pytest.mark.parametrize("cell", sorted({cell for cell, _ in RIGHT.values()}))
def test_the_solution_earns_everything_without_training(cell: str) -> None:
    TRIAL.accepts(cell)


def test_other_networks_of_the_same_name_are_told_apart_by_half_of_the_points_at_least() -> None:
    for name in ("1x1 after the first block", "average pool", "eleven blocks", "no shortcut"):
        assert TRIAL.refuses(*WRONG[name]).share == 0.0, name


def test_what_the_text_says_of_the_parameters_is_so() -> None:
    network = TRIAL.solution["ResNet"]()
    convolutions = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d)]
    biases = sum(c.bias.numel() for c in convolutions if c.bias is not None)
    without = sum(p.numel() for p in network.parameters()) - biases
    assert without == 4_031_748
    assert without + sum(layer.out_channels for layer in convolutions) == 4_035_364
    assert network.head.in_features == TRIAL.solution["linear_inputs"](TRIAL.solution["STRIDES"])
