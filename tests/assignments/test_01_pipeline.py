"""01: which answers earn the points of its test cells, and which lose some?"""

from __future__ import annotations

import functools
import warnings
from pathlib import Path
from typing import Any

import pytest

from skipgrade import lab
from skipgrade.classroom import sample
from tests.assignments.variants import Assignment

TRIAL = Assignment("01-lenet5-pipeline")
OWN_STYLE = dict(sample._own_cells("own-style"))
CELLS = [
    "lenet5-size", "lenet5-forward", "sanity-check-test", "transform-plain", "transform-augment",
    "loaders-contents", "loaders-order", "place-test", "is-on-test", "loss-test", "optimizer-test",
    "train-step-test", "evaluate-test", "initial-loss-test", "bonus-init-test",
]  # fmt: skip


@functools.cache
def histories(folder: Path) -> dict[str, Any]:
    return {
        name: lab.History.read(folder / f"{run}-history.json")
        for name, run in (("history", "lenet5"), ("kaiming_history", "kaiming"))
    }


@pytest.mark.parametrize("cell", CELLS)
def test_another_style_earns_everything(cell: str) -> None:
    TRIAL.accepts(cell, OWN_STYLE)


@pytest.mark.parametrize("cell", ["curves-test", "bonus-plot-test", "accuracy-test"])
@pytest.mark.parametrize("student", ["correct", "own-style"])
def test_runs_of_the_sample_class(cell: str, student: str, tmp_path: Path) -> None:
    sample.unpack(sample.HERE / "trained" / student, tmp_path)
    changed = OWN_STYLE if student == "own-style" else {}
    TRIAL.accepts(cell, changed, given=histories(tmp_path))


STEP = """
def train_step(model, images, labels, loss_fn, optimizer):
    device = next(model.parameters()).device
    model.train()
    optimizer.zero_grad()
    loss = loss_fn(model(images.to(device)), labels.to(device))
    loss.backward()
    optimizer.step()
    return loss.item()
"""
LOADERS = """
def make_loaders(batch_size, augment=False):
    train = lab.dataset("cifar10", "train", transform=make_transform(augment))
    val = lab.dataset("cifar10", "val", transform=make_transform(augment=False))
    return (DataLoader(train, batch_size=batch_size, shuffle=True),
            DataLoader(val, batch_size=batch_size))
"""
LOOKS = """
def looks_like_lenet5(model):
    try:
        shape = tuple(model(torch.zeros(4, 3, 32, 32)).shape)
    except RuntimeError:
        return False
    size = sum(p.numel() for p in model.parameters() if p.requires_grad)
    return shape == (4, 10) and size == 62_006
"""
LOSS = """
def make_loss():
    return {loss}
def make_optimizer(parameters):
    return {optimizer}
"""
CROSS = "nn.CrossEntropyLoss()"
DEVICE = """
def place(model, device):
    {place}
def is_on(model, device):
    {is_on}
"""
TO, ON = "return model.to(device)", "return all(t.device == device for t in {})"
TENSORS = "[*model.parameters(), *model.buffers()]"
KAIMING = """
def init_kaiming(model):
    for layer in model.modules():
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            {weight}
            {bias}
    return model
"""
HE, ZERO = "nn.init.kaiming_normal_(layer.weight)", "nn.init.zeros_(layer.bias)"
LENET = """
class LeNet5(nn.Sequential):
    def __init__(self):
        super().__init__(
            nn.Conv2d(3, 6, 5), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
            nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10))
"""


def optimizer(call: str) -> dict[str, str]:
    return {"loss": LOSS.format(loss=CROSS, optimizer=call)}


def sgd(**settings: Any) -> dict[str, str]:
    chosen = {"lr": 0.02, "momentum": 0.9, "weight_decay": 5e-4, **settings}
    told = ", ".join(f"{key}={value}" for key, value in chosen.items())
    return optimizer(f"torch.optim.SGD(parameters, {told})")


def loss(call: str) -> dict[str, str]:
    return {"loss": LOSS.format(loss=call, optimizer="torch.optim.SGD(parameters, lr=0.1)")}


def device(place: str = TO, is_on: str = ON.format(TENSORS)) -> dict[str, str]:
    return {"device": DEVICE.format(place=place, is_on=is_on)}


def kaiming(weight: str = HE, bias: str = ZERO) -> dict[str, str]:
    return {"bonus-init": KAIMING.format(weight=weight, bias=bias)}


def instead(code: str, old: str, new: str) -> str:
    assert old in code
    return code.replace(old, new)


RIGHT = {
    "a Sequential": ("lenet5-forward", {"lenet5": LENET}),
    "nesterov": ("optimizer-test", sgd(nesterov=True)),
    "another rate": ("optimizer-test", sgd(lr=0.2, weight_decay=1e-2)),
    "a small rate": ("optimizer-test", sgd(lr=0.001, weight_decay=1e-5)),
    "a list first": ("optimizer-test", optimizer(
        "torch.optim.SGD(list(parameters), 0.05, 0.9, weight_decay=1e-3, foreach=False)")),
    "device.type": ("is-on-test", device(is_on=(
        f"return {{t.device.type for t in {TENSORS}}} == {{torch.device(device).type}}"))),
    "fan-in by hand": ("bonus-init-test", kaiming(
        "layer.weight.data.normal_(0, math.sqrt(2 / layer.weight[0].numel()))",
        "layer.bias.data.fill_(0)")),
    "a gentle last layer": ("bonus-init-test", kaiming(
        "nn.init.normal_(layer.weight, std=math.sqrt((1 if getattr(layer, 'out_features', 0) == 10"
        " else 2) / layer.weight[0].numel()))")),
    "layers by name": ("bonus-init-test", {
        "lenet5": LENET,
        "bonus-init": instead(KAIMING, "model.modules()", "(model[i] for i in (0, 3, 7, 9, 11))")
        .format(weight=HE, bias=ZERO)}),
    "clipped": ("train-step-test", {"train-step": instead(
        STEP, "loss.backward()\n",
        "loss.backward(); nn.utils.clip_grad_norm_(model.parameters(), 1.0)\n")}),
    "workers": ("loaders-order", {"loaders": instead(LOADERS, "shuffle=True", "shuffle=True, pin_memory=False")}),
}  # fmt: skip
MATRICES = """
class LeNet5(nn.Module):
    def __init__(self):
        super().__init__()
        self.c1, self.c2 = nn.Conv2d(3, 6, 5), nn.Conv2d(6, 16, 5)
        shapes = (400, 120), (120, 84), (84, 10)
        self.w = nn.ParameterList([nn.Parameter(0.05 * torch.randn(*s)) for s in shapes])
        self.b = nn.ParameterList([nn.Parameter(torch.zeros(n)) for _, n in shapes])
    def forward(self, x):
        for conv in (self.c1, self.c2):
            x = nn.functional.max_pool2d(torch.relu(conv(x)), 2)
        x = x.flatten(1)
        for i in range(3):
            x = x @ self.w[i] + self.b[i]
            x = torch.relu(x) if i < 2 else x
        return x
"""
RIGHT |= {
    "x @ W + b": ("lenet5-forward", {"lenet5": MATRICES}),
    "Variable": ("train-step-test", {"train-step": "from torch.autograd import Variable\n" + instead(
        STEP, "model(images.to(device))", "model(Variable(images.to(device)))")}),
}  # fmt: skip
ONE_BY_ONE = (
    LENET
    + """
    def forward(self, images):
        return torch.stack([super(LeNet5, self).forward(one[None])[0] for one in images])
"""
)
RIGHT |= {
    "one image after the other": ("lenet5-forward", {"lenet5": ONE_BY_ONE}),
    "the same, its size": ("lenet5-size", {"lenet5": ONE_BY_ONE}),
    "C5 as a convolution": ("lenet5-forward", {
        "lenet5": instead(LENET, "nn.Flatten(),", "").replace("nn.Linear(400, 120), nn.ReLU()",
        "nn.Conv2d(16, 120, 5), nn.ReLU(), nn.Flatten()")}),
    "a Variable of the images": ("lenet5-forward", {
        "lenet5": "from torch.autograd import Variable\n" + LENET + """
    def forward(self, x):
        return super().forward(Variable(x))
"""}),
    "scripted": ("lenet5-forward", {
        "lenet5": instead(LENET, "class LeNet5", "class Own") + "\ndef LeNet5(): return torch.jit.script(Own())"}),
    "zero_grad last": ("train-step-test", {"train-step": instead(
        STEP, "    optimizer.zero_grad()\n", "").replace("step()\n", "step(); optimizer.zero_grad()\n")}),
    "zero_grad twice": ("train-step-test", {"train-step": instead(
        STEP, "step()\n", "step(); optimizer.zero_grad()\n")}),
    "the model's zero_grad": ("train-step-test", {"train-step": instead(
        STEP, "optimizer.zero_grad()", "model.zero_grad()")}),
}  # fmt: skip
TRANSFORM = """
def make_transform(augment):
    fixed = [transforms.ToTensor(), transforms.Normalize({numbers})]
    return transforms.Compose(([{crop}, transforms.RandomHorizontalFlip()] if augment else []) + fixed)
"""
CROP, USUAL = "transforms.RandomCrop(32, 4)", "(0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)"
WRONG = {
    "a crop half of the time": ("transform-augment", {"transform": TRANSFORM.format(
        numbers="*lab.normalisation('cifar10')", crop=f"transforms.RandomApply([{CROP}], 0.5)")}, 0.5),
    "the usual std": ("transform-plain", {"transform": TRANSFORM.format(numbers=USUAL, crop=CROP)}, 0.5),
    "frozen ones counted": ("sanity-check-test", {"sanity-check": instead(LOOKS, " if p.requires_grad", "")}, 0.75),
    "padded": ("lenet5-size", {"lenet5": instead(LENET, "3, 6, 5)", "3, 6, 5, padding=2)").replace("400", "576")}, 0.75),
    "softmax": ("lenet5-forward", {"lenet5": instead(LENET, "84, 10)", "84, 10), nn.Softmax(1)")}, 0),
    "no ReLU": ("lenet5-forward", {"lenet5": instead(LENET, "120), nn.ReLU()", "120)")}, 0),
    "batch of one": ("sanity-check-test", {"sanity-check": instead(LOOKS, "(4, ", "(1, ")}, 0.75),
    "no parameters": ("sanity-check-test", {"sanity-check": instead(LOOKS, " and size == 62_006", "")}, 0.5),
    "raises": ("sanity-check-test", {"sanity-check": instead(LOOKS, "except RuntimeError", "except KeyError")}, 0.75),
    "always": ("sanity-check-test", {"sanity-check": "def looks_like_lenet5(model): return True"}, 0),
    "never": ("sanity-check-test", {"sanity-check": "def looks_like_lenet5(model): return False"}, 0),
    "0 to 255": ("transform-plain", {"transform": (
        "def make_transform(augment): return transforms.Compose([transforms.PILToTensor(), transforms.ConvertImageDtype(torch.float32)])")}, 0),
    "float64": ("transform-plain", {"transform": (
        "def make_transform(augment): return lambda i: transforms.Normalize(*lab.normalisation('cifar10'))(transforms.ToTensor()(i)).double()")}, 0.75),
    "only crops": ("transform-augment", {"transform": (
        "def make_transform(augment): return transforms.Compose([transforms.RandomCrop(32, 4), transforms.ToTensor(),"
        " transforms.Normalize(*lab.normalisation('cifar10'))])")}, 0.5),
    "padding of 2": ("transform-augment", {"transform": (
        "def make_transform(augment): return transforms.Compose([transforms.RandomCrop(32, 2), transforms.RandomHorizontalFlip(),"
        " transforms.ToTensor(), transforms.Normalize(*lab.normalisation('cifar10'))])")}, 0.5),
    "rotated": ("transform-augment", {"transform": (
        "def make_transform(augment): return transforms.Compose([transforms.RandomRotation(10), transforms.ToTensor(),"
        " transforms.Normalize(*lab.normalisation('cifar10'))])")}, 0),
    "splits swapped": ("loaders-contents", {"loaders": LOADERS.replace('"train"', '"X"').replace('"val"', '"train"').replace('"X"', '"val"')}, 0),
    "val for both": ("loaders-contents", {"loaders": instead(LOADERS, '"train"', '"val"')}, 0),
    "images of 0 to 1": ("loaders-contents", {"loaders": instead(
        LOADERS, "transform=make_transform(augment)", "transform=transforms.ToTensor()")}, 0.5),
    "labels shifted": ("loaders-contents", {"loaders": instead(
        LOADERS, "    return", "    val.targets = [(t + 1) % 10 for t in val.targets]\n    return")}, 0.5),
    "batches of 50": ("loaders-contents", {"loaders": instead(LOADERS, "batch_size=batch_size", "batch_size=50")}, 0),
    "no shuffling": ("loaders-order", {"loaders": instead(LOADERS, ", shuffle=True", "")}, 0.5),
    "both shuffled": ("loaders-order", {"loaders": instead(LOADERS, "size))", "size, shuffle=True))")}, 0.5),
    "last dropped": ("loaders-order", {"loaders": instead(LOADERS, "size))", "size, drop_last=True))")}, 0.5),
    "val augmented": ("loaders-order", {"loaders": instead(LOADERS, "augment=False))", "augment))")}, 0.75),
    "none augmented": ("loaders-order", {"loaders": instead(LOADERS, "make_transform(augment))", "make_transform(False))")}, 0.75),
    "nothing returned": ("place-test", device("model.to(device)"), 0),
    "own device": ("place-test", device("return model.to(lab.device())"), 0),
    "moves some": ("place-test", device("model[0].to(device); return model") , 0),
    "parameters only": ("is-on-test", device(is_on=ON.format("model.parameters()")), 0),
    "buffers only": ("is-on-test", device(is_on=ON.format("model.buffers()")), 0),
    "first only": ("is-on-test", device(is_on="return next(model.parameters()).device == device"), 0),
    "any": ("is-on-test", device(is_on=f"return any(t.device == device for t in {TENSORS})"), 0),
    "a softmax more": ("loss-test", loss("lambda s, y: nn.CrossEntropyLoss()(s.softmax(1), y)"), 0),
    "a sum": ("loss-test", loss("nn.CrossEntropyLoss(reduction='sum')"), 0),
    "smoothed": ("loss-test", loss("nn.CrossEntropyLoss(label_smoothing=0.1)"), 0),
    "NaN": ("loss-test", loss("lambda s, y: s.sum() * math.nan"), 0),
    "Adam": ("optimizer-test", optimizer("torch.optim.Adam(parameters, lr=0.02)"), 0),
    "no momentum": ("optimizer-test", sgd(momentum=0), 0.5),
    "momentum 0.99": ("optimizer-test", sgd(momentum=0.99), 0.5),
    "no decay": ("optimizer-test", sgd(weight_decay=0), 0.5),
    "decay 0.1": ("optimizer-test", sgd(weight_decay=0.1), 0.5),
    "rate 0.5": ("optimizer-test", sgd(lr=0.5), 0.5),
    "rate and momentum": ("optimizer-test", sgd(lr=0.5, momentum=0.5), 0),
    "half of the parameters": ("optimizer-test", optimizer(
        "torch.optim.SGD([p for p in parameters if p.ndim > 1], lr=0.02, momentum=0.9, weight_decay=5e-4)"), 0),
    "decay on biases alone": ("optimizer-test", optimizer(
        "torch.optim.SGD([{'params': [p], 'weight_decay': 5e-4 if p.ndim == 1 else 0.0} for p in parameters],"
        " lr=0.02, momentum=0.9)"), 0.5),
    "NaN rate": ("optimizer-test", sgd(lr="math.nan"), 0),
    "by hand": ("optimizer-test", optimizer("ByHand(parameters)") | {"transform": """
class ByHand(torch.optim.Optimizer):
    def __init__(self, parameters):
        super().__init__(parameters, {})
        self.v = {}
    @torch.no_grad()
    def step(self):
        for p in self.param_groups[0]["params"]:
            self.v[p] = 0.9 * self.v.get(p, 0) + p.grad + 5e-4 * p
            p -= 0.02 * self.v[p]
"""}, 0.75),
    "gradients kept": ("train-step-test", {"train-step": instead(STEP, "    optimizer.zero_grad()\n", "")}, 0),
    "mode left": ("train-step-test", {"train-step": instead(STEP, "    model.train()\n", "")}, 0.75),
    "a step of networks with buffers": ("train-step-test", {"train-step": instead(STEP, "parameters()", "buffers()")}, 0.5),
    "networks with buffers": ("evaluate-test", {"evaluate": instead(TRIAL.cells["evaluate"], "parameters()", "buffers()")}, 0.5),
    "a tensor": ("train-step-test", {"train-step": instead(STEP, "loss.item()", "loss")}, 0.75),
    "trained first": ("initial-loss-test", {"initial-loss": (
        "initial_loss = 1.4\ndef guessing_loss(num_classes): return math.log(num_classes)")}, 0.75),
    "log2": ("initial-loss-test", {"initial-loss": (
        "initial_loss = 2.3\ndef guessing_loss(num_classes): return math.log2(num_classes)")}, 0.25),
    "uniform": ("bonus-init-test", kaiming("nn.init.kaiming_uniform_(layer.weight, nonlinearity='relu')"), 0.5),
    "xavier": ("bonus-init-test", kaiming("nn.init.xavier_normal_(layer.weight)"), 0),
    "fan-out": ("bonus-init-test", kaiming("nn.init.kaiming_normal_(layer.weight, mode='fan_out')"), 0),
    "shifted": ("bonus-init-test", kaiming(HE + "; layer.weight.data += 0.05"), 0),
    "biases of one": ("bonus-init-test", kaiming(bias="nn.init.ones_(layer.bias)"), 0.75),
    "NaN weights": ("bonus-init-test", kaiming("layer.weight.data *= math.nan"), 0),
    "a fresh model": ("bonus-init-test", {
        "bonus-init": instead(KAIMING, "    for layer", "    model = LeNet5()\n    for layer").format(weight=HE, bias=ZERO)}, 0),
}  # fmt: skip


@pytest.mark.parametrize("name", RIGHT)
def test_right_answers_in_other_styles(name: str) -> None:
    cell, changed = RIGHT[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch would have scripted networks compiled instead
        TRIAL.accepts(cell, changed)
    assert cell not in TRIAL.errors, "the visible part"


@pytest.mark.parametrize("name", WRONG)
def test_wrong_answers_lose_their_share(name: str) -> None:
    cell, changed, share = WRONG[name]
    verdict = TRIAL.refuses(cell, changed)
    assert verdict.share == pytest.approx(share), verdict.reasons


@pytest.mark.parametrize("cell", ["transform-augment", "loaders-contents", "loaders-order"])
def test_a_wrong_std_costs_its_points_once(cell: str) -> None:
    TRIAL.accepts(cell, {"transform": TRANSFORM.format(numbers=USUAL, crop=CROP)})


@pytest.mark.parametrize("cell", ["transform-augment", "loaders-contents"])
def test_plain_images_that_are_not_normalised_cost_their_points_once(cell: str) -> None:
    TRIAL.accepts(cell, {"transform": f"""
def make_transform(augment):
    if not augment:
        return transforms.ToTensor()
    normal = transforms.Normalize(*lab.normalisation("cifar10"))
    return transforms.Compose([{CROP}, transforms.RandomHorizontalFlip(), transforms.ToTensor(), normal])
"""})  # fmt: skip


def drawing(training: str, validation: str, extra: str = "") -> dict[str, str]:
    return {"curves": f"""
def plot_accuracy(history):
    figure, axes = plt.subplots()
    axes.plot(history["epoch"], {training}, label="training")
    axes.plot(history["epoch"], {validation}, label="validation")
    axes.set(xlabel="epoch", ylabel="accuracy")
    axes.legend()
    {extra}
    return figure
"""}  # fmt: skip


@pytest.mark.parametrize(
    "changed",
    [
        drawing('history["val_accuracy"]', 'history["train_accuracy"]'),
        drawing('history["train_accuracy"]', '[100 * a for a in history["val_accuracy"]]'),
        drawing('history["train_loss"]', 'history["val_loss"]'),
        drawing('history["train_accuracy"]', 'history["val_accuracy"]', "axes.set_xlabel('')"),
        drawing('history["train_accuracy"]', 'history["val_accuracy"]', "axes.get_legend().remove()"),
        drawing('history["train_accuracy"]', 'history["val_accuracy"]', "return axes.get_lines()"),
    ],
)  # fmt: skip
def test_figures_of_something_else(changed: dict[str, str]) -> None:
    TRIAL.accepts("curves-test", drawing('history["train_accuracy"]', 'history["val_accuracy"]'))
    TRIAL.refuses("curves-test", changed)


@pytest.mark.parametrize(
    "written",
    ["answer_1 = True", "answer_1 = 0", "answer_1 = 'False'", "answer_1 = None", "pass"],
)
def test_a_claim_that_is_not_false(written: str) -> None:
    TRIAL.refuses("claim-01-test", {"claim-01-answer": written})
