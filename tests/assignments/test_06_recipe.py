"""06, images and recipe: which right answers earn their points, which wrong ones do not."""

from __future__ import annotations

import pytest

from tests.assignments.depth import TRIAL, source

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
    "no image normalised": (prepared([CROP, FLIP, TENSOR], (TENSOR,)), 0.5),
    "test images augmented": (prepared([CROP, FLIP, TENSOR, NORMAL], (CROP, TENSOR, NORMAL)), 0.5),
    "halves": (prepared([CROP, FLIP, TENSOR, NORMAL.replace("MEAN, STD", "0.5, 0.5")]), 0.5),
    "the stub": ("train_transform = None\ntest_transform = None", 0.0),
    "numbers": ("train_transform = lambda image: 3\ntest_transform = lambda image: 3", 0.0),
    "a flip that the place settles": (
        """
        prepared = [transforms.ToTensor(), transforms.Normalize(MEAN, STD)]
        test_transform = transforms.Compose(prepared)
        def train_transform(image):
            y, x = torch.randint(9, (2,)).tolist()
            window = F.pad(test_transform(image), [4] * 4)[:, y : y + 32, x : x + 32]
            return window.flip(2) if (y + x) % 2 else window
        """,
        0.5,
    ),
    "another size": (prepared([SMALL, TENSOR], (SMALL, TENSOR)), 0.0),
}


@pytest.mark.parametrize("name", RIGHT_TRANSFORMS)
def test_right_transforms(name: str) -> None:
    TRIAL.accepts("test-transforms", {"transforms": RIGHT_TRANSFORMS[name]})
    assert TRIAL.passes_visible("test-transforms", {"transforms": RIGHT_TRANSFORMS[name]})


@pytest.mark.parametrize("name", WRONG_TRANSFORMS)
def test_wrong_transforms(name: str) -> None:
    code, share = WRONG_TRANSFORMS[name]
    verdict = TRIAL.refuses("test-transforms", {"transforms": code})
    assert verdict.share == share, verdict.reasons


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
    "Adam": ([("SGD(parameters, lr=0.1, momentum=0.9,", "Adam(parameters, lr=0.1,")], 0.8),
    "no momentum": ([("momentum=0.9", "momentum=0.0")], 0.8),
    "dampened": ([("momentum=0.9", "momentum=0.9, dampening=0.9")], 0.8),
    "no decay at all by groups": (
        [("SGD(parameters,", "SGD([{'params': list(parameters), 'weight_decay': 0.0}],")], 0.8
    ),
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
    TRIAL.accepts("test-recipe", {"recipe": code})
    assert TRIAL.passes_visible("test-recipe", {"recipe": code})


@pytest.mark.parametrize("name", WRONG_RECIPES)
def test_wrong_recipes(name: str) -> None:
    changes, share = WRONG_RECIPES[name]
    verdict = TRIAL.refuses("test-recipe", {"recipe": source("recipe", *changes)})
    assert verdict.share == pytest.approx(share), verdict.reasons


TOLD = {
    "one parameter": (
        "SGD(parameters,", "SGD([next(iter(parameters))],",
        "SGD: rate 0.1, momentum 0.9, decay 0.0001; for another parameter no step at all",
    ),
    "parameters of its own": (
        "SGD(parameters,", "SGD([nn.Parameter(torch.zeros(1))],", "no step at all",
    ),
    "two rates": (
        "torch.optim.SGD(parameters,",
        "(lambda ps, **more: torch.optim.SGD([{'params': ps[:1]}, "
        "{'params': ps[1:], 'lr': 0.02}], **more))(list(parameters),",
        "decay 0.0001; for another parameter SGD: rate 0.02, momentum 0.9, decay 0.0001",
    ),
    "no decay": ("weight_decay=1e-4", "weight_decay=0", "rate 0.1, momentum 0.9, decay 0"),
}  # fmt: skip


@pytest.mark.parametrize("name", TOLD)
def test_an_optimizer_is_told_what_it_does(name: str) -> None:
    old, new, told = TOLD[name]
    (reason,) = TRIAL.refuses("test-recipe", {"recipe": source("recipe", (old, new))}).reasons
    assert told in reason
