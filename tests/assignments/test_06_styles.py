"""Assignment 06: answers in many styles earn everything; mistakes that only some calls show."""

from __future__ import annotations

import pytest
import torch

from tests.assignments.depth import TRIAL, source

NORMALISED = "transforms.functional.normalize(transforms.functional.to_tensor(image), MEAN, STD)"
BY_HAND = f"""
def test_transform(image):
    return {NORMALISED}


def train_transform(image):
    image = F.pad(test_transform(image), (4,) * 4)
    row, column = torch.randint(0, 9, (2,)).tolist()
    image = image[:, row : row + 32, column : column + 32]
    return image.flip(2) if torch.rand(1) < 0.5 else image
"""
IN_NUMPY = f"""
import random
import numpy as np


def test_transform(image):
    return {NORMALISED}


def train_transform(image):
    image = np.pad(np.asarray(image), ((4, 4), (4, 4), (0, 0)))
    row, column = random.randrange(9), random.randint(0, 8)
    image = image[row : row + 32, column : column + 32]
    return test_transform((image[:, ::-1] if random.random() < 0.5 else image).copy())
"""
RIGHT_TRANSFORMS = {"by hand": BY_HAND, "in numpy": IN_NUMPY}
CROP, FLIP = "transforms.RandomCrop(32, padding=4)", "transforms.RandomHorizontalFlip()"
WRONG_TRANSFORMS = {
    "a crop half of the time": source(
        "transforms", (CROP, f"transforms.RandomApply([{CROP}], p=0.5)")
    ),
    "a crop four times in five": source(
        "transforms", (CROP, f"transforms.RandomApply([{CROP}], p=0.8)")
    ),
    "crop or flip": source(
        "transforms", (f"{CROP}, {FLIP}", f"transforms.RandomChoice([{CROP}, {FLIP}])")
    ),
    "a border of 2": source("transforms", ("padding=4", "padding=2")),
    "a mirrored border": source("transforms", ("padding=4", "padding=4, padding_mode='reflect'")),
    "the ninth place forgotten": BY_HAND.replace("randint(0, 9", "randint(0, 8"),
    "upside down as well": source(
        "transforms", (FLIP, f"{FLIP}, transforms.RandomVerticalFlip()")
    ),
    "mirrored too rarely": source("transforms", (FLIP, "transforms.RandomHorizontalFlip(0.3)")),
    "not normalised": source("transforms", (f"{FLIP}, test_transform", f"{FLIP}, transforms.ToTensor()")),
}  # fmt: skip


@pytest.mark.parametrize("code", RIGHT_TRANSFORMS.values(), ids=RIGHT_TRANSFORMS.keys())
def test_right_transforms(code: str) -> None:
    torch.manual_seed(0)
    TRIAL.accepts("test-transforms", {"transforms": code})
    assert "test-transforms" not in TRIAL.errors


@pytest.mark.parametrize("code", WRONG_TRANSFORMS.values(), ids=WRONG_TRANSFORMS.keys())
def test_wrong_transforms_also_in_the_notebook(code: str) -> None:
    torch.manual_seed(0)
    TRIAL.refuses("test-transforms", {"transforms": code})
    assert "test-transforms" in TRIAL.errors


STEPS = "    return torch.optim.lr_scheduler."
SHARES = "[round(total_steps * epoch / 164) for epoch in (81, 122)]"
RIGHT_SCHEDULES = {
    "a factor for each step": "LambdaLR(optimizer, lambda t: 0.1 ** sum(t >= m for m in MARKS))",
    "a factor now and then": "MultiplicativeLR(optimizer, lambda t: 0.1 if t in MARKS else 1.0)",
    "in milestones": "MultiStepLR(optimizer, MARKS)",
}
WRONG_SCHEDULES = {
    "at 50 and 75%": "MultiStepLR(optimizer, [total_steps // 2, total_steps * 3 // 4], 0.1)",
    "epochs, not steps": "MultiStepLR(optimizer, [81, 122], 0.1)",
    "every 81 epochs": "StepLR(optimizer, MARKS[0])",
    "to a rate of its own": "LambdaLR(optimizer, lambda t: 0.1 ** (1 + sum(t >= m for m in MARKS))"
    " / optimizer.param_groups[0]['initial_lr'])",
}


def schedule(made: str) -> dict[str, str]:
    before, _ = TRIAL.cells["recipe"].split("def step_down(optimizer, total_steps):")
    code = f"def step_down(optimizer, total_steps):\n    MARKS = {SHARES}\n{STEPS}{made}\n"
    return {"recipe": before + code}


@pytest.mark.parametrize("made", RIGHT_SCHEDULES.values(), ids=RIGHT_SCHEDULES.keys())
def test_right_schedules(made: str) -> None:
    TRIAL.accepts("test-recipe", schedule(made))
    assert "test-recipe" not in TRIAL.errors


@pytest.mark.parametrize("made", WRONG_SCHEDULES.values(), ids=WRONG_SCHEDULES.keys())
def test_wrong_schedules_also_in_the_notebook(made: str) -> None:
    TRIAL.refuses("test-recipe", schedule(made))
    assert "test-recipe" in TRIAL.errors


WRONG_RECIPES = {
    "convolutions alone": ("(nn.Conv2d, nn.Linear)", "nn.Conv2d"),
    "no momentum": ("momentum=0.9, ", ""),
    "damped": ("momentum=0.9, ", "momentum=0.9, dampening=0.9, "),
}


@pytest.mark.parametrize("pair", WRONG_RECIPES.values(), ids=WRONG_RECIPES.keys())
def test_wrong_recipes_also_in_the_notebook(pair: tuple[str, str]) -> None:
    TRIAL.refuses("test-recipe", {"recipe": source("recipe", pair)})
    assert "test-recipe" in TRIAL.errors


MATRIX = "def confusion_matrix(labels, predicted, num_classes):\n"
LOOP = "    for one, other in zip(labels, predicted):\n        m[one, other] += 1\n    return m\n"
RIGHT_MATRICES = {
    "one-hot": "    return F.one_hot(labels, num_classes).T @ F.one_hot(predicted, num_classes)\n",
    "a row at a time": "    rows = [predicted[labels == k] for k in range(num_classes)]\n"
    "    return torch.stack([row.bincount(minlength=num_classes) for row in rows])\n",
    "scattered": "    m = torch.zeros(num_classes, num_classes)\n"
    "    return m.index_put_((labels, predicted), torch.ones(len(labels)), accumulate=True)\n",
}
WRONG_MATRICES = {
    "every pair once": "    m = torch.zeros(num_classes, num_classes)\n"
    "    m[labels, predicted] += 1\n    return m\n",
    "as many classes as occur": "    n = int(max(labels.max(), predicted.max())) + 1\n"
    "    return torch.bincount(labels * n + predicted, minlength=n * n).view(n, n)\n",
    "three classes": "    return torch.bincount(labels * 3 + predicted, minlength=9).view(3, 3)\n",
}
ONLY_GRADED = {
    "up to 255": f"    m = torch.zeros(num_classes, num_classes, dtype=torch.uint8)\n{LOOP}",
    "ten classes": "    m = torch.zeros(num_classes, num_classes)\n"
    + LOOP.replace("        m[", "        if max(one, other) < 10:\n            m["),
}


@pytest.mark.parametrize("code", RIGHT_MATRICES.values(), ids=RIGHT_MATRICES.keys())
def test_right_matrices(code: str) -> None:
    TRIAL.accepts("test-bonus-matrix", {"bonus-matrix": MATRIX + code})
    assert "test-bonus-matrix" not in TRIAL.errors


@pytest.mark.parametrize("code", WRONG_MATRICES.values(), ids=WRONG_MATRICES.keys())
def test_wrong_matrices_also_in_the_notebook(code: str) -> None:
    TRIAL.refuses("test-bonus-matrix", {"bonus-matrix": MATRIX + code})
    assert "test-bonus-matrix" in TRIAL.errors


@pytest.mark.parametrize("code", ONLY_GRADED.values(), ids=ONLY_GRADED.keys())
def test_matrices_that_are_wrong_for_larger_counts(code: str) -> None:
    TRIAL.refuses("test-bonus-matrix", {"bonus-matrix": MATRIX + code})


def test_rates_that_are_nan_only_where_all_images_are_of_one_class() -> None:
    code = source("bonus-rates", ("rest.clamp(min=1)", "rest"))
    TRIAL.refuses("test-bonus-rates", {"bonus-rates": code})
    assert "test-bonus-rates" in TRIAL.errors


@pytest.mark.parametrize(
    ("cell", "grade_id", "left"),
    [("basic-block", "test-basic-block", 0.8), ("bottleneck", "test-bottleneck", 0.75)],
)
def test_a_block_takes_any_stride(cell: str, grade_id: str, left: float) -> None:
    opening = "super().__init__()"
    code = source(cell, (opening, f"{opening}\n        stride = min(stride, 2)"))
    assert TRIAL.refuses(grade_id, {cell: code}).share == pytest.approx(left)
