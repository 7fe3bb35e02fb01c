"""07: coins for the flips, and what the visible part of a test cell notices by itself."""

from __future__ import annotations

import pytest

from tests.assignments.variants import Assignment

TRIAL = Assignment("07-resnet-cifar100")

FLIPS = """
def random_flips(images, horizontal=0.2, vertical=0.2):
    count = len(images)
    {coins}
    images = torch.where(sideways.view(-1, 1, 1, 1), images.flip(3), images)
    return torch.where(upside.view(-1, 1, 1, 1), images.flip(2), images)
"""
ONE_BY_ONE = """
import random

def random_flips(images, horizontal=0.2, vertical=0.2):
    changed = []
    for image in images:
        if random.random() < horizontal:
            image = image.flip(-1)
        {second} random.random() < vertical:
            image = image.flip(-2)
        changed.append(image)
    return torch.stack(changed)
"""
SIZES = """
def linear_inputs(strides, size=32, channels=256, pool=4):
    for stride in strides:
        size = {side}
    return {numbers}

PRINTED_STRIDES = STRIDES[:2] + (1,) + STRIDES[3:]
"""
SIDE, NUMBERS = "(size - 1) // stride + 1", "channels * (size // pool) ** 2"
DROP = """
def step_down(optimizer, total_steps):
    {before}
    return torch.optim.lr_scheduler.MultiStepLR(optimizer, [{drop}], gamma=0.1)
"""


def flips(coins: str) -> dict[str, str]:
    return {"flips": FLIPS.format(coins=coins)}


def sizes(side: str = SIDE, numbers: str = NUMBERS) -> dict[str, str]:
    return {"sizes": SIZES.format(side=side, numbers=numbers)}


def drop(at: str, before: str = "pass") -> dict[str, str]:
    return {"schedule": DROP.format(before=before, drop=at)}


@pytest.mark.parametrize(
    "changed",
    [
        flips("sideways, upside = torch.rand(count) < horizontal, torch.rand(count) < vertical"),
        flips(
            "sideways = torch.bernoulli(torch.full((count,), float(horizontal))).bool()\n"
            "    upside = torch.rand(count) >= 1 - vertical"
        ),
        {"flips": ONE_BY_ONE.format(second="if")},
    ],
)
def test_coins_may_be_drawn_in_any_way(changed: dict[str, str]) -> None:
    TRIAL.accepts("test-flips", changed)


@pytest.mark.parametrize(
    "coins",
    [
        # A seed: the same images at every call.
        "seed = torch.Generator().manual_seed(0)\n"
        "    sideways = torch.rand(count, generator=seed) < horizontal\n"
        "    upside = torch.rand(count, generator=seed) < vertical",
        # The first fifth of the batch instead of a coin.
        "sideways = torch.arange(count) < count * horizontal\n"
        "    upside = torch.rand(count) < vertical",
        # Always the same number of images.
        "sideways = torch.randperm(count) < count * horizontal\n"
        "    upside = torch.randperm(count) < count * vertical",
    ],
)
def test_each_image_draws_its_own_coins_at_every_call(coins: str) -> None:
    verdict = TRIAL.refuses("test-flips", flips(coins))
    assert verdict.share == 0.75
    assert "coin for each image" in str(verdict.reasons[0])


VISIBLE = {
    "test-flips": [
        {"flips": ONE_BY_ONE.format(second="elif")},
        flips("torch.manual_seed(0)\n    sideways, upside = torch.rand(2, count) < horizontal"),
    ],
    "test-sizes": [
        sizes(numbers="channels * ((size - 1) // pool + 1) ** 2"),
        sizes(numbers="channels * size**2 // pool**2"),
        sizes("(size - 1) // 2 + 1 if stride == 2 else size"),
        sizes("(size + 1) // 2 if stride > 1 else size"),
    ],
    "test-schedule": [
        drop("30"),
        drop("30 * total_steps // 50", "optimizer.param_groups[0]['lr'] = 1e-3"),
    ],
}


@pytest.mark.parametrize(
    ("grade_id", "changed"), [(test, one) for test, those in VISIBLE.items() for one in those]
)
def test_the_visible_part_notices(grade_id: str, changed: dict[str, str]) -> None:
    assert not TRIAL.passes_visible(grade_id, changed)


@pytest.mark.parametrize(
    ("old", "new"),
    [("nn.Dropout(", "nn.Dropout2d("), ("dropout=0.3", "dropout=0.2"), ("classes)", "100)")],
)
def test_the_visible_part_notices_in_the_network(old: str, new: str) -> None:
    assert not TRIAL.passes_visible("test-network", TRIAL.edited("network", (old, new)))
