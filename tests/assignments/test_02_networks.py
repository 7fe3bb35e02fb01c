"""02: which functions and networks earn the points of its test cells, and which lose some?"""

from __future__ import annotations

import pytest

from tests.assignments.tuning import TRIAL
from tests.judging.own_norm import OWN_NORM

AUGMENT = """
def augment(images, padding=4, flip=0.5):
    count, _, height, width = images.shape
    padded = F.pad(images, [padding] * 4)
    tops, lefts = torch.randint(2 * padding + 1, (2, count)).tolist()
    crops = torch.stack([padded[i, :, tops[i]:tops[i] + height, lefts[i]:lefts[i] + width]
                         for i in range(count)])
    mirrored = (torch.rand(count) < flip).view(-1, 1, 1, 1)
    return torch.where(mirrored, crops.flip(3), crops)
"""
IN_A_LOOP = """
def augment(images, padding=4, flip=0.5):
    out = torch.zeros(images.shape)
    for i, image in enumerate(images):
        y, x = torch.randint(0, 2 * padding + 1, (1,)).item(), torch.randint(0, 2 * padding + 1, (1,)).item()
        big = torch.zeros(image.shape[0], image.shape[1] + 2 * padding, image.shape[2] + 2 * padding)
        big[:, padding:padding + image.shape[1], padding:padding + image.shape[2]] = image
        out[i] = big[:, y:y + image.shape[1], x:x + image.shape[2]]
        if torch.rand(1).item() < flip:
            out[i] = out[i].flip(2)
    return out
"""
STEP = """
def augmented_step(model, images, labels, loss_fn, optimizer, padding=4, flip=0.5):
    return train_step(model, augment(images, padding, flip), labels, loss_fn, optimizer)
"""
BY_HAND = """
def augmented_step(model, images, labels, loss_fn, optimizer, padding=4, flip=0.5):
    model.train()
    images = augment(images, padding=padding, flip=flip)
    with torch.autocast("cpu", torch.bfloat16):
        loss = loss_fn(model(images), labels)
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    return loss.item()
"""
NETWORK = """
class LeNet5{kind}(nn.Sequential):
    def __init__(self):
        super().__init__(
            nn.Conv2d(3, 6, 5, bias={bias}), nn.BatchNorm2d(6), {act}, nn.MaxPool2d(2),
            nn.Conv2d(6, 16, 5), nn.BatchNorm2d(16), {act}, nn.MaxPool2d(2), nn.Flatten(),
            nn.Linear(400, 120), nn.BatchNorm1d(120), {act},
            nn.Linear(120, 84), nn.BatchNorm1d(84), {act}, nn.Linear(84, 10))
"""
BY_FORMULA = OWN_NORM + NETWORK.format(kind="BN", act="nn.ReLU()", bias=True).replace(
    "nn.BatchNorm2d", "BN").replace("nn.BatchNorm1d", "BN")  # fmt: skip
PENALTY = """
def l1_penalty(model):
    return {penalty}
def l1_step(model, images, labels, loss_fn, optimizer, strength=1e-4):
    def penalised(scores, labels):
        return loss_fn(scores, labels) + strength * l1_penalty(model)
    return {step}(model, images, labels, penalised, optimizer)
"""
SUM = "sum(p.abs().sum() for p in model.parameters() if p.ndim > 1)"


def instead(code: str, old: str, new: str) -> str:
    assert old in code
    return code.replace(old, new)


def network(kind: str = "BN", act: str = "nn.ReLU()", bias: bool = True) -> dict[str, str]:
    cell = {"BN": "lenet-bn", "Swish": "lenet-swish"}[kind]
    return {cell: NETWORK.format(kind=kind, act=act, bias=bias)}


def penalty(value: str = SUM, step: str = "augmented_step") -> dict[str, str]:
    return {"bonus-penalty": PENALTY.format(penalty=value, step=step)}


def changed(cell: str, code: str, old: str, new: str) -> dict[str, str]:
    return {cell: instead(code, old, new)}


IN_EVAL_MODE = """
def l1_step(model, images, labels, loss_fn, optimizer, strength=1e-4):
    model.eval()
    optimizer.zero_grad()
    loss = loss_fn(model(augment(images)), labels) + strength * l1_penalty(model)
    loss.backward()
    optimizer.step()
    return loss.item()
"""
ONE_HOT = """
def augment(images, padding=4, flip=0.5):
    count, channels, height, width = images.shape
    kernels = torch.zeros(count * channels, 1, 2 * padding + 1, 2 * padding + 1)
    for i in range(count):
        y, x = torch.randint(2 * padding + 1, (2,)).tolist()
        kernels[i * channels : (i + 1) * channels, 0, y, x] = 1
    maps = images.reshape(1, -1, height, width)
    moved = F.conv2d(maps, kernels, padding=padding, groups=len(kernels)).view_as(images)
    coins = torch.rand(count) < flip
    return torch.stack([one.flip(2) if coin else one for one, coin in zip(moved, coins)])
"""
DRAWN, COINS = "torch.randint(2 * padding + 1, (2, count))", "torch.rand(count) < flip"
RIGHT = {
    "a window by convolution": ("test-augment", {"augment": ONE_HOT}),
    "a penalised step by hand": ("test-bonus-penalty", {
        "bonus-penalty": PENALTY.split("def l1_step")[0].format(penalty=SUM) + IN_EVAL_MODE.replace("eval", "train")}),
    "augment as the reference": ("test-augment", {"augment": AUGMENT}),
    "one image after the other": ("test-augment", {"augment": IN_A_LOOP}),
    "a step by hand": ("test-augmented-step", {"augmented-step": BY_HAND}),
    "the same, on a slow augment": ("test-augmented-step", {"augment": IN_A_LOOP, "augmented-step": STEP}),
    "a Sequential": ("test-lenet-bn", network()),
    "batch norms by hand": ("test-lenet-bn", {"lenet-bn": BY_FORMULA}),
    "the last of them by hand": ("test-lenet-bn", changed("lenet-bn", BY_FORMULA, "BN(84)", "nn.BatchNorm1d(84)")),
    "one bias left out": ("test-lenet-bn", network(bias=False)),
    "F.silu": ("test-swish", {"swish": "swish = F.silu"}),
    "by exp": ("test-swish", {"swish": "def swish(x): return x / (1 + torch.exp(-x))"}),
    "nn.SiLU": ("test-lenet-swish", network("Swish", "nn.SiLU()")),
    "norm": ("test-bonus-penalty", penalty("sum(torch.norm(p, 1) for p in model.parameters() if p.dim() > 1)")),
    "by layers": ("test-bonus-penalty", penalty(
        "torch.stack([m.weight.abs().sum() for m in model.modules() if isinstance(m, (nn.Conv2d, nn.Linear))]).sum()")),
    "a clipped, autocast step": ("test-bonus-penalty", {"augmented-step": BY_HAND, **penalty()}),
}  # fmt: skip
WRONG = {
    "one place for all": ("test-augment", changed(
        "augment", AUGMENT, "(2, count)).tolist()", "(2, 1)).expand(2, count).tolist()"), 2 / 3),
    "one coin for all": ("test-augment", changed("augment", AUGMENT, "torch.rand(count) <", "torch.rand(1).expand(count) <"), 2 / 3),
    "never a flip": ("test-augment", changed("augment", AUGMENT, "< flip", "< 0"), 2 / 3),
    "always a flip": ("test-augment", changed("augment", AUGMENT, "< flip", "< 2"), 2 / 3),
    "half a flip, whatever is asked": ("test-augment", changed("augment", AUGMENT, "< flip", "< 0.5"), 2 / 3),
    "the other coin": ("test-augment", changed("augment", AUGMENT, "< flip", "> flip"), 2 / 3),
    "a flip tied to the shift": ("test-augment", changed(
        "augment", AUGMENT, "torch.rand(count) < flip", "(torch.tensor(tops) * 9 + torch.tensor(lefts)) * 7 % 81 < 81 * flip"), 2 / 3),
    "no flip, and a 4 written out": ("test-augment", changed(
        "augment", instead(AUGMENT, "[padding] * 4", "[4] * 4"), "< flip", "< 0"), 1 / 3),
    "offsets rounded": ("test-augment", changed(
        "augment", AUGMENT, "torch.randint(2 * padding + 1, (2, count))", "(torch.rand(2, count) * 2 * padding).round().long()"), 2 / 3),
    "half of the rows in the middle": ("test-augment", changed(
        "augment", AUGMENT, "    crops =", "    tops = [y if torch.rand(()) < 0.5 else padding for y in tops]\n    crops ="), 2 / 3),
    "a clamped normal": ("test-augment", changed(
        "augment", AUGMENT, "torch.randint(2 * padding + 1, (2, count))",
        "(torch.randn(2, count) * padding / 2 + padding).round().clamp(0, 2 * padding).long()"), 2 / 3),
    "every second image mirrored": ("test-augment", changed(
        "augment", AUGMENT, COINS, "torch.arange(count) % 2 < 2 * flip"), 2 / 3),
    "the first images mirrored": ("test-augment", changed(
        "augment", AUGMENT, COINS, "torch.arange(count) < count * flip"), 2 / 3),
    "always as many images mirrored": ("test-augment", changed(
        "augment", AUGMENT, COINS, "torch.randperm(count) < int(count * flip)"), 2 / 3),
    "coins for two": ("test-augment", changed(
        "augment", AUGMENT, COINS, "(torch.rand(count) < flip)[torch.arange(count) // 2]"), 2 / 3),
    "places for two": ("test-augment", changed(
        "augment", AUGMENT, DRAWN, f"{DRAWN}[:, torch.arange(count) // 2]"), 2 / 3),
    "places drawn once": ("test-augment", changed(
        "augment", AUGMENT, DRAWN,
        "augment.__dict__.setdefault((count, padding), torch.randint(2 * padding + 1, (2, count)))"), 2 / 3),
    "padding written out": ("test-augment", changed("augment", AUGMENT, "[padding] * 4", "[4] * 4"), 2 / 3),
    "one place too few": ("test-augment", changed("augment", AUGMENT, "2 * padding + 1", "max(1, 2 * padding)"), 2 / 3),
    "upside down": ("test-augment", changed("augment", AUGMENT, "flip(3)", "flip(2)"), 0),
    "reflected": ("test-augment", changed("augment", AUGMENT, "[padding] * 4", "[padding] * 4, mode='reflect'"), 0),
    "in place": ("test-augment", {"augment": AUGMENT + "    " + """
old = augment
def augment(images, padding=4, flip=0.5):
    images.copy_(old(images, padding, flip))
    return images
"""}, 2 / 3),
    "NaN": ("test-augment", changed("augment", AUGMENT, "return torch", "return float('nan') * torch"), 0),
    "nothing": ("test-augment", {"augment": "def augment(images, padding=4, flip=0.5): pass"}, 0),
    "transposed": ("test-augment", changed("augment", AUGMENT, "crops.flip(3), crops)", "crops.flip(3), crops).mT"), 0),
    "not augmented": ("test-augmented-step", changed("augmented-step", STEP, "augment(images, padding, flip)", "images"), 0),
    "settings not passed on": ("test-augmented-step", changed("augmented-step", STEP, "(images, padding, flip)", "(images)"), 0),
    "no flip passed on": ("test-augmented-step", changed("augmented-step", STEP, "padding, flip)", "padding)"), 0),
    "noise added": ("test-augmented-step", changed(
        "augmented-step", STEP, "augment(images, padding, flip)", "images + torch.randn_like(images)"), 0),
    "two steps": ("test-augmented-step", {"augmented-step": STEP.replace("    return", "    train_step(model, images, labels, loss_fn, optimizer)\n    return")}, 0),
    "norm after ReLU": ("test-lenet-bn", changed("lenet-bn", NETWORK.format(kind="BN", act="nn.ReLU()", bias=True),
        "nn.BatchNorm2d(6), nn.ReLU()", "nn.ReLU(), nn.BatchNorm2d(6)"), 0),
    "batch norms by hand, n - 1": ("test-lenet-bn", changed("lenet-bn", BY_FORMULA, ", unbiased=False", ""), 0),
    "batch norms by hand, eps outside the root": ("test-lenet-bn", changed(
        "lenet-bn", BY_FORMULA, "torch.sqrt(v + 1e-5)", "(torch.sqrt(v) + 1e-5)"), 0),
    "batch norms by hand, the batch's statistics always": ("test-lenet-bn", changed(
        "lenet-bn", BY_FORMULA, "if self.training", "if True"), 0),
    "batch norms by hand, statistics never kept": ("test-lenet-bn", changed(
        "lenet-bn", BY_FORMULA, "0.1 * var.detach()", "0 * var.detach()"), 0.75),
    "a layer never used": ("test-lenet-bn", {"lenet-bn": NETWORK.format(kind="BN", act="nn.ReLU()", bias=True)
        + "        self.spare = nn.Linear(3, 3)\n    def forward(self, x):\n"
        + "        for layer in list(self)[:-1]:\n            x = layer(x)\n        return x\n"}, 0.75),
    "ReLU": ("test-lenet-swish", network("Swish"), 0),
    "tanh": ("test-swish", {"swish": "def swish(x): return x * torch.tanh(x)"}, 0),
    "overflowing": ("test-swish", {"swish": "def swish(x): return x * torch.exp(x) / (1 + torch.exp(x * 50))"}, 0),
    "biases too": ("test-bonus-penalty", penalty("sum(p.abs().sum() for p in model.parameters())"), 0),
    "squares": ("test-bonus-penalty", penalty("sum((p ** 2).sum() for p in model.parameters() if p.ndim > 1)"), 0),
    "a mean": ("test-bonus-penalty", penalty("sum(p.abs().mean() for p in model.parameters() if p.ndim > 1)"), 0),
    "cut off": ("test-bonus-penalty", penalty(SUM.replace("p.abs()", "p.detach().abs()")), 0),
    "no augmentation": ("test-bonus-penalty", penalty(step="train_step"), 0.75),
    "no strength": ("test-bonus-penalty", {"bonus-penalty": PENALTY.format(penalty=SUM, step="augmented_step").replace("strength * ", "")}, 0.25),
    "another strength": ("test-bonus-penalty", {
        "bonus-penalty": PENALTY.format(penalty=SUM, step="augmented_step").replace("1e-4", "1e-3")}, 0.75),
    "not augmented, another strength": ("test-bonus-penalty", {
        "bonus-penalty": PENALTY.format(penalty=SUM, step="train_step").replace("1e-4", "1e-3")}, 0.5),
    "in eval mode": ("test-bonus-penalty", {
        "bonus-penalty": PENALTY.split("def l1_step")[0].format(penalty=SUM) + IN_EVAL_MODE}, 0.75),
    "NaN penalty": ("test-bonus-penalty", penalty(f"float('nan') * {SUM}"), 0),
}  # fmt: skip


@pytest.mark.parametrize("name", RIGHT)
def test_right_answers_in_other_styles(name: str) -> None:
    cell, cells = RIGHT[name]
    TRIAL.accepts(cell, cells)


@pytest.mark.parametrize("name", WRONG)
def test_wrong_answers_lose_their_share(name: str) -> None:
    cell, cells, share = WRONG[name]
    verdict = TRIAL.refuses(cell, cells)
    assert verdict.share == pytest.approx(share), verdict.reasons


def test_augmentations_are_told_apart_whatever_was_drawn() -> None:
    for seed in map(str, range(5)):
        assert TRIAL.verdict("test-augment", {"augment": AUGMENT}, seed=seed).share == 1.0


def test_another_strength_is_called_so() -> None:
    _, cells, _ = WRONG["another strength"]
    (reason,) = TRIAL.refuses("test-bonus-penalty", cells).reasons
    assert "Expected: a strength of 1e-4 where none is given" in reason
    assert "Got: a strength of about 0.001" in reason


STEPS = {
    "softmax": (
        "loss_fn(model(images)", "loss_fn(F.softmax(model(images), 1)", "the loss of the scores",
    ),
    "an optimizer of its own": (
        "    optimizer.zero_grad()",
        "    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)\n    optimizer.zero_grad()",
        "the right loss at first, and others later",
    ),
    "settings not passed on": (
        "padding=padding, flip=flip", "padding, 0.5", "`padding` and `flip` of augmented_step",
    ),
    "the mirrored images left out": (
        "padding=padding, flip=flip", "padding, 0", "the same loss with all images mirrored",
    ),
}  # fmt: skip


@pytest.mark.parametrize("story", STEPS)
def test_what_is_wrong_with_a_step_is_called_so(story: str) -> None:
    old, new, told = STEPS[story]
    cells = {"augmented-step": instead(BY_HAND, old, new)}
    (reason,) = TRIAL.refuses("test-augmented-step", cells).reasons
    assert told in reason
