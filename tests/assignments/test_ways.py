"""The same formula, or the same network, written in other ways: right is right."""

from __future__ import annotations

import functools

import pytest

from tests.assignments.mistakes import IDLE, NAMES
from tests.assignments.variants import Assignment


@functools.cache
def assignment(number: str) -> Assignment:
    return Assignment(NAMES[number])


def shares(number: str, changed: dict[str, str], cells: list[str]) -> dict[str, float]:
    idle = dict.fromkeys(IDLE.get(number, ()), "")
    found = assignment(number).report(idle | changed, only=cells)
    return {cell: verdict.share for cell, verdict in found.items()}


WEIGHTS = {  # standard_weights, separable_weights, remaining_share
    "as the text": ("N * M * D_K**2", "M * D_K**2 + N * M", "1 / N + 1 / D_K**2"),
    "products": ("D_K * D_K * N * M", "M * D_K * D_K + M * N", "1 / N + 1 / D_K / D_K"),
    "one factor out": ("N * (M * D_K**2)", "M * (D_K**2 + N)", "(N + D_K**2) / (N * D_K**2)"),
    "pow": ("M * N * pow(D_K, 2)", "M * pow(D_K, 2) + M * N", "N**-1 + D_K**-2"),
    "a quotient": (
        "N * M * D_K**2",
        "M * D_K**2 + N * M",
        "separable_weights(N, M, D_K) / standard_weights(N, M, D_K)",
    ),
    "sums": ("sum([M * D_K**2] * N)", "sum([M * D_K**2, N * M])", "sum([1 / N, D_K**-2])"),
    "floats": ("float(N * M * D_K**2)", "float(M * D_K**2 + N * M)", "(1 / D_K) ** 2 + 1.0 / N"),
    "counted": (
        "nn.Conv2d(M, N, D_K, bias=False).weight.numel()",
        "M * D_K**2 + N * M",
        "(M * D_K**2 + M * N) / (M * N * D_K**2)",
    ),
    "tensors": (
        "torch.tensor(N * M * D_K**2)",
        "torch.tensor(M * D_K**2 + N * M)",
        "torch.tensor(1 / N + 1 / D_K**2, dtype=torch.float64)",
    ),
    "rounded once": (
        "round(N * M * D_K**2)",
        "int(M * D_K**2 + N * M)",
        "1 / N * (1 + N / D_K**2)",
    ),
}


@pytest.mark.parametrize("way", WEIGHTS)
def test_weights_of_convolutions(way: str) -> None:
    names = ("standard_weights", "separable_weights", "remaining_share")
    code = "".join(
        f"def {name}(N, M, D_K):\n    return {formula}\n\n\n"
        for name, formula in zip(names, WEIGHTS[way], strict=True)
    )
    assert shares("04", {"formulas": code}, ["test-formulas"]) == {"test-formulas": 1}


GUESSING = [
    "math.log(num_classes)",
    "-math.log(1 / num_classes)",
    "-sum(math.log(1 / num_classes) / num_classes for _ in range(num_classes))",
    "math.log2(num_classes) * math.log(2)",
    "math.log10(num_classes) / math.log10(math.e)",
    "torch.log(torch.tensor(float(num_classes)))",
    "torch.tensor(num_classes).log().item()",
    "torch.logsumexp(torch.zeros(num_classes), 0)",
    "nn.CrossEntropyLoss()(torch.zeros(1, num_classes), torch.tensor([0])).item()",
    "-nn.LogSoftmax(0)(torch.ones(num_classes))[0]",
]


@pytest.mark.parametrize("formula", GUESSING)
def test_the_loss_of_guessing(formula: str) -> None:
    trial = assignment("01")
    changed = trial.edited("initial-loss", ("math.log(num_classes)", formula))
    assert shares("01", changed, ["initial-loss-test"]) == {"initial-loss-test": 1}


SWISH = [
    "x * torch.sigmoid(x)",
    "torch.sigmoid(x) * x",
    "x.mul(x.sigmoid())",
    "x / (1 + torch.exp(-x))",
    "x - x * torch.sigmoid(-x)",
    "x * (1 + torch.tanh(x / 2)) / 2",
    "F.silu(x)",
    "nn.SiLU()(x)",
    "x * torch.exp(F.logsigmoid(x))",
    "x * torch.special.expit(x)",
]


@pytest.mark.parametrize("formula", SWISH)
def test_swish(formula: str) -> None:
    changed = assignment("02").edited("swish", ("x * torch.sigmoid(x)", formula))
    cells = ["test-swish", "test-lenet-swish"]
    assert shares("02", changed, cells) == dict.fromkeys(cells, 1)


PLACES = [  # output_size, of `last`, the last place a filter can begin at
    "last // stride + 1",
    "(last + stride) // stride",
    "1 + last // stride",
    "int(last / stride) + 1",
    "math.floor(last / stride + 1)",
    "len(range(0, last + 1, stride))",
    "divmod(last, stride)[0] + 1",
    "-(-(last + 1) // stride)",
    "math.ceil((last + 1) / stride)",
    "sum(1 for _ in range(0, last + 1, stride))",
]
ROWS = [
    "size + 2 * padding - kernel",
    "padding + size + padding - kernel",
    "size - kernel + padding * 2",
]


@pytest.mark.parametrize("number", range(len(PLACES)))
def test_sizes_of_maps(number: int) -> None:
    code = f"""
import math

def output_size(size, kernel, padding=0, stride=1):
    last = {ROWS[number % len(ROWS)]}
    if last < 0:
        raise ValueError("it does not fit")
    return {PLACES[number]}
"""
    cells = ["test-output-size", "test-output-shape"]
    assert shares("03", {"output-size": code}, cells) == dict.fromkeys(cells, 1)


PARAMETERS = {  # conv_parameters, linear_parameters
    "as the text": ("a * b * channels * filters + filters * bias", "inputs * outputs + outputs * bias"),
    "a filter at a time": ("filters * (a * b * channels + bias)", "outputs * (inputs + bias)"),
    "a sum": ("sum(a * b * channels + bias for _ in range(filters))", "sum([inputs + bias] * outputs)"),
    "if": (
        "(a * b * channels + 1) * filters if bias else a * b * channels * filters",
        "(inputs + 1) * outputs if bias else inputs * outputs",
    ),
    "and": ("a * b * channels * filters + (bias and filters)", "inputs * outputs + (bias and outputs)"),
    "math.prod": (
        "math.prod([channels, filters, *kernel]) + (filters if bias else 0)",
        "math.prod((inputs, outputs)) + int(bias) * outputs",
    ),
    "real layers": (
        "sum(p.numel() for p in nn.Conv2d(channels, filters, kernel, bias=bias).parameters())",
        "sum(p.numel() for p in nn.Linear(inputs, outputs, bias=bias).parameters())",
    ),
    "floats": ("float(a * b) * channels * filters + bias * filters", "1.0 * inputs * outputs + bias * outputs"),
    "a tensor": (
        "torch.tensor([channels, filters, a, b]).prod() + bias * filters",
        "torch.tensor([inputs, outputs]).prod() + bias * outputs",
    ),
    "empty tensors": (
        "torch.empty(filters, channels, a, b).numel() + bias * filters",
        "torch.empty(outputs, inputs + bias).numel()",
    ),
}  # fmt: skip


@pytest.mark.parametrize("way", PARAMETERS)
def test_parameters_of_layers(way: str) -> None:
    conv, linear = PARAMETERS[way]
    code = f"""
import math

def conv_parameters(channels, filters, kernel, bias=True):
    a, b = kernel
    return {conv}

def linear_parameters(inputs, outputs, bias=True):
    return {linear}
"""
    assert shares("03", {"parameters": code}, ["test-parameters"]) == {"test-parameters": 1}


SIDES = [  # linear_inputs: the side of the maps after a block
    "(size - 1) // stride + 1",
    "-(-size // stride)",
    "math.ceil(size / stride)",
    "(size + stride - 1) // stride",
    "(size + 2 * 1 - 3) // stride + 1",
    "int((size - 1) / stride) + 1",
    "int((size - 1) / stride + 1)",
    "size // stride + (size % stride > 0)",
    "len(range(0, size, stride))",
    "math.floor((size - 1) / stride) + 1",
]
ENDS = [
    "channels * (size // pool) ** 2",
    "channels * (size // pool) * (size // pool)",
    "channels * pow(int(size / pool), 2)",
    "math.prod([channels, size // pool, size // pool])",
]


@pytest.mark.parametrize("number", range(len(SIDES)))
def test_numbers_behind_the_blocks(number: int) -> None:
    trial = assignment("07")
    changed = trial.edited(
        "sizes", (SIDES[0], SIDES[number]), (ENDS[0], ENDS[number % len(ENDS)]),
        ("def linear_inputs", "import math\n\n\ndef linear_inputs"),
    )  # fmt: skip
    assert shares("07", changed, ["test-sizes"]) == {"test-sizes": 1}


HEADS = {  # the linear layer as a convolution of one pixel: its cell, what changes, who is judged
    "04": ("plain-net", [
        ("self.last = nn.Linear(before, classes)", "self.last = nn.Conv2d(before, classes, 1)"),
        ("self.last(maps.mean((2, 3)))", "self.last(maps).mean((2, 3))"),
    ], ["test-plain-net", "test-resnet", "test-mobile-net"]),
    "05": ("resnet", [
        ("self.linear = nn.Linear(4 * width, CLASSES)", "self.linear = nn.Conv2d(4 * width, CLASSES, 1)"),
        ("self.linear(maps.mean((2, 3)))", "self.linear(F.adaptive_avg_pool2d(maps, 1)).flatten(1)"),
    ], ["test-resnet20"]),
    "06": ("resnet18", [
        ("nn.Flatten(), nn.Linear(in_channels, 10)", "nn.Conv2d(in_channels, 10, 1), nn.Flatten()"),
    ], ["test-resnet18", "test-resnet50"]),
    "07": ("network", [
        ("nn.MaxPool2d(4), nn.Flatten())", "nn.MaxPool2d(4))"),
        ("nn.Linear(width * 8, classes)", "nn.Sequential(nn.Conv2d(width * 8, classes, 1), nn.Flatten())"),
    ], ["test-network"]),
}  # fmt: skip


@pytest.mark.parametrize("number", HEADS)
def test_heads_that_are_convolutions(number: str) -> None:
    cell, pairs, cells = HEADS[number]
    changed = assignment(number).edited(cell, *pairs)
    assert shares(number, changed, cells) == dict.fromkeys(cells, 1)
