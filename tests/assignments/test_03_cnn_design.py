"""Assignment 03: right answers of many kinds earn full points, wrong ones lose them."""

from __future__ import annotations

import copy
import functools
import json
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pytest
import torch
from matplotlib.figure import Figure
from safetensors.torch import save_file
from torch import Tensor, nn

from skipgrade import lab
from tests.assignments.variants import Assignment

TRIAL = Assignment("03-cnn-design")
IMPORTS = "import torch\nfrom torch import nn\nfrom torch.nn import functional as F\n"


def share(grade_id: str, **cells: str) -> float:
    """Of the points of one test cell, with cells (named with underscores) replaced."""
    changed = {cell.replace("_", "-"): code for cell, code in cells.items()}
    verdict = TRIAL.verdict(grade_id, changed)
    assert not verdict.trouble
    assert verdict.share == 1 or verdict.reasons
    return verdict.share


# Part 1 -------------------------------------------------------------------------------------

SIZE = "def output_size(size, kernel, padding=0, stride=1):\n    "
REFUSE = "if kernel > size + 2 * padding:\n        raise ValueError\n    "
SHAPE = "def output_shape(shape, filters, kernel, padding=(0, 0), stride=(1, 1)):\n    "
PARAMETERS = """
def conv_parameters(channels, filters, kernel, bias=True):
    return {conv}
def linear_parameters(inputs, outputs, bias=True):
    return {linear}
"""


@pytest.mark.parametrize(
    "body",
    [
        "import math\n    "
        + REFUSE
        + "return math.floor((size - kernel + 2*padding) / stride) + 1",
        REFUSE + "return int((size + 2 * padding - kernel) / stride + 1)",
        REFUSE + "return len(range(0, size + 2 * padding - kernel + 1, stride))",
        "import numpy as np\n    "
        + REFUSE
        + "return np.int64((size+2*padding-kernel)//stride + 1)",
    ],
)
def test_sizes_however_they_are_rounded_down(body: str) -> None:
    assert share("test-output-size", output_size=SIZE + body) == 1


@pytest.mark.parametrize(
    ("body", "most"),
    [
        ("return (size + 2 * padding - kernel) // stride + 1", 0.75),  # never refuses
        (REFUSE + "return (size + 2 * padding - kernel) // stride * 1.0 + 1", 0.75),  # floats
        (REFUSE + "return round((size + 2 * padding - kernel) / stride) + 1", 0),
        (REFUSE + "return -(-(size + 2 * padding - kernel) // stride) + 1", 0),
        (REFUSE + "return (size + padding - kernel) // stride + 1", 0),
        (REFUSE + "return (size + 2 * padding - kernel + 1) // stride", 0),
        (REFUSE + "return 17 if kernel == 4 else 16 if stride == 2 else 32", 0),
        ("return 'seventeen'", 0),
        ("return None", 0),
    ],
)
def test_sizes_that_are_wrong(body: str, most: float) -> None:
    assert share("test-output-size", output_size=SIZE + body) <= most


def test_shapes() -> None:
    one = "output_size({0}, kernel[{1}], padding[{1}], stride[{1}])"
    height, width = one.format("shape[0]", 0), one.format("shape[1]", 1)
    right = SHAPE + f"return [{height}, {width}, filters]"
    channels_first = SHAPE + f"return filters, {height}, {width}"
    swapped = SHAPE + "return " + one.format("shape[0]", 1) + ", " + one.format("shape[1]", 0)
    same_channels = SHAPE + f"return {height}, {width}, shape[2]"
    square = SHAPE + f"return {height}, {height}, filters"
    assert share("test-output-shape", output_shape=right) == 1
    for wrong in (channels_first, swapped + ", filters", same_channels, square, SHAPE + "return 3"):
        assert share("test-output-shape", output_shape=wrong) == 0


@pytest.mark.parametrize(
    ("conv", "linear", "expected"),
    [
        ("(kernel[0] * kernel[1] * channels + bias) * filters", "(inputs + bias) * outputs", 1),
        ("kernel[0] ** 2 * channels * filters + bias * filters", "(inputs + bias) * outputs", 0.5),
        ("kernel[0] * kernel[1] * channels * filters", "(inputs + bias) * outputs", 0.5),
        ("kernel[0] * kernel[1] * filters + filters * bias", "inputs * outputs + inputs", 0),
        ("1568 if bias else 1536", "10_164", 0),
    ],
)
def test_parameters(conv: str, linear: str, expected: float) -> None:
    code = PARAMETERS.format(conv=conv, linear=linear)
    assert share("test-parameters", parameters=code) == expected


def test_counting_by_hand_is_marked_line_by_line() -> None:
    right = "dict(conv1=2432, conv2=51264, conv3=204928, dense1=131136, dense2=650, total=390410)"
    assert share("test-by-hand", by_hand=f"by_hand = {right}") == 1
    slip = right.replace("131136", "8256").replace("390410", "267530")  # 128 inputs, not 2,048
    assert share("test-by-hand", by_hand=f"by_hand = {slip}") == pytest.approx(0.6)
    total_alone = "by_hand = {'total': 390410}"
    assert share("test-by-hand", by_hand=total_alone) == pytest.approx(0.25)
    assert share("test-by-hand", by_hand="by_hand = 390410") == pytest.approx(0)


def test_counting_by_code() -> None:
    head = "def count_parameters(net):\n    return "
    for right in (
        "sum(p.nelement() for p in net.parameters() if p.requires_grad)",
        "sum(torch.tensor(p.shape).prod().item() for _, p in net.named_parameters())",
    ):
        assert share("test-by-code", by_code=head + right) == 1
    for wrong in (
        "sum(t.numel() for t in net.state_dict().values())",  # running means too
        "sum(p.numel() for p in net.parameters(recurse=False))",
        "sum(p.numel() for p in net.parameters() if p.ndim > 1)",  # no biases
        "len(list(net.parameters()))",
    ):
        assert share("test-by-code", by_code=head + wrong) < 1


# Part 2: the network ------------------------------------------------------------------------

SEQUENTIAL = """
def ThreeConvNet():
    layers, channels = [], 3
    for filters in (32, 64, 128):
        layers += [nn.Conv2d(channels, filters, 5, padding={padding}), {between}]
        channels = filters
    return nn.Sequential(*layers, nn.Flatten(), {head})
"""
HEAD = "nn.Linear(2048, 64), nn.ReLU(), nn.Linear(64, 10)"
FUNCTIONAL = """
class ThreeConvNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.out = nn.Linear(64, 10)
        self.hidden = nn.Linear(2048, 64)
        sizes = ((128, 64), (64, 32), (32, 3))
        self.convs = nn.ModuleList(nn.Conv2d(i, o, 5, padding="same") for o, i in sizes)
        self.pool = nn.MaxPool2d(kernel_size=2, stride=2)
    def forward(self, x):
        for conv in reversed(self.convs):
            x = self.pool(conv(x)).clamp(min=0)
        return self.out(torch.relu_(self.hidden(x.reshape(len(x), -1))))
"""


def sequential(
    between: str = "nn.ReLU(), nn.MaxPool2d(2)", head: str = HEAD, padding: int = 2
) -> str:
    return SEQUENTIAL.format(between=between, head=head, padding=padding)


def test_the_network_however_it_is_written() -> None:
    inplace = sequential("nn.ReLU(inplace=True), nn.MaxPool2d(2, 2)")
    pool_first = sequential("nn.MaxPool2d(2), nn.ReLU()")
    for right in (FUNCTIONAL, inplace, pool_first):
        assert share("test-three-conv", three_conv=right) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        sequential(head=HEAD + ", nn.Softmax(1)"),
        sequential(head=HEAD + ", nn.LogSoftmax(1)"),
        sequential(head=HEAD.replace("nn.ReLU(), ", "")),
        sequential(head=HEAD + ", nn.ReLU()"),
        sequential(head=HEAD.replace("nn.ReLU()", "nn.ReLU(), nn.Dropout(0.5)")),
        sequential("nn.MaxPool2d(2)"),
        sequential("nn.ReLU(), nn.AvgPool2d(2)"),
        sequential("nn.ReLU(), nn.BatchNorm2d(filters), nn.MaxPool2d(2)"),
        sequential("nn.Sigmoid(), nn.MaxPool2d(2)"),
        sequential(head=HEAD.replace("2048", "512"), padding=0),
        sequential(head=HEAD.replace("64", "84")),
        FUNCTIONAL.replace('"same"', '"same", bias=False'),
        FUNCTIONAL.replace('"same"', '"same", padding_mode="circular"'),
        "class ThreeConvNet(nn.Module): pass",
        "ThreeConvNet = 7",
    ],
)
def test_networks_that_are_not_the_one_of_the_table(wrong: str) -> None:
    assert share("test-three-conv", three_conv=wrong) == 0


# Part 2: its run ----------------------------------------------------------------------------

COLUMNS = ("train_loss", "val_loss", "test_loss", "train_accuracy", "val_accuracy", "test_accuracy")


def history(name: str, epochs: int = 7, best: float = 0.5, **settings: Any) -> lab.History:
    """A run whose validation accuracy is highest in its last epoch but one."""
    rows = [
        {
            "epoch": epoch,
            "train_loss": 2.3 - 0.3 * best * epoch,
            "train_accuracy": 0.1 + 0.05 * epoch,
            "val_loss": 2.2 - 0.2 * best * epoch,
            "val_accuracy": best * (0.9 if epoch == epochs else epoch / max(epochs - 1, 1)),
            "learning_rate": 0.1,
            "seconds": 1.0,
        }
        for epoch in range(1, epochs + 1)
    ]
    return lab.History(name, rows, {"training images": 9000, **settings})


def write_run(run: lab.History, net: nn.Module, test: float = 0.4) -> None:
    """The files of a run; its test accuracy is `test` where the validation accuracy is highest."""
    run.settings.setdefault("parameters", sum(p.numel() for p in net.parameters()))
    run.write(f"{run.name}-history.json")
    save_file(dict(net.state_dict()), f"{run.name}-best.safetensors")
    record = [
        {"test_loss": 2.1 - 0.1 * row["epoch"], "test_accuracy": test * row["epoch"] / 100}
        for row in run.epochs
    ]
    if record:
        record[run.best["epoch"] - 1]["test_accuracy"] = test
    Path(f"{run.name}-test-history.json").write_text(json.dumps(record))


def measured(run: lab.History) -> dict[str, list[float]]:
    return TRIAL.solution["curves"](run.name)


def drawn(values: dict[str, list[float]], *, figures: int = 1, legend: bool = True) -> Figure:
    figure, panels = plt.subplots(1, figures, squeeze=False)
    for number, (label, curve) in enumerate(values.items()):
        axes = panels[0][number % figures]
        axes.plot(range(1, len(curve) + 1), curve, label=label)
        axes.set(xlabel="epoch", ylabel="loss")
        if legend:
            axes.legend()
    return figure


def losses(run: lab.History, labels: tuple[str, ...] = ("train", "val", "test")) -> dict[str, Any]:
    found = measured(run)
    return {
        label: found[f"{part}_loss"]
        for label, part in zip(labels, ("train", "val", "test"), strict=True)
    }


def figure_share(run: lab.History, figure: Any) -> float:
    given = {"three_conv_history": run, "three_conv_figure": figure}
    verdict = TRIAL.verdict("test-three-conv-figure", given=given)
    assert not verdict.trouble
    return verdict.share


def three_conv_run(epochs: int = 7) -> tuple[lab.History, nn.Module]:
    torch.manual_seed(0)
    net = TRIAL.solution["ThreeConvNet"]()
    run = history("three-conv", epochs)
    write_run(run, net, test=0.6)
    return run, net


def test_a_figure_of_three_losses() -> None:
    run, _ = three_conv_run()
    for labels in (
        ("train", "val", "test"),
        ("Training loss", "Validation", "Test"),
        ("a", "b", "c"),
    ):
        assert figure_share(run, drawn(losses(run, labels))) == 1
    assert figure_share(run, drawn(losses(run)).axes[0]) == 1


def test_figures_of_something_else() -> None:
    run, _ = three_conv_run()
    two = losses(run)
    two.pop("test")
    accuracy = {key: measured(run)[f"{key}_accuracy"] for key in ("train", "val", "test")}
    short = {key: values[:-1] for key, values in losses(run).items()}
    for wrong in (
        drawn(two),
        drawn(accuracy),
        drawn(short),
        drawn(losses(run), figures=3),  # in one plot, says the text
        drawn(losses(run), legend=False),
        drawn(losses(run, ("test", "train", "val"))),
        plt.figure(),
        None,
        7,
    ):
        assert figure_share(run, wrong) == 0


def test_the_figure_needs_the_run_of_the_network() -> None:
    run, _ = three_conv_run(epochs=3)
    assert figure_share(run, drawn(losses(run))) == 0  # no curve with three points
    run, _ = three_conv_run()
    run.settings["parameters"] = 62_006
    run.write("three-conv-history.json")
    assert figure_share(run, drawn(losses(run))) == 0
    run, _ = three_conv_run()
    figure = drawn(losses(run))
    Path("three-conv-test-history.json").unlink()  # trained with lab.fit alone
    assert figure_share(run, figure) == 0


def labelled_by(net: nn.Module, right: float, count: int = 240) -> Any:
    """Held-out images of which `net` has the share `right` right."""
    pixels = torch.randint(0, 256, (count, 3, 32, 32), dtype=torch.uint8)
    mean, std = (torch.tensor(part).view(1, 3, 1, 1) for part in lab.normalisation("cifar10"))
    with torch.no_grad():
        labels = net.eval()((pixels / 255 - mean) / std).argmax(1)
    wrong = torch.arange(count) >= round(right * count)
    labels = torch.where(wrong, (labels + 1) % 10, labels)
    order = torch.randperm(count)
    return lambda name: (pixels[order], labels[order])


def accuracies(run: lab.History, **changes: Any) -> dict[str, Any]:
    row = run.best["epoch"] - 1
    names = {"training": "train", "validation": "val", "test": "test"}
    found = {name: measured(run)[f"{part}_accuracy"][row] for name, part in names.items()}
    return found | changes


def test_accuracies_of_the_epoch_that_is_handed_in() -> None:
    run, net = three_conv_run()

    def earned(told: Any, right: float = 0.6) -> float:
        given = {"three_conv_history": run, "three_conv_accuracies": told}
        holdout = labelled_by(net, right)
        verdict = TRIAL.verdict("test-accuracies", given=given, holdout=holdout)
        assert not verdict.trouble
        return verdict.share

    assert earned(accuracies(run)) == 1
    assert earned({key: round(value, 3) for key, value in accuracies(run).items()}) == 1
    last = {"training": run["train_accuracy"][-1], "validation": run["val_accuracy"][-1]}
    assert earned(accuracies(run, **last)) == 0.5
    assert earned({key: 100 * value for key, value in accuracies(run).items()}) == 0
    assert earned(accuracies(run, test=0.9)) == 0  # the weights say otherwise
    assert earned(accuracies(run, test="sixty")) == 0
    assert earned(accuracies(run), right=0.2) == 0  # has not learned
    assert earned({}) == 0


# The helper that notes test curves ----------------------------------------------------------


def small_data() -> tuple[Any, Any]:
    data = lab.load("cifar10")
    part = functools.partial(torch.utils.data.DataLoader, batch_size=20, collate_fn=lambda b: b)
    pick = [torch.utils.data.Subset(loader.dataset, range(40)) for loader in (data.train, data.val)]
    return tuple(part(some) for some in pick), part(pick[1])


def test_an_interrupted_run_goes_on_with_its_test_record_in_line() -> None:
    names = TRIAL.solution
    loaders, test = small_data()
    calls = []

    def interrupted(model: nn.Module, loader: Any, loss: Any) -> Any:
        calls.append(1)
        result = names["TestWatch"]("run", test)(model, loader, loss)
        if len(calls) == 3:
            raise KeyboardInterrupt  # the test images are noted, the epoch is not
        return result

    build = lambda: nn.Sequential(nn.Flatten(), nn.Linear(3072, 10))  # noqa: E731
    watch = names["TestWatch"]("run", test)
    settings = {"name": "run", "epochs": 4, "schedule": lab.cosine}
    lab.seed_everything(0)
    with pytest.raises(KeyboardInterrupt):
        lab.fit(build(), loaders, evaluate=interrupted, **settings)
    assert len(names["test_record"]("run")) == 3
    resumed = lab.fit(build(), loaders, evaluate=watch, **settings)
    assert len(resumed) == len(names["test_record"]("run")) == 4
    whole = measured(resumed)
    lab.forget("run")
    lab.seed_everything(0)
    lab.fit(build(), loaders, evaluate=watch, **settings)
    assert measured(resumed) == whole
    assert all(len(whole[column]) == 4 for column in COLUMNS)


def test_a_run_begun_without_the_watch_is_refused() -> None:
    names = TRIAL.solution
    loaders, test = small_data()
    net = nn.Sequential(nn.Flatten(), nn.Linear(3072, 10))
    lab.fit(net, loaders, name="run", epochs=1)
    with pytest.raises(lab.LabError, match=r"lab\.forget"):
        lab.fit(net, loaders, name="run", epochs=2, evaluate=names["TestWatch"]("run", test))


# Part 3: structures -------------------------------------------------------------------------

VGG = """
def ModelOne(widths=({w}, {w}, {w})):
    layers, channels = [], 3
    for width in widths:
        for _ in range(2):
            layers += [nn.Conv2d(channels, width, {k}, padding={k} // 2), {between}]
            channels = width
        layers.append({pool})
    return nn.Sequential(*layers, nn.Flatten(), {head})
"""


def chain(name: str = "ModelOne", w: int = 6, k: int = 3, **changes: str) -> str:
    parts = {
        "between": "nn.BatchNorm2d(width), nn.ReLU()",
        "pool": "nn.MaxPool2d(2)",
        "head": f"nn.Linear(16 * {w}, 10)",
    } | changes
    return VGG.format(w=w, k=k, **parts).replace("ModelOne", name)


RENAMED = """
class ModelTwo(nn.Module):
    def __init__(self):
        super().__init__()
        self.last = nn.Linear(16 * 9, 10)
        self.convs = nn.ModuleList([nn.Conv2d(i, 9, 3, padding=1) for i in (3, 9, 9, 9, 9, 9)])
        self.norms = nn.ModuleList([nn.BatchNorm2d(9) for _ in range(6)])
    def forward(self, x):
        for number, (conv, norm) in enumerate(zip(self.convs, self.norms)):
            x = F.silu(F.dropout(norm(conv(x)), 0.1, self.training))
            if number % 2:
                x = F.max_pool2d(x, 2)
        return self.last(x.flatten(1))
"""
RESIDUAL = """
class ModelTwo(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3, padding=1)
        self.convs = nn.ModuleList([nn.Conv2d(8, 8, 3, padding=1) for _ in range(6)])
        self.norms = nn.ModuleList([nn.BatchNorm2d(8) for _ in range(6)])
        self.last = nn.Linear(8, 10)
    def forward(self, x):
        x = self.first(x)
        for conv, norm in zip(self.convs, self.norms):
            {step}
        return self.last(x.mean((2, 3)))
"""
MOBILE = """
def ModelTwo():
    layers = [nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU()]
    for stride in (2, 2, 2):
        layers += [nn.Conv2d(8, 8, 3, stride, 1, groups=8), nn.BatchNorm2d(8), nn.ReLU(),
                   nn.Conv2d(8, 8, 1), nn.BatchNorm2d(8), nn.ReLU()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 10))
"""


def structure(one: str, two: str) -> float:
    return share("test-different", models=IMPORTS + one + two)


@pytest.mark.parametrize(
    "two",
    [
        RESIDUAL.format(step="x = x + F.relu(norm(conv(x)))"),
        RESIDUAL.format(step="x += norm(conv(F.relu(x)))"),
        RESIDUAL.format(step="x = F.relu(norm(conv(x)))[:, :, ::1] + x"),
        MOBILE,
        chain("ModelTwo", between="nn.ReLU()", k=5),
        chain("ModelTwo", pool="nn.AvgPool2d(2)", head="nn.Linear(96, 20), nn.Linear(20, 10)"),
        chain("ModelTwo", between="nn.GroupNorm(2, width), nn.ReLU()", k=5),
        chain("ModelTwo", pool="nn.Conv2d(width, width, 2, stride=2)"),
    ],
)
def test_two_designs_are_different(two: str) -> None:
    assert structure(chain(), two) == 1


@pytest.mark.parametrize(
    "two",
    [
        "ModelTwo = ModelOne\n",
        chain("ModelTwo", w=11),  # another width
        RENAMED,  # other names, order, style, activation, dropout
        chain("ModelTwo", k=5),  # one feature
        chain("ModelTwo", pool="nn.AvgPool2d(2)"),  # one feature
        chain("ModelTwo", between="nn.ReLU()"),  # one feature
        chain("ModelTwo", pool="nn.MaxPool2d(2), nn.Dropout(0.3), nn.Identity()"),
        chain("ModelTwo").replace("nn.Flatten()", "nn.Conv2d(6, 6, 1), nn.Flatten()"),  # one conv
        chain("ModelTwo").replace("layers.append", "layers.insert(-1, nn.ReLU()); layers.append"),
        "class ModelTwo(type(ModelOne())):\n    def __init__(self):\n"
        "        super().__init__(*ModelOne().children())\n",
    ],
)
def test_one_design_twice_is_not_two(two: str) -> None:
    assert structure(chain(), two) == 0
    assert not TRIAL.passes_visible("test-different", {"models": IMPORTS + chain() + two})


def test_the_network_of_the_table_is_no_design_of_ones_own() -> None:
    residual = RESIDUAL.format(step="x = x + F.relu(norm(conv(x)))")
    wider = "class ModelOne(ThreeConvNet):\n    pass\n"
    assert structure(wider, residual) == 0.5
    with_norm = sequential("nn.BatchNorm2d(filters), nn.ReLU(), nn.MaxPool2d(2)")
    assert structure(with_norm.replace("ThreeConvNet", "ModelOne"), residual) == 1


def test_networks_that_cannot_be_looked_at_earn_nothing() -> None:
    for one in ("ModelOne = 3\n", "def ModelOne(): return nn.Linear(3, 10)\n", "\n"):
        assert structure(one, MOBILE) == 0
    nine = chain("ModelTwo", pool="nn.AvgPool2d(2)", head="nn.Linear(96, 9), nn.Linear(9, 9)")
    assert structure(chain(), nine) == 0


def test_a_profile_of_the_students_own_making_earns_nothing() -> None:
    def with_profile(body: str) -> float:
        watch = TRIAL.cells["watch"] + f"\n_real = profile\ndef profile(net):\n    {body}\n"
        return share(
            "test-different", watch=watch, models=IMPORTS + chain() + "ModelTwo = ModelOne"
        )

    assert with_profile("return {'convolutions': id(net)}") == 0
    assert with_profile("return _real(net) | {'head': str(id(net)), 'kind': str(id(net))}") == 0
    lying = "return [] if isinstance(net[1], nn.BatchNorm2d) else _real(net)"
    assert with_profile(lying) == 0
    assert share("test-different", watch=TRIAL.cells["watch"]) == 1


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (chain("Net"), {"convolutions": 6, "usual kernel": "3x3", "head": "all pixels, 1 dense"}),
        (chain("Net"), {"normalisation": "batch norm", "connections": "chain"}),
        (MOBILE.replace("ModelTwo", "Net"), {"kind": "grouped", "shrinking": "stride"}),
        (
            MOBILE.replace("ModelTwo", "Net"),
            {"usual kernel": "3x3", "head": "pooled maps, 1 dense"},
        ),
        (
            RESIDUAL.format(step="x = x * torch.sigmoid(x)").replace("ModelTwo", "Net"),
            {"connections": "chain", "shrinking": "none", "normalisation": "none"},
        ),
        (
            RESIDUAL.format(step="x = torch.cat([x[:, :4], conv(x)[:, 4:]], 1)").replace(
                "ModelTwo", "Net"
            ),
            {"connections": "branches", "convolutions": 7},
        ),
    ],
)
def test_what_a_profile_says(change: str, expected: dict[str, Any]) -> None:
    names: dict[str, Any] = {}
    exec(IMPORTS + change, names)
    profile = TRIAL.solution["profile"](names["Net"]())
    assert {key: profile[key] for key in expected} == expected


# Part 3: the runs ---------------------------------------------------------------------------


@functools.cache
def validation_accuracy(which: str) -> tuple[nn.Module, float]:
    torch.manual_seed(1)
    net = TRIAL.solution[which]()
    return net, lab.evaluate(net, lab.load("cifar10").val)[1]


MODELS = [("model-one", "ModelOne", "one_history"), ("model-two", "ModelTwo", "two_history")]


def model_share(
    model: tuple[str, str, str],
    *,
    right: float = 0.9,
    epochs: int = 10,
    off: float = 0.0,
    **settings: Any,
) -> float:
    """What a model earns whose run, weights and score on held-out images are as said."""
    name, build, variable = model
    own, best = validation_accuracy(build)
    run = history(name, epochs, best + off, **settings)
    write_run(run, own)
    verdict = TRIAL.verdict(f"test-{name}", given={variable: run}, holdout=labelled_by(own, right))
    assert not verdict.trouble
    return verdict.share


@pytest.mark.parametrize("model", MODELS)
def test_a_model_that_reaches_its_goal(model: tuple[str, str, str]) -> None:
    assert model_share(model) == 1
    assert model_share(model, epochs=2) == 1
    assert model_share(model, right=0.65) == 0.5
    assert model_share(model, right=0.5) == 0


def test_the_epoch_limit_comes_from_the_history() -> None:
    assert model_share(MODELS[0], epochs=11) == 0
    assert model_share(MODELS[1], epochs=11) == 0


def test_an_epoch_is_one_pass_over_the_training_images() -> None:
    assert model_share(MODELS[0], **{"training images": 90_000}) == 0
    assert model_share(MODELS[0], **{"training images": None}) == 0
    assert model_share(MODELS[0], **{"training images": 9_900}) == 0  # lab.load(val=500)


def test_a_run_begins_with_random_weights() -> None:
    name, build, variable = MODELS[0]
    net, best = validation_accuracy(build)
    run = history(name, 10, best)
    run.epochs[0]["train_accuracy"] = 0.93
    write_run(run, net)
    given = {variable: run}
    verdict = TRIAL.verdict("test-model-one", given=given, holdout=labelled_by(net, 0.9))
    assert verdict.share == 0 and "random weights" in verdict.reasons[0]


def test_weights_of_another_run_are_not_taken_for_this_one() -> None:
    assert model_share(MODELS[0], off=0.2) == 0  # another run's history
    assert model_share(MODELS[0], parameters=1_000_000) == 0  # another network's
    Path("model-one-best.safetensors").unlink()
    assert TRIAL.verdict("test-model-one").share == 0
    Path("model-one-history.json").unlink()
    verdict = TRIAL.verdict("test-model-one")
    assert verdict.share == 0 and not verdict.trouble


def test_the_second_model_may_not_be_the_first_again() -> None:
    code = TRIAL.cells["models"] + "\n\nclass ModelTwo(ModelOne):\n    pass\n"
    names = TRIAL.student({"models": code})
    torch.manual_seed(1)
    twin = names["ModelTwo"]()
    best = lab.evaluate(twin, lab.load("cifar10").val)[1]
    run = history("model-two", 10, best)
    write_run(run, twin)
    verdict = TRIAL.verdict(
        "test-model-two",
        {"models": code},
        given={"two_history": run},
        holdout=labelled_by(twin, 0.9),
    )
    assert verdict.share == 0 and "another structure" in verdict.reasons[0]


# Part 4 -------------------------------------------------------------------------------------


@pytest.fixture
def both_runs() -> dict[str, lab.History]:
    runs = {}
    for name, build, _ in MODELS:
        torch.manual_seed(1)
        net = TRIAL.solution[build]()
        pixels, labels = (torch.cat(part) for part in zip(*first_test_batches(), strict=True))
        with torch.no_grad():
            test = float((net.eval()(pixels).argmax(1) == labels).float().mean())
        runs[name] = history(name, 10, 0.5 if name == "model-one" else 0.6)
        write_run(runs[name], net, test)
    return runs


def first_test_batches() -> list[tuple[Tensor, Tensor]]:
    batches = iter(lab.load("cifar10").test)
    return [next(batches), next(batches)]


TABLE = ("train_loss", "train_accuracy", "val_loss", "val_accuracy", "test_accuracy")


def table(runs: dict[str, lab.History], row: int | None = None) -> dict[str, dict[str, float]]:
    return {
        name: {
            column: measured(run)[column][run.best["epoch"] - 1 if row is None else row]
            for column in TABLE
        }
        for name, run in runs.items()
    }


def table_share(results: Any) -> float:
    verdict = TRIAL.verdict("test-results", given={"results": results})
    assert not verdict.trouble
    return verdict.share


def test_the_table_of_final_values(both_runs: dict[str, lab.History]) -> None:
    right = table(both_runs)
    assert table_share(right) == 1
    rounded = {name: {k: round(v, 3) for k, v in row.items()} for name, row in right.items()}
    assert table_share(rounded | {"three-conv": {}}) == 1
    one_wrong = copy.deepcopy(right)
    one_wrong["model-one"]["val_loss"] = 0.1
    assert table_share(one_wrong) == pytest.approx(0.94)
    percent = copy.deepcopy(right)
    for row in percent.values():
        row.update({k: 100 * v for k, v in row.items() if "accuracy" in k})
    assert table_share(percent) <= 0.3
    assert table_share(table(both_runs, row=-1)) < 0.6  # the last epoch, not the one handed in
    assert table_share({"model-one": right["model-one"]}) == 0
    assert table_share(None) == 0


def test_a_test_accuracy_the_weights_do_not_have(both_runs: dict[str, lab.History]) -> None:
    run = both_runs["model-two"]
    write_run(run, TRIAL.solution["ModelTwo"](), test=0.86)
    assert table_share(table(both_runs)) == pytest.approx(0.8)


def best_figures(name: str, quantity: str, factor: int = 1) -> Figure:
    found = TRIAL.solution["curves"](name)
    return drawn(
        {
            part: [factor * value for value in found[f"{part}_{quantity}"]]
            for part in ("train", "val", "test")
        }
    )


def best_share(quantity: str, best_model: Any, figure: Any) -> float:
    given = {"best_model": best_model, f"{quantity}_figure": figure}
    verdict = TRIAL.verdict(f"test-{quantity}-figure", given=given)
    assert not verdict.trouble
    return verdict.share


@pytest.mark.parametrize("quantity", ["accuracy", "loss"])
def test_figures_of_the_better_model(both_runs: dict[str, lab.History], quantity: str) -> None:
    other = "loss" if quantity == "accuracy" else "accuracy"
    assert best_share(quantity, "model-two", best_figures("model-two", quantity)) == 1
    assert best_share(quantity, "model-two", best_figures("model-two", quantity).axes[0]) == 1
    assert best_share(quantity, "model-one", best_figures("model-one", quantity)) == 0.5
    assert best_share(quantity, "model-two", best_figures("model-one", quantity)) == 0
    assert best_share(quantity, "model-two", best_figures("model-two", other)) == 0
    for name in ("ModelTwo", None, ["model-two"], 2):
        assert best_share(quantity, name, best_figures("model-two", quantity)) == 0
    assert best_share(quantity, "model-two", plt.figure()) == 0


def test_accuracies_in_percent_are_as_good_as_fractions(both_runs: dict[str, lab.History]) -> None:
    assert best_share("accuracy", "model-two", best_figures("model-two", "accuracy", 100)) == 1
    assert best_share("loss", "model-two", best_figures("model-two", "loss", 100)) == 0


def test_stubs_earn_nothing() -> None:
    written = ("output-size", "output-shape", "parameters", "by-hand", "by-code", "three-conv")
    stubs = dict.fromkeys((*written, "models"), "raise NotImplementedError()")
    assert len(TRIAL.source.tests) == 14
    for grade_id in TRIAL.source.tests:
        verdict = TRIAL.verdict(grade_id, stubs)
        assert verdict.share == 0 and verdict.reasons and not verdict.trouble
